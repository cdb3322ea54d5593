/** Validation with the schema that the OpenAPI document shows. Failures throw, so that errors have one exit. */
import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { resolver, uniqueSymbol } from "hono-openapi";
import type { z } from "zod";
import type { AppEnv, AuthedContext } from "../context.ts";
import { ValidationError } from "../errors.ts";
import { toFieldErrors } from "../fields.ts";
import { assertStillThere } from "../sessions/still-allowed.ts";
import { readJson } from "./body.ts";
import { isStorable } from "./json-fault.ts";

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
  async function validate(c: HonoContext<AppEnv>, next: () => Promise<void>) {
    const result = schema.safeParse(target === "json" ? await readJson(c) : readQuery(c));
    const { ctx } = c.var;
    if (target === "json" && "principal" in ctx) await assertStillThere(ctx as AuthedContext);
    if (!result.success) throw new ValidationError(toFieldErrors(result.error.issues));
    c.req.addValidatedData(target, result.data as object);
    await next();
  }
  return Object.assign(validate, { [uniqueSymbol]: { target, ...resolver(schema) } });
}

/** A parameter given twice stays a list, which no scalar schema accepts: which one counts is not for us to guess. */
function readQuery(c: HonoContext): Record<string, unknown> {
  const start = c.req.url.indexOf("?");
  if (start !== -1 && c.req.url.length - start > LONGEST_QUERY) {
    const message = `The query has more than ${LONGEST_QUERY} characters`;
    throw new ValidationError([{ path: "", message }]);
  }
  // Hono leaves what it cannot decode as it stands.
  if (!isDecodable(c.req.url)) {
    throw new ValidationError([{ path: "", message: "The query is not percent-encoded UTF-8" }]);
  }
  const entries = Object.entries(c.req.queries()).map(([name, values]) => {
    if (![name, ...values].every(isStorable)) {
      throw new ValidationError([{ path: name, message: "Not valid text" }]);
    }
    return [name, values.length === 1 ? values[0] : values];
  });
  return Object.fromEntries(entries);
}

function isDecodable(url: string): boolean {
  try {
    decodeURIComponent(url);
    return true;
  } catch {
    return false;
  }
}
