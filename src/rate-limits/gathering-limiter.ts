/**
 * The library's limiter on PostgreSQL, several of which can count, or forget, in one statement; and on a store beside it,
 * where there is one and it answers (store.ts). All that the library decides it decides the same of both.
 */
import type { Pool } from "pg";
import { RateLimiterPostgres } from "rate-limiter-flexible";
import { named } from "../db/statement-names.ts";
import { settle } from "./settling.ts";
import type { Counter, Counting, Store, Attempt as Wanted } from "./store.ts";

type Counted = { rows: Counter[] };
type Attempt = Wanted & Settling<Counted>;
type Forgotten = { key: string } & Settling<boolean>;
type GivenBack = { key: string } & Settling<void>;
type Settling<T> = { resolve: (answer: T) => void; reject: (err: unknown) => void };

/** What the library asks of its store, and does not declare. tests/rate-limits/gathering.test.ts holds ours equal to it. */
type Undeclared = {
  _upsert(key: string, points: number, millis: number, isForced?: boolean): Promise<Counted>;
  _delete(key: string): Promise<boolean>;
  getInMemoryBlockMsBeforeExpire(key: string): number;
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
  SELECT key, points, expire FROM unnest($1::varchar[], $2::int[], $3::bigint[]) AS attempts (key, points, expire)
  ORDER BY key COLLATE "C"
  ON CONFLICT (key) DO UPDATE SET
    points = CASE WHEN rate_limits.expire <= $4 THEN excluded.points ELSE rate_limits.points + excluded.points END,
    expire = CASE WHEN rate_limits.expire <= $4 THEN excluded.expire ELSE rate_limits.expire END
  RETURNING key, points, expire`);

/** What is asked while `gather` runs, which waits for nothing: so it is all of one caller. */
type Gathered = { attempts: Attempt[]; forgotten: Forgotten[]; givenBack: GivenBack[] };
let gathered: Gathered | null = null;

export class GatheringLimiter extends OfLibrary {
  readonly #store: Store | null;

  constructor({ store = null, ...options }: Options & { store?: Store | null }) {
    super(options);
    this.#store = store;
  }

  /** Gone so far beyond the quota that the next attempt is refused from memory. */
  isTurnedAway(key: string): boolean {
    return this.getInMemoryBlockMsBeforeExpire(this.getKey(key)) > 0;
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

  /** Takes one attempt back. The library's way inserts -1 first, which rate_limits_points_check refuses. */
  giveBack(key: string): Promise<void> {
    if (!gathered) throw new Error("what is given back has to be gathered");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    gathered.givenBack.push({ key: this.getKey(key), resolve, reject });
    return promise;
  }
}

/**
 * Has one statement count, or settle, for all limiters that `ask` asks; each key once. It calls them and does not wait:
 * all that the library decides it decides as for one.
 */
export function gather<Answers>(counting: Counting, ask: () => Answers): Answers {
  const asked: Gathered = { attempts: [], forgotten: [], givenBack: [] };
  gathered = asked;
  try {
    return ask();
  } finally {
    gathered = null;
    const { attempts, forgotten, givenBack } = asked;
    if (attempts.length > 0) countAll(counting, attempts).catch((err) => rejectAll(attempts, err));
    if (forgotten.length + givenBack.length > 0)
      settleAll(counting, asked).catch((err) => rejectAll([...forgotten, ...givenBack], err));
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

async function settleAll(counting: Counting, { forgotten, givenBack }: Gathered): Promise<void> {
  const [one, ...others] = givenBack;
  await settle(counting, {
    forgotten: forgotten.map(({ key }) => key),
    givenBack: one?.key ?? null,
  });
  for (const { key } of others) await settle(counting, { forgotten: [], givenBack: key });
  for (const { resolve } of forgotten) resolve(true);
  for (const { resolve } of givenBack) resolve();
}

function rejectAll(asked: (Attempt | Forgotten | GivenBack)[], err: unknown): void {
  for (const { reject } of asked) reject(err);
}
