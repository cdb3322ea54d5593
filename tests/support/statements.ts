/** What the database is sent while something is done. */
import { spyOn } from "bun:test";
import pg from "pg";
import type { Statement } from "../../src/operations/performance/plan.ts";

/** All that the database is sent until `run` is done, in its order. */
export async function statementsOf(run: () => Promise<unknown>): Promise<Statement[]> {
  const queries = spyOn(pg.Client.prototype, "query");
  try {
    await run();
    return queries.mock.calls.map(([query, values]) => {
      if (typeof query === "string") return { text: query, values: [], isPlain: true };
      const config = query as unknown as pg.QueryConfig;
      return { text: config.text ?? "", values: config.values ?? values ?? [], isPlain: false };
    });
  } finally {
    queries.mockRestore();
  }
}

/** The texts alone of what `run` itself sends. */
export async function textsOf(run: () => Promise<unknown>): Promise<string[]> {
  const sent = await statementsOf(run);
  // Of the strings only those of pg-boss: others are the listener's heartbeat, and what a new connection begins with.
  return sent
    .filter(({ text, isPlain }) => !isPlain || text.includes("pgboss"))
    .map(({ text }) => text);
}
