import type { Context as HonoContext, MiddlewareHandler } from "hono";

const PREFLIGHT = {
  "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
  "access-control-allow-headers":
    "authorization, content-type, idempotency-key, if-match, if-none-match, tenantry-device, tenantry-device-token, tenantry-tokens, x-request-id",
  "access-control-max-age": "600",
};
const EXPOSED =
  "content-disposition, etag, location, ratelimit, ratelimit-policy, retry-after, www-authenticate, x-request-id";

/**
 * Lets browser pages of the listed origins call and read (the Fetch standard, section 3.3). Any other origin gets no CORS
 * header at all, and its preflight is an OPTIONS like every other (not-found.ts). Credentials
 * are allowed to the listed ones: the refresh token may travel in a cookie (refresh-cookie.ts).
 * @returns the answer to a preflight of theirs.
 */
export function letIn(c: HonoContext, allowed: ReadonlySet<string>): Response | undefined {
  c.header("vary", "Origin");
  const origin = c.req.header("origin");
  if (origin === undefined || !allowed.has(origin)) return undefined;
  c.header("access-control-allow-origin", origin);
  c.header("access-control-allow-credentials", "true");
  c.header("access-control-expose-headers", EXPOSED);
  const asked = c.req.header("access-control-request-method");
  const isPreflight = c.req.method === "OPTIONS" && asked !== undefined;
  return isPreflight ? c.body(null, 204, PREFLIGHT) : undefined;
}

/**
 * For what is published to everybody: any page may read it, without credentials (the Fetch standard, section 3.3.5). The
 * listed origins have been answered by name before, and keep theirs: theirs may come with credentials.
 */
export function readableByAll(): MiddlewareHandler {
  return async function readableByAll(c, next) {
    if (!c.res.headers.has("access-control-allow-origin")) {
      c.header("access-control-allow-origin", "*");
      if (c.req.method === "OPTIONS") {
        c.header("access-control-allow-methods", "GET, HEAD");
        c.header("access-control-allow-headers", "*");
        c.header("access-control-max-age", PREFLIGHT["access-control-max-age"]);
      }
    }
    await next();
  };
}
