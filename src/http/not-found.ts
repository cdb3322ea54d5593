import type { Hono, NotFoundHandler } from "hono";
import type { AppEnv } from "../context.ts";
import { ApiError } from "../errors.ts";
import { problem } from "./problem.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/**
 * When the path exists for another method: 405 with Allow (RFC 9110, section 15.5.6), and for OPTIONS, Allow alone
 * (section 9.3.7). Else 404.
 */
export function notFound(app: Hono<AppEnv>): NotFoundHandler<AppEnv> {
  return function notFound(c) {
    const allow = METHODS.filter((method) => answers(app, method, c.req.path));
    if (allow.length === 0) {
      // HEAD is told what GET would be, to the letter: its answer has the length of that.
      const method = c.req.method === "HEAD" ? "GET" : c.req.method;
      const message = `There is nothing at ${method} ${c.req.path}.`;
      return problem(c, new ApiError("not_found", message));
    }
    if (allow.includes("GET")) allow.push("HEAD");
    if (c.req.method === "OPTIONS") return c.body(null, 204, { allow: allow.join(", ") });
    const message = `This path answers ${allow.join(", ")}.`;
    return problem(c, new ApiError("method_not_allowed", message, { allow }));
  };
}

/** Middleware is registered for every method, and so says nothing about a path. */
function answers(app: Hono<AppEnv>, method: string, path: string): boolean {
  const [matched] = app.router.match(method, path);
  return matched.some(([[, route]]) => route.method === method);
}
