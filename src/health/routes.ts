import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { plainly } from "../db/scoped-pool.ts";
import { checkReadiness } from "./readiness.ts";

/** @param migrations names of the migrations that this build needs applied. */
export function healthRoutes(migrations: string[]) {
  return new Hono<AppEnv>()
    .get("/live", (c) => c.json({ status: "ok" }))
    .get("/ready", async (c) => {
      const { pool, schema, config } = c.var.ctx;
      const { ready: serves, checks } = await checkReadiness(plainly(pool), migrations);
      const { state, ...fingerprints } = schema?.current() ?? {};
      const ready = serves && (config.schemaCheck !== "require" || state === "ok");
      return c.json(
        {
          status: ready ? "ok" : "unavailable",
          checks: { ...checks, ...(state && { schema: state }) },
          ...(state && { schema: fingerprints }),
        },
        ready ? 200 : 503,
      );
    });
}
