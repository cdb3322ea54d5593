import type { Context as HonoContext, MiddlewareHandler } from "hono";
import type { AppEnv, Deps } from "../context.ts";
import { acrossTenants } from "../db/scope.ts";
import { networkOf } from "../network.ts";
import { announceStop, noteRequest } from "./draining.ts";
import { tellLength } from "./head.ts";
import { after } from "./join-handlers.ts";
import { originReader } from "./origin.ts";
import { askerOf, methodOf, routeOf } from "./route.ts";

/**
 * Puts the context of the request under `ctx`, names the request, and logs how it ended. It stands around all of a request,
 * and so does what an answer needs last.
 */
export function requestContext(deps: Deps): MiddlewareHandler<AppEnv> {
  const { serving } = deps;
  const originOf = originReader(deps);

  return function requestContext(c, next) {
    const start = performance.now();
    noteRequest(serving, c.req.path, start);
    const origin = originOf(c);
    c.set("ctx", { ...deps, origin, seen: {} });
    c.header("x-request-id", origin.requestId);
    // Until `authenticate` knows the caller: finding an account at log-in has no tenant yet.
    return after(acrossTenants(next, networkOf(origin.ip)), () => {
      report(deps, c, performance.now() - start);
      announceStop(serving, c.res);
      return c.req.method === "HEAD" ? tellLength(c) : undefined;
    });
  };
}

function report({ config, log, metrics, traces }: Deps, c: HonoContext<AppEnv>, millis: number) {
  const { status } = c.res;
  metrics?.requests.observe(millis / 1000, methodOf(c), routeOf(c), status);
  const { method, path } = c.req;
  // Balancers ask every few seconds, and what they are told that changes has a line of its own (health/routes.ts).
  if (!config.logHealth && path.startsWith("/health/")) return;
  const { tenantId, userId } = askerOf(c);
  log("info", "request", {
    requestId: c.get("ctx").origin.requestId,
    method,
    // Paths hold ids at most; query strings may hold addresses and are left out.
    path,
    status,
    millis: Math.round(millis * 10) / 10,
    traceId: traces?.traceId(),
    tenantId,
    userId,
  });
}
