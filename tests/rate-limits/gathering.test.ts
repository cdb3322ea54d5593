/** Several policies in one statement: the same as the library counts one by one. */
import { afterAll, beforeAll, expect, spyOn, test } from "bun:test";
import fc from "fast-check";
import pg from "pg";
import { type IRateLimiterRes, RateLimiterPostgres, RateLimiterRes } from "rate-limiter-flexible";
import { plainly } from "../../src/db/scoped-pool.ts";
import { GatheringLimiter, gather } from "../../src/rate-limits/gathering-limiter.ts";
import type { Counting } from "../../src/rate-limits/store.ts";
import { createTestApp, type TestApp } from "../support/app.ts";

const POLICIES = ["a", "b", "c"];
const QUOTA = 3;

let app: TestApp;
let counting: Counting;
beforeAll(async () => {
  app = await createTestApp({ RATE_LIMITS: "database" });
  counting = { pool: plainly(app.served.pool), store: null };
});
afterAll(() => app.close());

function limiters(Limiter: typeof RateLimiterPostgres, name: string) {
  return POLICIES.map(
    (policy) =>
      new Limiter({
        storeClient: counting.pool,
        storeType: "pool",
        tableName: "rate_limits",
        tableCreated: true,
        clearExpiredByTimeout: false,
        keyPrefix: `${name}-${policy}`,
        points: QUOTA,
        duration: 600,
        inMemoryBlockOnConsumed: 2 * QUOTA,
      }),
  );
}

/** What was answered, but for the time, which goes on. */
async function outcomesOf(counting: Promise<IRateLimiterRes>[]) {
  const settled = await Promise.allSettled(counting);
  return settled.map((each) => {
    const res = each.status === "fulfilled" ? each.value : each.reason;
    expect(res).toBeInstanceOf(RateLimiterRes);
    const { msBeforeNext, ...rest } = res.toJSON();
    return { ...rest, status: each.status, seconds: Math.round(msBeforeNext / 100_000) };
  });
}

/** Points for some of the policies at once; that their windows end, as time would have it; that they begin anew. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .subarray([0, 1, 2], { minLength: 1 })
      .chain((of) => fc.record({ of: fc.constant(of), points: fc.integer({ min: 1, max: 4 }) })),
  },
  fc.constant("ends" as const),
  fc.constant("reset" as const),
);

test("counts, refuses, blocks and forgets as the library does, whatever came before", async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      run += 1;
      const one = limiters(RateLimiterPostgres, `one-${run}`);
      const all = limiters(GatheringLimiter, `all-${run}`);
      for (const each of steps) {
        if (each === "ends") {
          await app.deps.pool.query("UPDATE rate_limits SET expire = 1");
        } else if (each === "reset") {
          await Promise.all(one.map((limiter) => limiter.delete("who")));
          await Promise.all(gather(counting, () => all.map((limiter) => limiter.delete("who"))));
        } else {
          const consume = (of: RateLimiterPostgres[]) =>
            of
              .filter((_, n) => each.of.includes(n))
              .map((limiter) => limiter.consume("who", each.points));
          const expected = await outcomesOf(consume(one));
          expect(await outcomesOf(gather(counting, () => consume(all)))).toEqual(expected);
        }
        const { rows } = await app.deps.pool.query<{ key: string; points: number }>(
          `SELECT key, points, expire > 1 AS open FROM rate_limits WHERE key ~ $1 ORDER BY key`,
          [`-${run}-`],
        );
        const of = (name: string) =>
          rows.flatMap(({ key, ...row }) =>
            key.startsWith(name) ? [{ ...row, key: key.slice(3) }] : [],
          );
        expect(of("all")).toEqual(of("one"));
      }
    }),
    { numRuns: 40 },
  );
});

test("the attempts of a log-in are one statement, and all are counted whichever is refused", async () => {
  const { rateLimits } = app.deps;
  const attempts = [
    { policy: "guess", who: "somebody", points: 11 },
    { policy: "account_logins", who: "somebody" },
    { policy: "logins", who: "a network" },
  ] as const;
  const queries = spyOn(pg.Pool.prototype, "query");
  try {
    await rateLimits.consumeAll([...attempts.slice(1)]);
    expect(queries).toHaveBeenCalledTimes(1);
  } finally {
    queries.mockRestore();
  }
  const before = (await rateLimits.consume("logins", "a network")).remaining;
  await expect(rateLimits.consumeAll([...attempts])).rejects.toMatchObject({
    code: "rate_limited",
  });
  expect((await rateLimits.consume("logins", "a network")).remaining).toBe(before - 2);
});

test("whatever order the policies are named in, nobody waits in a circle", async () => {
  const { rateLimits, pool: admin } = app.deps;
  const names = ["account_logins", "guess", "logins"] as const;
  const attempts = names.map((policy) => ({ policy, who: "everybody" }));
  await rateLimits.consumeAll(attempts);
  const holder = await admin.connect();
  await holder.query("BEGIN");
  await holder.query("SELECT FROM rate_limits WHERE key LIKE 'guess:%' FOR UPDATE");
  const counting = [rateLimits.consumeAll(attempts), rateLimits.consumeAll(attempts.toReversed())];
  const waiting =
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  while ((await admin.query(waiting)).rows.length < 2) await Bun.sleep(5);
  await holder.query("COMMIT");
  holder.release();
  await Promise.all(counting);
  expect((await rateLimits.consume("guess", "everybody")).remaining).toBe(6);
});
