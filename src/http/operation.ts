/** Describing an operation for the OpenAPI document in one line beside its handler. */
import type { MiddlewareHandler } from "hono";
import { describeRoute, resolver } from "hono-openapi";
import { z } from "zod";
import { ERRORS, type ErrorStatus } from "../errors.ts";

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
    results: z
      .array(z.record(z.string(), z.json()))
      .optional()
      .meta({ description: "What is wrong with each item, where a request has many" }),
    "violated-policies": z.array(z.string()).optional(),
  })
  .meta({ ref: "Problem" });

/** Without what no operation gives: another method than its own, and a fault of ours. */
type OperationStatus = Exclude<ErrorStatus, 405 | 500>;
/** A schema of JSON, or the media types of text that is no JSON. */
type Content = z.ZodType | readonly string[];
type Answers = {
  200?: Content;
  201?: z.ZodType;
  202?: z.ZodType | null;
  204?: null;
  /** Takes If-None-Match. */
  304?: null;
  /** With 412 it takes If-Match. */
  errors?: OperationStatus[];
  /** Takes an Idempotency-Key: see idempotency.ts. */
  idempotent?: "optional" | "required";
  /** Of a body of JSON that may be left out (`validateIfSent`). */
  optionalBody?: z.ZodType;
  /** The media types of a body that is no JSON; one that is comes from `validate`. */
  body?: readonly string[];
};

/**
 * Makes the `describeRoute` of a group of routes. Only errors that an operation gives are listed; the 401 of an access
 * token, the 403 of what needs a session, and the 503 of a database that is away are added here, those of a body in
 * openapi.ts.
 */
export function operation(tag: string, { anonymous = false, session = false } = {}) {
  return function describe(
    summary: string,
    { errors = [], idempotent, body, optionalBody, ...answers }: Answers,
  ): MiddlewareHandler {
    const parameters = [
      "304" in answers && header("If-None-Match", "Entity tags that the caller has"),
      errors.includes(412) && header("If-Match", "Entity tags of what the caller means to change"),
      idempotent &&
        header(
          "Idempotency-Key",
          "One for each request: sent again under it, it is done once and answered twice",
          idempotent === "required",
        ),
    ].filter((parameter) => typeof parameter === "object");
    return describeRoute({
      tags: [tag],
      summary,
      ...(parameters.length > 0 && { parameters }),
      ...(body && { requestBody: { required: true, content: texts(body) } }),
      ...(optionalBody && { requestBody: { required: false, content: jsonOf(optionalBody) } }),
      ...(!anonymous && { security: [{ bearer: [] }] }),
      responses: {
        ...Object.fromEntries(
          Object.entries(answers).map(([status, schema]) => [status, success(status, schema)]),
        ),
        ...failures([
          ...(anonymous ? [] : [401 as const]),
          ...(session ? [403 as const] : []),
          ...errors,
          ...(idempotent ? [409 as const, 422 as const, 429 as const] : []),
          503,
        ]),
      },
    });
  };
}

function success(status: string, schema: Content | null | undefined) {
  if (!schema) return { description: DESCRIPTIONS.get(status) ?? "Done" };
  const description = DESCRIPTIONS.get(status) ?? "Success";
  if (!("_zod" in schema)) return { description, content: texts(schema) };
  return { description, content: jsonOf(schema) };
}

function jsonOf(schema: z.ZodType) {
  return { "application/json": { schema: resolver(schema) } };
}

const DESCRIPTIONS = new Map([
  ["201", "Created"],
  ["202", "Under way"],
  ["304", "The caller has it already"],
]);

function texts(types: readonly string[]) {
  return Object.fromEntries(types.map((type) => [type, { schema: { type: "string" as const } }]));
}

function header(name: string, description: string, required = false) {
  return {
    in: "header" as const,
    name,
    description,
    required,
    schema: { type: "string" as const },
  };
}

/** Answers of these statuses, each described once in `PROBLEMS`. */
export function failures(statuses: OperationStatus[]) {
  const entries = statuses.map((status) => [
    status,
    { $ref: `#/components/responses/Problem${status}` },
  ]);
  return Object.fromEntries(entries);
}

/** The components that `failures` refers to: of each status, the codes that have it. Markdown shows no `<token>` of its own. */
export const PROBLEMS = Object.fromEntries(
  [...Map.groupBy(Object.entries(ERRORS), ([, { status }]) => status)]
    .filter(([status]) => status !== 405 && status !== 500)
    .map(([status, kinds]) => {
      const lines = kinds.map(([code, { detail }]) => `- \`${code}\`: ${detail}`);
      const description = lines.join("\n").replaceAll("<", "\\<");
      const content = { "application/problem+json": { schema: resolver(Problem) } };
      return [`Problem${status}`, { description, content }];
    }),
);
