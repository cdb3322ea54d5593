/** Handing out the metrics: behind a token on the port of the API, or on a port of their own. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../context.ts";
import { ApiError } from "../errors.ts";
import type { Metrics } from "../watch/metrics.ts";

/** Exposition format 0.0.4. */
const TEXT = {
  "content-type": "text/plain; version=0.0.4; charset=utf-8",
  "cache-control": "no-store",
};
const PATH = "/metrics";

/** On the port of the API. @throws ApiError `not_authenticated` without the token, `invalid_token` with another one. */
export function metricsRoute(metrics: Metrics, token: string): MiddlewareHandler<AppEnv> {
  return async function metricsRoute(c) {
    const given = c.req.header("authorization");
    if (given === undefined) throw new ApiError("not_authenticated");
    if (!isToken(given, token)) throw new ApiError("invalid_token");
    return c.body(await metrics.page(), 200, TEXT);
  };
}

/** On a port of their own. @param token null where whoever reaches the port may read them. */
export function answerMetrics(metrics: Metrics, token: string | null) {
  return async function answerMetrics(request: Request): Promise<Response> {
    if (new URL(request.url).pathname !== PATH) return new Response(null, { status: 404 });
    if (!["GET", "HEAD"].includes(request.method))
      return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
    const given = request.headers.get("authorization") ?? "";
    if (token !== null && !isToken(given, token))
      return new Response(null, { status: 401, headers: { "www-authenticate": "Bearer" } });
    return new Response(await metrics.page(), { headers: TEXT });
  };
}

/** In a time that tells nothing of how much of it was right, nor how long it is. */
function isToken(header: string, token: string): boolean {
  const given = /^Bearer +(\S+)$/i.exec(header)?.[1] ?? "";
  return timingSafeEqual(hash(given), hash(token));
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
