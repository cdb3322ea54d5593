/** What the server asks the database, for who looks into it: LOG_LEVEL=debug. */
import type { Pool } from "pg";
import type { Log } from "../log.ts";
import { watchStatements } from "./statement-watch.ts";

/** Logs every statement of the pool with its milliseconds, and never a value: values are personal data and hashes. */
export function logStatements(pool: Pool, log: Log): void {
  watchStatements(pool, (sql) => {
    const start = performance.now();
    return (err) =>
      log("debug", "statement", {
        sql,
        milliseconds: Math.round((performance.now() - start) * 10) / 10,
        ...(err instanceof Error && { error: "code" in err ? err.code : err.name }),
      });
  });
}
