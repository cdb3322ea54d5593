/** What the product's own functions send, so that their very statements can be explained. */
import type { Pool, PoolClient } from "pg";
import type { Statement } from "./plan.ts";

type Query = (...args: unknown[]) => unknown;

export type Recorder = {
  /** All that was sent while `work` ran. */
  during(work: () => Promise<unknown>): Promise<Statement[]>;
};

/** @param pool that has no connection yet. */
export function recordStatements(pool: Pool): Recorder {
  let sent: Statement[] = [];
  pool.on("connect", (client: PoolClient) => {
    const query = client.query.bind(client) as Query;
    const recorded: Query = (...args) => {
      sent.push(statementOf(args));
      return query(...args);
    };
    Object.assign(client, { query: recorded });
  });
  return {
    async during(work) {
      sent = [];
      await work();
      return sent;
    },
  };
}

function statementOf([query, values]: unknown[]): Statement {
  if (typeof query === "string") return { text: query, values: [], isPlain: true };
  const given = query as { text?: string; values?: unknown[] };
  return {
    text: given.text ?? "",
    values: given.values ?? (Array.isArray(values) ? values : []),
    isPlain: false,
  };
}
