/** When a database counts as full, by what it says to the statements of others and to the trial. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createPool } from "../../src/db/client.ts";
import { plainly, type ScopedPool } from "../../src/db/scoped-pool.ts";
import { watchRoom } from "../../src/health/room-watch.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

const QUIET = 100;
let database: TestDatabase;
let pool: ScopedPool;
beforeAll(async () => {
  database = await createDatabase();
  pool = createPool({
    databaseUrl: database.appUrl,
    databasePoolSize: 2,
    databaseTimeoutSeconds: 5,
  });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

function saying(...codes: (string | null)[]) {
  const asked: string[] = [];
  const query = async (sql: string) => {
    asked.push(sql);
    const code = codes.shift();
    if (code) throw Object.assign(new Error("no"), { code });
    return { rows: [] };
  };
  return { asked, pool: { query } as never };
}

test("while nothing fails for want of room nothing is tried", async () => {
  const { asked, pool: silent } = saying();
  const room = watchRoom(QUIET);
  for (const code of ["23505", "53200", undefined]) room.heard(code);
  // A query that wanted more shared memory than the container of PostgreSQL has: that is no disk.
  room.heard("53100", "dsm_impl.c");
  expect(await room.isFull(silent)).toBe(false);
  expect(asked).toEqual([]);
});

test("it is full from the first failure on, and is tried once in a while, until there is room", async () => {
  const { asked, pool: filling } = saying("53100", null);
  const room = watchRoom(QUIET);
  room.heard("53100");
  expect(await room.isFull(filling)).toBe(true);
  expect(asked).toHaveLength(0);
  await Bun.sleep(QUIET + 10);
  // Of all who ask one tries.
  const answers = await Promise.all([1, 2, 3].map(() => room.isFull(filling)));
  expect(answers).toEqual([true, true, true]);
  expect(asked).toHaveLength(1);
  await Bun.sleep(QUIET + 10);
  expect(await room.isFull(filling)).toBe(false);
  expect(asked).toHaveLength(2);
  expect(await room.isFull(filling)).toBe(false);
  expect(asked).toHaveLength(2);
});

test("what fails during the trial counts, whatever the trial says", async () => {
  const room = watchRoom(QUIET);
  room.heard("53100");
  await Bun.sleep(QUIET + 10);
  const slow = {
    async query() {
      await Bun.sleep(5);
      room.heard("53100");
    },
  } as never;
  expect(await room.isFull(slow)).toBe(true);
});

test("a login that may make no temporary tables is believed when nothing fails any more; other faults are others' to say", async () => {
  const { pool: refusing } = saying("42501", "57P01");
  const room = watchRoom(QUIET);
  room.heard("53100");
  await Bun.sleep(QUIET + 10);
  expect(await room.isFull(refusing)).toBe(false);
  room.heard("53100");
  await Bun.sleep(QUIET + 10);
  await expect(room.isFull(refusing)).rejects.toMatchObject({ code: "57P01" });
});

test("the trial is one that the server's login may make, takes new pages, and leaves nothing behind", async () => {
  const room = watchRoom(0);
  const bytes = async () => {
    const { rows } = await plainly(pool).query<{ bytes: string; tables: number }>(
      `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::text AS bytes,
        (SELECT count(*)::int FROM pg_class WHERE relname = 'room') AS tables`,
    );
    return rows[0];
  };
  const before = await bytes();
  for (let n = 0; n < 3; n += 1) {
    room.heard("53100");
    await Bun.sleep(2);
    expect(await room.isFull(plainly(pool))).toBe(false);
  }
  const after = await bytes();
  expect(after?.tables).toBe(0);
  expect(Number(after?.bytes)).toBeGreaterThan(Number(before?.bytes));
});
