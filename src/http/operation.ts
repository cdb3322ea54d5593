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
    "violated-policies": z.array(z.string()).optional(),
  })
  .meta({ ref: "Problem" });

const REASONS = {
  400: "The body is not JSON, or a link or code in it is not valid",
  401: "No access token, or not a valid one",
  403: "A permission is missing",
  404: "There is no such thing, or it is another tenant's",
  409: "It collides with what is there",
  413: "The body is too large",
  415: "The body is not application/json",
  422: "A field is not valid",
  429: "Too many requests: try again after Retry-After seconds",
  503: "Busy, or without its database: try again after Retry-After seconds",
} as const;

type ErrorStatus = keyof typeof REASONS;
type Answers = {
  200?: z.ZodType;
  201?: z.ZodType;
  202?: z.ZodType | null;
  204?: null;
  errors?: ErrorStatus[];
};

/**
 * Makes the `describeRoute` of a group of routes. Only errors that an operation gives are listed; the 401 of an access
 * token, the 403 of what needs a session, and the 503 of a database that is away are added here, those of a body in
 * openapi.ts.
 */
export function operation(tag: string, { anonymous = false, session = false } = {}) {
  return function describe(
    summary: string,
    { errors = [], ...answers }: Answers,
  ): MiddlewareHandler {
    return describeRoute({
      tags: [tag],
      summary,
      ...(!anonymous && { security: [{ bearer: [] }] }),
      responses: {
        ...Object.fromEntries(
          Object.entries(answers).map(([status, schema]) => [status, success(status, schema)]),
        ),
        ...failures([
          ...(anonymous ? [] : [401 as const]),
          ...(session ? [403 as const] : []),
          ...errors,
          503,
        ]),
      },
    });
  };
}

function success(status: string, schema: z.ZodType | null | undefined) {
  if (!schema) return { description: status === "202" ? "Under way" : "Done" };
  const description = { 201: "Created", 202: "Under way" }[status] ?? "Success";
  return { description, content: { "application/json": { schema: resolver(schema) } } };
}

/** Answers of these statuses, each described once in `PROBLEMS`. */
export function failures(statuses: ErrorStatus[]) {
  const entries = statuses.map((status) => [
    status,
    { $ref: `#/components/responses/Problem${status}` },
  ]);
  return Object.fromEntries(entries);
}

/** The components that `failures` refers to. */
export const PROBLEMS = Object.fromEntries(
  Object.entries(REASONS).map(([status, description]) => {
    const content = { "application/problem+json": { schema: resolver(Problem) } };
    return [`Problem${status}`, { description, content }];
  }),
);
