import { spyOn } from "bun:test";
import pg from "pg";

/** The texts of the statements that the database is sent until `run` is done, in their order. */
export async function statementsOf(run: () => Promise<unknown>): Promise<string[]> {
  const queries = spyOn(pg.Client.prototype, "query");
  try {
    await run();
    const texts = queries.mock.calls.map(([query]) => query as unknown as string | pg.QueryConfig);
    // Of the strings only those of pg-boss: others are the listener's heartbeat, and what a new connection begins with.
    return texts
      .map((query) => (typeof query === "string" ? query : query.text))
      .filter((text, n) => typeof texts[n] !== "string" || text.includes("pgboss"));
  } finally {
    queries.mockRestore();
  }
}
