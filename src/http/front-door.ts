import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../context.ts";
import { letIn } from "./cross-origin.ts";
import { assertHost } from "./host.ts";
import { NO_STORE } from "./no-store.ts";
import { HEADERS } from "./security-headers.ts";

/**
 * What every answer carries, set before the route runs so that it can loosen what it must (docs.ts), and what no request
 * may be. One step for all of it, which waits for nothing: each step costs a request as much as what it does.
 * @param origins of the pages that browsers let in.
 */
export function frontDoor(origins: readonly string[]): MiddlewareHandler<AppEnv> {
  const allowed = new Set(origins);
  return function frontDoor(c, next) {
    for (const [name, value] of HEADERS) c.header(name, value);
    assertHost(c.req.header("host"));
    const preflight = letIn(c, allowed);
    if (preflight) return Promise.resolve(preflight);
    if (c.req.path.startsWith("/v1/")) c.header(...NO_STORE);
    return next();
  };
}
