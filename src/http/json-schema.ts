/** Schemas as the OpenAPI document shows them: said so that every reader of JSON Schema understands the same. */
import { resolver } from "hono-openapi";
import type { z } from "zod";

type Json = z.core.JSONSchema.BaseSchema;
type Node = { zodSchema: z.core.$ZodTypes; jsonSchema: Json };

/** The schema for `hono-openapi`, tidied. What is validated does not change: only what is told of it. */
export function described(schema: z.ZodType) {
  return resolver(schema, { options: { unrepresentable: "any", override: tidy } });
}

/** Those of JSON Schema 2020-12, section 7.3. Others are zod's own words: readers warn of them, or stop. */
const FORMATS = ["date-time", "date", "email", "ipv4", "ipv6", "uri", "uuid"];

function tidy({ zodSchema, jsonSchema }: Node): void {
  const { def } = zodSchema._zod;
  if (isTextOfBoolean(def)) jsonSchema.type = "boolean";
  // zod leaves it out where the text has another type than what is made of it.
  if (def.type === "default" && jsonSchema.type === "boolean")
    jsonSchema.default = def.defaultValue;
  if (jsonSchema.type === "integer") tidyInteger(jsonSchema);
  if (jsonSchema.type === "string") tidyText(jsonSchema, def);
  // That the names of a JSON object are text goes without saying; generators warn that they do not read it.
  if (Object.keys(jsonSchema.propertyNames ?? {}).join() === "type")
    delete jsonSchema.propertyNames;
}

/** `z.stringbool()`: `true` and `false` in a query, which the document calls by their type. */
function isTextOfBoolean(def: z.core.$ZodTypeDef): boolean {
  if (def.type !== "pipe") return false;
  const { in: from, out: to } = def as z.core.$ZodPipeDef;
  return from._zod.def.type === "string" && to._zod.def.type === "boolean";
}

/** Ours are counts, versions and seconds, unless they say otherwise. zod names the safe integers of JavaScript. */
function tidyInteger(schema: Json): void {
  if (schema.minimum === Number.MIN_SAFE_INTEGER) schema.minimum = 0;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) schema.maximum = 2 ** 31 - 1;
}

function tidyText(schema: Json, def: z.core.$ZodTypeDef): void {
  const { checks = [] } = def as z.core.$ZodStringDef;
  // A second pattern makes zod forget it.
  if (checks.some(({ _zod }) => "format" in _zod.def && _zod.def.format === "email"))
    schema.format = "email";
  if (schema.format !== undefined && !FORMATS.includes(schema.format)) delete schema.format;
  const found = [schema.pattern, ...(schema.allOf ?? []).map(({ pattern }) => pattern)];
  const patterns = found.filter((pattern) => pattern !== undefined);
  if (patterns.length === 0) return;
  delete schema.pattern;
  delete schema.allOf;
  // A format says the same in a word.
  if (schema.format !== undefined) return;
  const [first, ...others] = patterns.map(portable).filter((pattern) => pattern !== null);
  if (first === undefined) return;
  if (others.length === 0) schema.pattern = first;
  else schema.allOf = [first, ...others].map((pattern) => ({ pattern }));
}

/**
 * What reads alike in ECMA-262 with and without flags, Java, .NET, Python, Go and PCRE: RFC 9485 with anchors. No class by
 * letter but \d, which elsewhere has the digits of all scripts and so is written out; no looking around, no laziness, no
 * references. Without such a pattern the document promises less than the API asks for, and says nothing false.
 */
function portable(pattern: string): string | null {
  const written = pattern.replaceAll(/\[([^\]]*)\\d/g, "[$10-9").replaceAll("\\d", "[0-9]");
  return /\\[A-Za-z0-9]|\(\?(?!:)|[*+?}][+?]|[^\x20-\x7e]/.test(written) ? null : written;
}
