/** Two statements in one round trip: the order in which they run, what the second one sees, and when they fail. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import type pg from "pg";
import { createDatabase as connect, createPool, type Database } from "../../src/db/client.ts";
import { transaction } from "../../src/db/commit.ts";
import { inOrder } from "../../src/db/in-order.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

const LOCK = 42;

let database: TestDatabase;
let pool: pg.Pool;
let db: Database;
beforeAll(async () => {
  database = await createDatabase();
  pool = createPool({ databaseUrl: database.url, databasePoolSize: 3, databaseTimeoutSeconds: 10 });
  await pool.query("CREATE TABLE marks (n int)");
  db = connect(pool);
});
beforeEach(async () => {
  await pool.query("TRUNCATE marks");
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** The view shows the locks of all databases of the server. */
async function somebodyWaits(): Promise<boolean> {
  const { rows } = await pool.query(
    `SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
     WHERE d.datname = current_database() AND locktype = 'advisory' AND NOT granted`,
  );
  return rows.length > 0;
}

test("what is read behind a lock is read as under it, though it was sent before the lock was taken", async () => {
  const holder = await pool.connect();
  await holder.query("BEGIN");
  await holder.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
  const reading = transaction(db, (tx) =>
    inOrder(
      tx.$executeRaw`SELECT pg_advisory_xact_lock(${LOCK})`,
      tx.$queryRaw<{ n: number }[]>`SELECT n FROM marks`,
    ),
  );
  while (!(await somebodyWaits())) await Bun.sleep(5);
  await holder.query("INSERT INTO marks VALUES (1)");
  await holder.query("COMMIT");
  holder.release();
  const [, marks] = await reading;
  expect(marks).toEqual([{ n: 1 }]);
});

test("nothing of them comes after the rollback of a savepoint, whichever fails", async () => {
  const insert = (tx: Database, n: number) => tx.$executeRaw`INSERT INTO marks VALUES (${n})`;
  const later = async (tx: Database) => {
    await Bun.sleep(20);
    await insert(tx, 2);
  };
  await transaction(db, async (tx) => {
    const failing = transaction(tx, (inner) =>
      inOrder(inner.$queryRaw`SELECT 1 / (SELECT count(*) FROM marks)`, later(inner)),
    );
    await expect(failing).rejects.toThrow("division by zero");
    await Bun.sleep(100);
    await insert(tx, 1);
  });
  const { rows } = await pool.query("SELECT n FROM marks");
  expect(rows).toEqual([{ n: 1 }]);
  await expect(
    transaction(db, (tx) =>
      inOrder(insert(tx, 3), tx.$queryRaw`SELECT 1 / count(*) FROM marks WHERE false`),
    ),
  ).rejects.toThrow("division by zero");
  expect((await pool.query("SELECT n FROM marks")).rows).toEqual([{ n: 1 }]);
});
