/** Describing an operation for the OpenAPI document in one line beside its handler. */
import type { MiddlewareHandler } from "hono";
import { describeRoute, resolver } from "hono-openapi";
import { z } from "zod";

/** RFC 9457. */
export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: "Stable: branch on it" }),
    detail: z.string(),
    instance: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ ref: "Problem" });

const REASONS = {
  400: "The body is not JSON",
  401: "No access token, or not a valid one",
  403: "A permission is missing",
  404: "There is no such thing, or it is another tenant's",
  409: "It collides with what is there",
  413: "The body is too large",
  415: "The body is not application/json",
  422: "A field is not valid",
  503: "Busy: try again after Retry-After seconds",
} as const;

type ErrorStatus = keyof typeof REASONS;
type Answers = { 200?: z.ZodType; 201?: z.ZodType; 204?: null; errors?: ErrorStatus[] };

/**
 * Makes the `describeRoute` of a group of routes. Only errors that an operation gives are listed. The 401 of an access
 * token is added here, those of a body in openapi.ts.
 */
export function operation(tag: string, { anonymous = false } = {}) {
  return function describe(summary: string, { errors = [], ...answers }: Answers): MiddlewareHandler {
    const failures: ErrorStatus[] = anonymous ? errors : [401, ...errors];
    return describeRoute({
      tags: [tag],
      summary,
      ...(!anonymous && { security: [{ bearer: [] }] }),
      responses: {
        ...Object.fromEntries(Object.entries(answers).map(([status, schema]) => [status, success(status, schema)])),
        ...Object.fromEntries(failures.map((status) => [status, failure(status)])),
      },
    });
  };
}

function success(status: string, schema: z.ZodType | null | undefined) {
  if (!schema) return { description: "Done" };
  const description = status === "201" ? "Created" : "Success";
  return { description, content: { "application/json": { schema: resolver(schema) } } };
}

/** What an operation answers when it fails with `status`. */
export function failure(status: ErrorStatus) {
  return { description: REASONS[status], content: { "application/problem+json": { schema: resolver(Problem) } } };
}
