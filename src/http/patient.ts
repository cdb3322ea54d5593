import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../context.ts";
import { serverOf } from "./origin.ts";

/** The longest that Bun takes. */
const SECONDS = 255;

/** For what may work longer than the server lets a connection be silent. First of all: it needs Bun's own request. */
export function patient(): MiddlewareHandler<AppEnv> {
  return async function patient(c, next) {
    serverOf(c).timeout?.(c.req.raw, SECONDS);
    await next();
  };
}
