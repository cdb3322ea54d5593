import type { Context as HonoContext } from "hono";
import { routePath } from "hono/route";
import type { AppEnv, Context, Seen } from "../context.ts";

/** What answers no route of ours: paths are anybody's to make up. */
const NO_ROUTE = "none";
const METHODS: readonly string[] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/** The template of the route that answered, such as `/v1/users/:id`: there are as many as we wrote. To be asked after `next`. */
export function routeOf(c: HonoContext): string {
  const path = routePath(c);
  return path === "" || path.endsWith("*") ? NO_ROUTE : path;
}

/** Whom the log and the trace name, as far as it is known; a platform account has no tenant. */
export function askerOf(c: HonoContext<AppEnv>): {
  tenantId: string | undefined;
  userId: string | undefined;
} {
  const { principal, seen }: Context & { principal?: Seen } = c.get("ctx");
  const { tenantId, userId } = principal ?? seen ?? {};
  return { tenantId: tenantId ?? undefined, userId };
}

/** Anybody can make up a method too. */
export function methodOf({ req: { method } }: HonoContext): string {
  return METHODS.includes(method) ? method : "other";
}
