/** Validation with the schema that the OpenAPI document shows. Failures throw, so that errors have one exit. */
import { zValidator } from "@hono/zod-validator";
import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { uniqueSymbol } from "hono-openapi";
import type { z } from "zod";
import type { AppEnv, AuthedContext } from "../context.ts";
import { ValidationError } from "../errors.ts";
import { toFieldErrors } from "../faults.ts";
import { assertStillThere } from "../sessions/still-allowed.ts";
import { readJson, readJsonIfSent } from "./body.ts";
import { isStorable } from "./json-fault.ts";
import { described } from "./json-schema.ts";

/** Every query of ours is shorter, with each of its characters percent-encoded. */
const LONGEST_QUERY = 8192;

type Target = "json" | "query";
type Validated<T extends Target, S extends z.ZodType> = {
  in: { [K in T]: z.input<S> };
  out: { [K in T]: z.output<S> };
};

/** Checks the body or the query string; the handler reads the result with `c.req.valid(target)`. */
export function validate<T extends Target, S extends z.ZodType>(
  target: T,
  schema: S,
): MiddlewareHandler<AppEnv, string, Validated<T, S>> {
  const check = checking(target, schema);
  async function validate(c: HonoContext<AppEnv>, next: () => Promise<void>) {
    await (target === "json" ? prepareBody(c) : assertQuery(c));
    return check(c, next);
  }
  return Object.assign(validate, { [uniqueSymbol]: { target, ...described(schema) } });
}

/** As `validate` of a body, where one may be left out: that is an empty object then, whatever Content-Type says. */
export function validateIfSent<S extends z.ZodType>(
  schema: S,
): MiddlewareHandler<AppEnv, string, Validated<"json", S>> {
  const check = checking("json", schema);
  return async function validateIfSent(c, next) {
    const body = (await readJsonIfSent(c)) ?? {};
    c.req.json = async <T>() => body as T;
    return check(c, next);
  };
}

function checking(target: Target, schema: z.ZodType): MiddlewareHandler<AppEnv> {
  // No schema of ours waits for anything, and to wait for each of its parts costs half of the check.
  const validationFunction = (_: unknown, value: unknown) => schema.safeParse(value);
  return zValidator(
    target,
    schema,
    (result) => {
      if (!result.success) throw new ValidationError(toFieldErrors(result.error.issues));
    },
    { validationFunction },
  );
}

/** Hono would parse the text again, and what it keeps as parsed it writes out and parses again: 1e999 becomes null. */
async function prepareBody(c: HonoContext<AppEnv>): Promise<void> {
  const body = await readJson(c);
  c.req.json = async <T>() => body as T;
  const ctx = c.get("ctx");
  if ("principal" in ctx) await assertStillThere(ctx as AuthedContext);
}

/** What no schema sees, or would have no words for: of a parameter that is given twice nobody guesses which one counts. */
function assertQuery(c: HonoContext): void {
  const start = c.req.url.indexOf("?");
  if (start !== -1 && c.req.url.length - start > LONGEST_QUERY) {
    const message = `The query has more than ${LONGEST_QUERY} characters`;
    throw new ValidationError([{ path: "", message }]);
  }
  // Hono leaves what it cannot decode as it stands.
  if (!isDecodable(c.req.url)) {
    throw new ValidationError([{ path: "", message: "The query is not percent-encoded UTF-8" }]);
  }
  for (const [name, values] of Object.entries(c.req.queries()))
    if (![name, ...values].every(isStorable))
      throw new ValidationError([{ path: name, message: "Not valid text" }]);
    else if (values.length > 1)
      throw new ValidationError([{ path: name, message: "Is given more than once" }]);
}

function isDecodable(url: string): boolean {
  try {
    decodeURIComponent(url);
    return true;
  } catch {
    return false;
  }
}
