/** How PostgreSQL runs a statement, and whether it reads a large table from end to end. */
import pg from "pg";

/** `isPlain`: sent as a string, and not with its values beside it. */
export type Statement = { text: string; values: unknown[]; isPlain: boolean };

/** A plan as PostgreSQL prints it, and how many pages of 8 KiB were touched. */
export type Plan = { text: string; pages: number };

/**
 * The plan of a prepared statement, from a connection that may do what it says. @param times run so often: from the
 * sixth time on PostgreSQL may settle for a plan that knows no values.
 */
export async function planOf(
  client: pg.Client,
  { text, values }: Pick<Statement, "text" | "values">,
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

/** Of the tables in `large`, those that a plan read from end to end. To do so with a small one is right. */
export function readWhole(plan: string, large: ReadonlySet<string>): string[] {
  const scans = plan.matchAll(/Seq Scan on (\w+)(?! .*never executed)/g);
  return [
    ...new Set([...scans].map(([, table = ""]) => table).filter((table) => large.has(table))),
  ];
}

/** The ways to the rows, in one line each: tables that are there twice, and the months of the audit log, are said once. */
export function scansOf(plan: string): string[] {
  const nodes = plan.matchAll(
    /(?:->|^) *((?:Parallel )?(?:Index Only|Index|Bitmap Index|Bitmap Heap|Seq|Function) Scan[^(]*?) *\((?!never)/gm,
  );
  const told = [...nodes].map(([, node = ""]) =>
    node
      .trim()
      .replace(/ on (\w+) \w+$/, " on $1")
      .replace(/_(\d{4}_\d{2}|default)/g, "_…")
      .replace(/_…\S+ on/, "_… on"),
  );
  return [...new Set(told)];
}
