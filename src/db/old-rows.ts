/** Deleting what has no use any more, in small steps: nobody waits long for a row, and no transaction grows old. */
import type { Pool } from "pg";

const BATCH = 1000;

/** `remove` takes how many at most. */
export type OldRows = { remove: string; count: string };

/**
 * The statement that deletes at most $1 old rows of a table, the oldest first, and leaves those that somebody holds; and the
 * one that counts them.
 * @param by has an index: when a row has no use any more.
 * @param kept how much longer it is kept, as an interval of PostgreSQL.
 */
export function oldRows(
  table: string,
  by: string,
  kept = "0",
  { key = "id", isOld = `${by} < now() - interval '${kept}'` } = {},
): OldRows {
  return {
    remove: `
    DELETE FROM ${table} WHERE ${key} = ANY (ARRAY(
      SELECT ${key} FROM ${table} WHERE ${isOld} ORDER BY ${by} LIMIT $1 FOR UPDATE SKIP LOCKED))`,
    count: `SELECT count(*)::float8 AS count FROM ${table} WHERE ${isOld}`,
  };
}

/** Runs such a statement until nothing is left for it. Broken off, it goes on where it was when it runs again. */
export async function deleteOldRows(
  pool: Pick<Pool, "query">,
  { remove }: OldRows,
  onBatch: (total: number) => void = () => {},
): Promise<number> {
  for (let total = 0; ; ) {
    const count = (await pool.query(remove, [BATCH])).rowCount ?? 0;
    total += count;
    if (count < BATCH) return total;
    onBatch(total);
  }
}

export async function countOldRows(pool: Pick<Pool, "query">, { count }: OldRows): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(count);
  return rows[0]?.count ?? 0;
}
