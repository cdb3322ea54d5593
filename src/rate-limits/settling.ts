/** What becomes of attempts once it is known that they were right: counters begin anew, and one is given back. */
import { named } from "../db/statement-names.ts";
import type { Counting } from "./store.ts";

/**
 * By how many keys are forgotten before. Each part waits for the one before it, so that nobody waits in a circle. And each
 * names one key: for a list of keys PostgreSQL plans to read a small table as a whole, and goes on so when it has grown.
 */
const STATEMENTS = [0, 1, 2, 3].map((count) => ({
  forget: named(`${forgetting(count)} SELECT`),
  /** A window that is over is left alone: a credit would be one attempt too many in the next one. */
  giveBack: named(`${forgetting(count)}
    UPDATE rate_limits SET points = points - 1
    WHERE key = $${count + 1} AND points > 0 AND expire > $${count + 2} ${behind(count)}`),
}));

/** Counters that are deleted, and one from which a point is taken. */
export type Settled = { forgotten: readonly string[]; givenBack: string | null };

/** In one statement, or in what the store takes for it. */
export async function settle(
  { pool, store }: Counting,
  { forgotten, givenBack }: Settled,
): Promise<void> {
  const keys = forgotten.toSorted();
  if (store && (await settleIn(store, keys, givenBack))) return;
  const statements = STATEMENTS[keys.length];
  if (!statements) throw new Error(`there is no statement that forgets ${keys.length} counters`);
  if (givenBack === null) await pool.query({ ...statements.forget, values: keys });
  else await pool.query({ ...statements.giveBack, values: [...keys, givenBack, Date.now()] });
}

async function settleIn(
  store: NonNullable<Counting["store"]>,
  keys: string[],
  givenBack: string | null,
): Promise<boolean> {
  const [forgot, gaveBack] = await Promise.all([
    keys.length === 0 || store.forget(keys),
    givenBack === null || store.giveBack(givenBack),
  ]);
  return Boolean(forgot && gaveBack);
}

function forgetting(count: number): string {
  const parts = Array.from({ length: count }, (_, n) => {
    const isKey = `key = $${n + 1} ${behind(n)}`;
    return `part${n + 1} AS (DELETE FROM rate_limits WHERE ${isKey} RETURNING key)`;
  });
  return count === 0 ? "" : `WITH ${parts.join(", ")}`;
}

function behind(part: number): string {
  return part === 0 ? "" : `AND (SELECT count(*) FROM part${part}) >= 0`;
}
