/** What the server asks the database, for who looks into it: LOG_LEVEL=debug. */
import type { Pool, PoolClient } from "pg";
import type { Log } from "../log.ts";

type Query = (...args: unknown[]) => unknown;
type Done = (err: unknown, result?: unknown) => void;

/** Logs every statement of the pool with its milliseconds, and never a value: values are personal data and hashes. */
export function logStatements(pool: Pool, log: Log): void {
  pool.on("connect", (client: PoolClient) => {
    const query = client.query.bind(client) as Query;
    const logged: Query = (...args) => {
      const start = performance.now();
      const note = (err?: unknown) =>
        log("debug", "statement", {
          sql: textOf(args[0]),
          milliseconds: Math.round((performance.now() - start) * 10) / 10,
          ...(err instanceof Error && { error: "code" in err ? err.code : err.name }),
        });
      const callback = args.at(-1);
      if (typeof callback === "function") {
        const done: Done = (err, result) => {
          note(err);
          callback(err, result);
        };
        return query(...args.slice(0, -1), done);
      }
      const answer = query(...args);
      if (answer instanceof Promise) answer.then(() => note(), note);
      return answer;
    };
    Object.assign(client, { query: logged });
  });
}

function textOf(statement: unknown): string {
  if (typeof statement === "string") return statement;
  return String((statement as { text?: unknown } | null)?.text ?? "");
}
