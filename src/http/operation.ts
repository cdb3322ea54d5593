/** Describing an operation for the OpenAPI document in one line beside its handler. */
import type { MiddlewareHandler } from "hono";
import { describeRoute } from "hono-openapi";
import { z } from "zod";
import { ERRORS, type ErrorCode, type ErrorStatus } from "../errors.ts";
import { DEVICE_COOKIE } from "./device-cookie.ts";
import { type FieldName, fields } from "./documented-headers.ts";
import { described } from "./json-schema.ts";
import { kindOf } from "./problem.ts";
import { REFRESH_COOKIE } from "./refresh-cookie.ts";

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
  /** The refresh token may travel in a cookie: what the answer does with it, see refresh-cookie.ts. */
  cookie?: "given" | "exchanged" | "ended" | "taken back";
};

const describings = new WeakSet<object>();

/** Whether `operation` made it: for the document alone, and nothing for a request to pass (router.ts). */
export function isDescribing(handler: object): boolean {
  return describings.has(handler);
}

/**
 * Makes the `describeRoute` of a group of routes. Only errors that an operation gives are listed; the 401 of an access
 * token, the 403 of what needs a session, and the 503 of a database that is away are added here, those of a body in
 * openapi.ts.
 */
export function operation(tag: string, { anonymous = false, session = false } = {}) {
  return function describe(
    summary: string,
    { errors = [], idempotent, body, optionalBody, cookie, ...answers }: Answers,
  ): MiddlewareHandler {
    const statuses = [...Object.keys(answers), ...errors.map(String)];
    const hasVersion = ["304", "412"].some((status) => statuses.includes(status));
    const parameters = parametersOf(statuses, { idempotent, cookie });
    const describing = describeRoute({
      tags: [tag],
      summary,
      ...(parameters.length > 0 && { parameters }),
      ...(body && { requestBody: { required: true, content: texts(body) } }),
      ...(optionalBody && { requestBody: { required: false, content: jsonOf(optionalBody) } }),
      security: anonymous ? [] : [{ bearer: [] }],
      ...(anonymous && { "x-says": ["Takes no access token."] }),
      responses: {
        ...Object.fromEntries(
          Object.entries(answers).map(([status, schema]) => {
            const headers = fields(...sentWithSuccess(status, schema, { hasVersion, cookie }));
            return [status, { ...success(status, schema), headers }];
          }),
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
    describings.add(describing);
    return describing;
  };
}

type Options = Pick<Answers, "idempotent" | "cookie">;

/** What an operation reads beside its path, query and body. */
function parametersOf(statuses: string[], { idempotent, cookie }: Options) {
  const parameters = [
    statuses.includes("304") && header("If-None-Match", "Entity tags that the caller has"),
    statuses.includes("412") &&
      header("If-Match", "Entity tags of what the caller means to change"),
    idempotent &&
      header(
        "Idempotency-Key",
        "One for each request: sent again under it, it is done once and answered twice",
        { examples: ["0193a1c2-7f3e-7b44-9d52-6a1c0de5b8f7"] },
        idempotent === "required",
      ),
    cookie &&
      header("Tenantry-Tokens", "The refresh token travels in a cookie, not in the body", {
        enum: ["cookie"],
      }),
    cookie === "given" &&
      header("Tenantry-Device", "What the session's device is called, percent-encoded", {
        examples: ["Ada's%20phone"],
      }),
    cookie === "given" &&
      header(
        "Tenantry-Device-Token",
        "Asks for the client to be known again: cookie for a page, else the deviceToken of the last log-in, or new",
        { examples: ["cookie"] },
      ),
    cookie === "given" && {
      in: "cookie" as const,
      name: DEVICE_COOKIE,
      description: "By which the client is known again, beside Tenantry-Device-Token: cookie",
      schema: { type: "string" as const },
    },
    (cookie === "exchanged" || cookie === "ended") && {
      in: "cookie" as const,
      name: REFRESH_COOKIE,
      description: "The refresh token, beside Tenantry-Tokens: cookie",
      schema: { type: "string" as const },
    },
  ];
  return parameters.filter((parameter) => typeof parameter === "object");
}

function sentWithSuccess(
  status: string,
  content: Content | null | undefined,
  { hasVersion, cookie }: Options & { hasVersion: boolean },
): FieldName[] {
  return [
    ...(hasVersion && ["200", "304"].includes(status) ? (["ETag"] as const) : []),
    ...(status === "201" ? (["Location"] as const) : []),
    ...(cookie && status !== "202" ? (["Set-Cookie"] as const) : []),
    ...(isText(content) ? (["Content-Disposition", "Vary"] as const) : []),
  ];
}

function success(status: string, schema: Content | null | undefined) {
  if (!schema) return { description: DESCRIPTIONS.get(status) ?? "Done" };
  const description = DESCRIPTIONS.get(status) ?? "Success";
  if (isText(schema)) return { description, content: texts(schema) };
  return { description, content: jsonOf(schema) };
}

function jsonOf(schema: z.ZodType) {
  return { "application/json": { schema: described(schema) } };
}

function isText(content: Content | null | undefined): content is readonly string[] {
  return Array.isArray(content);
}

const DESCRIPTIONS = new Map([
  ["201", "Created"],
  ["202", "Under way"],
  ["304", "The caller has it already"],
]);

function texts(types: readonly string[]) {
  return Object.fromEntries(types.map((type) => [type, { schema: { type: "string" as const } }]));
}

type Text = { enum?: string[]; examples?: string[] };

function header(name: string, description: string, text: Text = {}, required = false) {
  const schema = { type: "string" as const, ...text };
  return { in: "header" as const, name, description, required, schema };
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
      const example = exampleOf(kinds);
      const content = { "application/problem+json": { schema: described(Problem), example } };
      return [`Problem${status}`, { description, headers: fields(...sentWith(status)), content }];
    }),
);

function exampleOf([kind]: [code: string, { detail: string }][]) {
  const [code, { detail }] = kind ?? ["not_found", ERRORS.not_found];
  const instance = "urn:tenantry:request:0193a1c2-7f3e-7b44-9d52-6a1c0de5b8f7";
  return { ...kindOf(code as ErrorCode), detail, instance };
}

/** The fields of a failure: problem.ts, and what the middlewares before it had sent already. */
function sentWith(status: ErrorStatus): FieldName[] {
  return [
    ...(status < 500 ? (["RateLimit", "RateLimit-Policy"] as const) : []),
    ...(status === 401 ? (["WWW-Authenticate", "Set-Cookie"] as const) : []),
    ...(status === 415 ? (["Accept", "Accept-Patch", "Accept-Encoding"] as const) : []),
    ...([409, 429, 503].includes(status) ? (["Retry-After"] as const) : []),
  ];
}
