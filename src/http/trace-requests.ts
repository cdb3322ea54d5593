import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../context.ts";
import type { Traces } from "../watch/traces.ts";
import { askerOf, methodOf, routeOf } from "./route.ts";

/** A span for each request, as part of the caller's trace where they name one (W3C Trace Context). */
export function traceRequests(traces: Traces): MiddlewareHandler<AppEnv> {
  return async function traceRequests(c, next) {
    const method = methodOf(c);
    const carrier = {
      traceparent: c.req.header("traceparent"),
      tracestate: c.req.header("tracestate"),
    };
    await traces.within(
      { name: method, kind: "server", attributes: { "http.request.method": method } },
      async (span) => {
        await next();
        const route = routeOf(c);
        const { status } = c.res;
        const { tenantId, userId } = askerOf(c);
        span.rename(`${method} ${route}`);
        span.set({
          "http.route": route,
          "http.response.status_code": status,
          "tenantry.request.id": c.get("ctx").origin.requestId,
          "tenantry.tenant.id": tenantId,
          "user.id": userId,
        });
        if (status >= 500) span.fail(String(status));
      },
      carrier,
    );
  };
}
