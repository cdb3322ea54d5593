/** What follows a commit: when it is done, and when it is not. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import type pg from "pg";
import {
  createDatabase as connect,
  createPool,
  type Database,
  type Transaction,
} from "../../src/db/client.ts";
import { afterCommit, commit, transaction } from "../../src/db/commit.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

let database: TestDatabase;
let pool: pg.Pool;
let ctx: { db: Database; log: (level: string, message: string) => void };
/** What followed, in order, and what was logged. */
const done: number[] = [];
const logged: string[] = [];

beforeAll(async () => {
  database = await createDatabase();
  pool = createPool({ databaseUrl: database.url, databasePoolSize: 2, databaseTimeoutSeconds: 10 });
  // Two rows with one number are found out when they are committed, and not before.
  await pool.query("CREATE TABLE marks (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
  ctx = { db: connect(pool), log: (_, message) => logged.push(message) };
});
afterEach(async () => {
  await pool.query("TRUNCATE marks");
  done.length = 0;
  logged.length = 0;
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** Writes a row and asks for what follows it. */
function mark(n: number) {
  return async (tx: Transaction) => {
    await tx.$executeRaw`INSERT INTO marks VALUES (${n})`;
    afterCommit(tx, () => done.push(n));
  };
}

async function marks(): Promise<number[]> {
  const { rows } = await pool.query<{ n: number }>("SELECT n FROM marks ORDER BY n");
  return rows.map(({ n }) => n);
}

test("what is asked for follows the commit, in order, and the answer is that of the work", async () => {
  const answer = await commit(ctx, async (tx) => {
    await mark(1)(tx);
    await mark(2)(tx);
    expect(done).toEqual([]);
    return "answer";
  });
  expect(answer).toBe("answer");
  expect(done).toEqual([1, 2]);
});

test("nothing follows what is rolled back, by the work or by the commit itself", async () => {
  const failing = commit(ctx, async (tx) => {
    await mark(1)(tx);
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  const twice = commit(ctx, async (tx) => {
    await mark(2)(tx);
    await mark(2)(tx);
  });
  await expect(twice).rejects.toThrow();
  expect(await marks()).toEqual([]);
  expect(done).toEqual([]);
});

type Step = { fails: boolean; steps: Step[] };
const stepOf = (inner: fc.Arbitrary<Step[]>): fc.Arbitrary<Step> =>
  fc.record({ fails: fc.boolean(), steps: inner });
const leaf = stepOf(fc.constant([]));
const step = stepOf(fc.array(stepOf(fc.array(leaf, { maxLength: 2 })), { maxLength: 3 }));

test("of commits within commits follows what was written, once all of it is", async () => {
  const run = async (outer: typeof ctx, { fails, steps }: Step, count: () => number) => {
    await commit(outer, async (tx) => {
      await mark(count())(tx);
      for (const inner of steps) await run({ ...outer, db: tx }, inner, count).catch(() => {});
      expect(done).toEqual([]);
      if (fails) throw new Error("no");
    });
  };
  await fc.assert(
    fc.asyncProperty(step, async (whole) => {
      let n = 0;
      await run(ctx, whole, () => ++n).catch(() => {});
      expect(done).toEqual(await marks());
      await pool.query("TRUNCATE marks");
      done.length = 0;
    }),
    { numRuns: 40 },
  );
});

test("what nobody would do is refused: in another transaction, and in one that is over", async () => {
  await expect(transaction(ctx.db, mark(1))).rejects.toThrow("nothing follows");
  expect(await marks()).toEqual([]);
  const over = await commit(ctx, async (tx) => [tx]);
  for (const tx of over) expect(() => afterCommit(tx, () => {})).toThrow("nothing follows");
});

test("a fault in what follows is logged, keeps nothing else from being done, and is not the caller's", async () => {
  const answer = await commit(ctx, async (tx) => {
    afterCommit(tx, () => {
      throw new Error("a bug");
    });
    await mark(1)(tx);
    return "answer";
  });
  expect(answer).toBe("answer");
  expect(done).toEqual([1]);
  expect(logged).toEqual(["what follows a commit failed"]);
});
