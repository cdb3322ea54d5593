/** The OpenAPI document as tests use it: its operations, and whether an answer is one that it promises. */
import { z } from "zod";
import { HEADERS } from "../../src/http/security-headers.ts";
import type { Answer } from "../support/app.ts";

type Schema = Record<string, unknown>;
type Content = Record<string, { schema: Schema; example?: unknown }>;
type Response =
  | { description: string; headers?: Record<string, object>; content?: Content }
  | { $ref: string };
type Parameter = { in: string; name: string; required?: boolean; schema: Schema };

export type Operation = {
  operationId: string;
  summary: string;
  description?: string;
  tags: string[];
  security?: object[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, Response>;
};

export type Document = {
  openapi: string;
  info: { title: string; version: string };
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, Schema>;
    responses: Record<string, Exclude<Response, { $ref: string }>>;
    headers: Record<string, { schema: Schema }>;
    securitySchemes: Record<string, object>;
  };
};

export type Route = { name: string; method: string; path: string; operation: Operation };

/** Every operation, named as `call` wants it: "GET /v1/users/{id}". */
export function routes(document: Document): Route[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );
}

/** Follows `$ref` within the document. */
export function resolve<T extends object>(document: Document, value: T | { $ref: string }): T {
  if (!("$ref" in value)) return value;
  const [, ...keys] = (value.$ref as string).split("/");
  return keys.reduce<unknown>((at, key) => (at as Schema | undefined)?.[key], document) as T;
}

/** What of an answer the document does not promise, in words; null when it is as documented. */
export function undocumented(
  document: Document,
  route: Route,
  answer: Answer<unknown>,
): string | null {
  const given = `${route.name} answers ${answer.status}`;
  const documented = route.operation.responses[answer.status];
  if (!documented) return `${given}, which is not documented`;
  const { content, headers = {} } = resolve(document, documented);
  const silent = [...answer.headers.keys()].filter((name) => !isTold(name, headers));
  if (silent.length > 0) return `${given} with ${silent}, which is not documented`;
  const type = answer.headers.get("content-type")?.split(";")[0] ?? "";
  if (!content) return answer.body === "" ? null : `${given} with a body, which is not documented`;
  const schema = content[type]?.schema;
  if (!schema) return `${given} as ${type}, which is not documented`;
  const { error } = validator(document, schema).safeParse(answer.body);
  return error
    ? `${given} with another body than documented: ${JSON.stringify(error.issues)}`
    : null;
}

/** What is said once for all answers, what goes without saying, and the lives of connections (RFC 9110, section 7.6.1). */
const SAID_ONCE = [
  ...HEADERS.map(([name]) => name),
  ...["content-type", "content-length", "vary", "connection"],
];

function isTold(name: string, headers: Record<string, object>): boolean {
  const told = [...SAID_ONCE, ...Object.keys(headers).map((field) => field.toLowerCase())];
  return told.includes(name) || name.startsWith("access-control-");
}

const validators = new WeakMap<Schema, z.ZodType>();

function validator(document: Document, schema: Schema): z.ZodType {
  const known = validators.get(schema);
  if (known) return known;
  const closed = close({ ...schema, $defs: document.components.schemas });
  const made = z.fromJSONSchema(closed);
  validators.set(schema, made);
  return made;
}

/** The schema with no room for fields that it does not name, and with references as zod reads them. */
function close(schema: Schema): Schema {
  return JSON.parse(JSON.stringify(schema), (key, value) => {
    if (key === "$ref") return value.replace("#/components/schemas/", "#/$defs/");
    const isObject =
      value?.type === "object" && value.properties && !("additionalProperties" in value);
    return isObject ? { ...value, additionalProperties: false } : value;
  });
}
