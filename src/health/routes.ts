import { Hono } from "hono";
import type { AppEnv, Context } from "../context.ts";
import { plainly } from "../db/scoped-pool.ts";
import { checkReadiness } from "./readiness.ts";

/** @param migrations names of the migrations that this build needs applied. */
export function healthRoutes(migrations: string[]) {
  let told = "";

  /** Once for each reason, and not with every probe: in production the answer does not tell it. */
  function tell({ log }: Context, reason: string): void {
    if (reason !== told && reason !== "") log("warn", "not ready", { reason });
    told = reason;
  }

  return new Hono<AppEnv>()
    .get("/live", (c) => c.json({ status: "ok" }))
    .get("/ready", async (c) => {
      const { pool, schema, config, serving, statementNames } = c.var.ctx;
      const { ready: serves, checks } = await checkReadiness(plainly(pool), migrations);
      const { verdict, ...fingerprints } = schema?.current() ?? {};
      const drifts = config.schemaCheck === "require" && verdict !== "ok";
      const ready = serves && statementNames.survive && !drifts && !serving.stopping;
      const reasons = [
        ...(serves ? [] : [`database ${checks.database}, migrations ${checks.migrations}`]),
        ...(statementNames.survive ? [] : ["prepared statements get lost"]),
        ...(drifts ? [`schema ${verdict}`] : []),
        ...(serving.stopping ? ["stopping"] : []),
      ];
      tell(c.var.ctx, reasons.join("; "));
      const details = {
        checks: {
          ...checks,
          ...(!statementNames.survive && { preparedStatements: "lost" }),
          ...(verdict && { schema: verdict }),
        },
        ...(verdict && { schema: fingerprints }),
      };
      return c.json(
        // To whoever asks, how our database is and what it holds is no business (ASVS 5.0, 13.4.5).
        {
          status: ready ? "ok" : "unavailable",
          ...(config.environment !== "production" && details),
        },
        ready ? 200 : 503,
      );
    });
}
