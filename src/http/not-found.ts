import type { Hono, NotFoundHandler } from "hono";
import type { AppEnv } from "../context.ts";
import { ApiError } from "../errors.ts";
import { problem } from "./problem.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** 405 with Allow when the path exists for another method (RFC 9110, section 15.5.6), else 404. */
export function notFound(app: Hono<AppEnv>): NotFoundHandler<AppEnv> {
  return function notFound(c) {
    const allow = METHODS.filter((method) => answers(app, method, c.req.path));
    if (allow.length === 0) {
      return problem(c, new ApiError("not_found", `There is nothing at ${c.req.method} ${c.req.path}.`));
    }
    if (allow.includes("GET")) allow.push("HEAD");
    return problem(c, new ApiError("method_not_allowed", `This path answers ${allow.join(", ")}.`, { allow }));
  };
}

/** Middleware is registered for every method, and so says nothing about a path. */
function answers(app: Hono<AppEnv>, method: string, path: string): boolean {
  const [matched] = app.router.match(method, path);
  return matched.some(([[, route]]) => route.method === method);
}
