/** What the database is sent while something is done, and how PostgreSQL would run it. */
import { spyOn } from "bun:test";
import pg from "pg";

/** `isPlain`: sent as a string, and not with its values beside it. */
export type Statement = { text: string; values: unknown[]; isPlain: boolean };

/** A plan as PostgreSQL prints it, and how many pages of 8 KiB were touched. */
export type Plan = { text: string; pages: number };

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

/**
 * The plan of a prepared statement, from a connection that may do what it says. @param times run so often: from the
 * sixth time on PostgreSQL may settle for a plan that knows no values.
 */
export async function planOf(
  client: pg.Client,
  { text, values }: Statement,
  times = 6,
): Promise<Plan> {
  const execute = executing(values);
  await client.query(`PREPARE statement AS ${text}`);
  for (let time = 1; time < times; time += 1) await client.query(execute);
  const { rows } = await client.query<Record<string, string>>(
    `EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) ${execute}`,
  );
  await client.query("DEALLOCATE statement");
  const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
  const [, hit = "0", read = "0"] =
    /Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?/.exec(plan) ?? [];
  return { text: plan, pages: Number(hit) + Number(read) };
}

/** Runs the prepared statement of the name `statement` with these values. */
export function executing(values: unknown[]): string {
  const literals = values.map((value) =>
    value === null ? "NULL" : pg.escapeLiteral(toText(value)),
  );
  return `EXECUTE statement${literals.length > 0 ? `(${literals.join(", ")})` : ""}`;
}

function toText(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString("hex")}`;
  if (!Array.isArray(value)) return String(value);
  return `{${value.map((item) => JSON.stringify(toText(item))).join(",")}}`;
}
