/** Looking at the statements of a pool as they go out, and as they end. */
import type { Pool, PoolClient } from "pg";

type Query = (...args: unknown[]) => unknown;
type Done = (err: unknown, result?: unknown) => void;

/** Called with the text of a statement, never its values. What it answers is called when the statement has ended. */
export type Begin = (text: string) => (err?: unknown) => void;

/** Shows every statement of the pool. Those who look must not throw. */
export function watchStatements(pool: Pool, begin: Begin): void {
  pool.on("connect", (client: PoolClient) => {
    const query = client.query.bind(client) as Query;
    const watched: Query = (...args) => {
      const ended = begin(textOf(args[0]));
      const callback = args.at(-1);
      if (typeof callback === "function") {
        const done: Done = (err, result) => {
          ended(err);
          callback(err, result);
        };
        return query(...args.slice(0, -1), done);
      }
      const answer = query(...args);
      if (answer instanceof Promise) answer.then(() => ended(), ended);
      return answer;
    };
    Object.assign(client, { query: watched });
  });
}

function textOf(statement: unknown): string {
  if (typeof statement === "string") return statement;
  return String((statement as { text?: unknown } | null)?.text ?? "");
}
