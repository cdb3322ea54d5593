import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { checkReadiness } from "./readiness.ts";

/** @param migrations names of the migrations that this build needs applied. */
export function healthRoutes(migrations: string[]) {
  return new Hono<AppEnv>()
    .get("/live", (c) => c.json({ status: "ok" }))
    .get("/ready", async (c) => {
      const { ready, checks } = await checkReadiness(c.var.ctx.pool, migrations);
      return c.json({ status: ready ? "ok" : "unavailable", checks }, ready ? 200 : 503);
    });
}
