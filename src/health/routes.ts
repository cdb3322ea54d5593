import { Hono } from "hono";
import type { AppEnv, Context } from "../context.ts";
import { plainly } from "../db/scoped-pool.ts";
import { ERRORS } from "../errors.ts";
import { checkReadiness } from "./readiness.ts";

/** @param migrations names of the migrations that this build needs applied. */
export function healthRoutes(migrations: string[]) {
  let told = "";

  /** Once for each reason, and not with every probe: in production the answer does not tell it. */
  function tell({ log }: Context, reason: string): void {
    if (reason === told) return;
    if (reason === "") log("info", "ready again");
    else log("warn", "not ready", { reason });
    told = reason;
  }

  return new Hono<AppEnv>()
    .get("/live", (c) => c.json({ status: "ok" }))
    .get("/ready", async (c) => {
      const { pool, schema, config, serving, statementNames, clock, room } = c.var.ctx;
      const found = await checkReadiness(plainly(pool), migrations, room);
      const { ready: serves, checks, pending, newer, reason } = found;
      const { verdict, ...fingerprints } = schema?.current() ?? {};
      const drifts = config.schemaCheck === "require" && verdict !== "ok";
      const { holds, aheadSeconds } = clock.current();
      const reasons = [
        ...(serves ? [] : [reason]),
        ...(statementNames.survive ? [] : ["prepared statements get lost"]),
        ...(drifts ? [`schema ${verdict}`] : []),
        ...(holds ? [] : [`the clock is ${aheadSeconds} s ahead of the database's`]),
        ...(serving.stopping ? ["stopping"] : []),
      ];
      const ready = reasons.length === 0;
      tell(c.var.ctx, reasons.join("; "));
      const details = {
        checks: {
          ...checks,
          ...(!statementNames.survive && { preparedStatements: "lost" }),
          ...(!holds && { clock: "off" }),
          ...(verdict && { schema: verdict }),
        },
        ...(pending.length > 0 && { pending }),
        ...(newer.length > 0 && { newer }),
        ...(!holds && { clockAheadSeconds: aheadSeconds }),
        ...(verdict && { schema: fingerprints }),
      };
      // RFC 9110, section 10.2.3: whoever waits for it need not guess. As every other 503 of a database that is away has it.
      if (!ready) c.header("retry-after", String(ERRORS.unavailable.retryAfterSeconds));
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
