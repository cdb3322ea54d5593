import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../context.ts";

/** The longest that Bun takes. */
const SECONDS = 255;

/** For what may work longer than the server lets a connection be silent. First of all: it needs Bun's own request. */
export function patient(): MiddlewareHandler<AppEnv> {
  return async function patient(c, next) {
    // A test that calls the application itself has no server.
    const server = c.env as Partial<Pick<Bun.Server<unknown>, "timeout">> | undefined;
    server?.timeout?.(c.req.raw, SECONDS);
    await next();
  };
}
