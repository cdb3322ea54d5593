/**
 * The library's limiter on PostgreSQL, several of which can count, or forget, in one statement; and on a store beside it,
 * where there is one and it answers (store.ts). All that the library decides it decides the same of both.
 */
import type { Pool } from "pg";
import { RateLimiterPostgres } from "rate-limiter-flexible";
import { named } from "../db/statement-names.ts";
import type { Counter, Store, Attempt as Wanted } from "./store.ts";

/** Where attempts are counted: in the store, and in the database where that is away or there is none. */
export type Counting = { pool: Pick<Pool, "query">; store: Store | null };

type Counted = { rows: Counter[] };
type Attempt = Wanted & Settling<Counted>;
type Forgotten = { key: string } & Settling<boolean>;
type Settling<T> = { resolve: (answer: T) => void; reject: (err: unknown) => void };

/** What the library asks of its store, and does not declare. tests/rate-limits/gathering.test.ts holds ours equal to it. */
type Undeclared = {
  _upsert(key: string, points: number, millis: number, isForced?: boolean): Promise<Counted>;
  _delete(key: string): Promise<boolean>;
};
type Options = ConstructorParameters<typeof RateLimiterPostgres>[0];
const OfLibrary = RateLimiterPostgres as unknown as new (
  options: Options,
) => RateLimiterPostgres & Undeclared;

/**
 * What the library does for one key, for several: from a window that is over it counts anew. In the order of the keys, so
 * that nobody waits in a circle.
 */
const COUNT_ALL = named(`
  INSERT INTO rate_limits (key, points, expire)
  SELECT key, points, expire FROM unnest($1::varchar[], $2::int[], $3::bigint[]) AS attempts (key, points, expire) ORDER BY key
  ON CONFLICT (key) DO UPDATE SET
    points = CASE WHEN rate_limits.expire <= $4 THEN excluded.points ELSE rate_limits.points + excluded.points END,
    expire = CASE WHEN rate_limits.expire <= $4 THEN excluded.expire ELSE rate_limits.expire END
  RETURNING key, points, expire`);

const FORGET_ALL = named(`
  DELETE FROM rate_limits WHERE key = ANY (ARRAY(
    SELECT key FROM rate_limits WHERE key = ANY ($1::varchar[]) ORDER BY key FOR UPDATE))`);

/** What is asked while `gather` runs, which waits for nothing: so it is all of one caller. */
type Gathered = { attempts: Attempt[]; forgotten: Forgotten[] };
let gathered: Gathered | null = null;

export class GatheringLimiter extends OfLibrary {
  readonly #store: Store | null;

  constructor({ store = null, ...options }: Options & { store?: Store | null }) {
    super(options);
    this.#store = store;
  }

  override async _upsert(key: string, points: number, millis: number, isForced = false) {
    if (!gathered || isForced) {
      const one = { key, points, millis };
      const row = isForced ? await this.#store?.set(one) : (await this.#store?.count([one]))?.at(0);
      return row ? { rows: [row] } : super._upsert(key, points, millis, isForced);
    }
    const { promise, resolve, reject } = Promise.withResolvers<Counted>();
    gathered.attempts.push({ key, points, millis, resolve, reject });
    return promise;
  }

  override async _delete(key: string) {
    if (!gathered) return (await this.#store?.forget([key])) ?? super._delete(key);
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    gathered.forgotten.push({ key, resolve, reject });
    return promise;
  }
}

/**
 * Has one statement count, or forget, for all limiters that `ask` asks; each key once. It calls them and does not wait:
 * all that the library decides it decides as for one.
 */
export function gather<Answers>(counting: Counting, ask: () => Answers): Answers {
  const { attempts, forgotten } = { attempts: [], forgotten: [] } as Gathered;
  gathered = { attempts, forgotten };
  try {
    return ask();
  } finally {
    gathered = null;
    if (attempts.length > 0) countAll(counting, attempts).catch((err) => rejectAll(attempts, err));
    if (forgotten.length > 0)
      forgetAll(counting, forgotten).catch((err) => rejectAll(forgotten, err));
  }
}

async function countAll({ pool, store }: Counting, attempts: Attempt[]): Promise<void> {
  const rows = (await store?.count(attempts)) ?? (await countInDatabase(pool, attempts));
  const counters = new Map(rows.map((row) => [row.key, row]));
  for (const { key, resolve } of attempts)
    resolve({ rows: [counters.get(key)].filter((row) => row !== undefined) });
}

async function countInDatabase(pool: Pick<Pool, "query">, attempts: Wanted[]): Promise<Counter[]> {
  const now = Date.now();
  const { rows } = await pool.query<Counter>({
    ...COUNT_ALL,
    values: [
      attempts.map(({ key }) => key),
      attempts.map(({ points }) => points),
      attempts.map(({ millis }) => now + millis),
      now,
    ],
  });
  return rows;
}

async function forgetAll({ pool, store }: Counting, forgotten: Forgotten[]): Promise<void> {
  const keys = forgotten.map(({ key }) => key);
  if (!(await store?.forget(keys))) await pool.query({ ...FORGET_ALL, values: [keys] });
  for (const { resolve } of forgotten) resolve(true);
}

function rejectAll(asked: (Attempt | Forgotten)[], err: unknown): void {
  for (const { reject } of asked) reject(err);
}
