/** A repair that is ended while it is applied says whether it was made. */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import pg from "pg";
import { createDatabase, type TestDatabase } from "../../../tests/support/postgres.ts";
import { MIGRATION_LOCK } from "../src/database/migration-lock.ts";
import { createProject, execute, type Project } from "./project.ts";

setDefaultTimeout(60_000);

let database: TestDatabase;
let project: Project;
let others: pg.Client[];

beforeEach(async () => {
  database = await createDatabase({ template: false });
  project = await createProject(database.url, {
    "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n}\n',
    "migrations-sql/a.sql": "CREATE TABLE t (id integer, CHECK (id > 0));\n",
  });
  await execute(database.url, "CREATE TABLE t (id integer)");
  others = [await connect(), await connect()];
});
afterEach(async () => {
  for (const client of others) await client.end();
  await project.remove();
  await database.drop();
});

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  return client;
}

/** Until a session of the check, or another one, waits for a lock on a table or for a number. */
async function untilWaiting(type: string): Promise<void> {
  const sql = `SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE NOT l.granted AND l.locktype = '${type}' AND a.datname = current_database()`;
  while ((await execute(database.url, sql)).rowCount === 0) await Bun.sleep(20);
}

const isMade = async () =>
  (await execute(database.url, "SELECT FROM pg_constraint WHERE conrelid = 't'::regclass"))
    .rowCount === 1;

test("while it waits for others: it is taken back at once", async () => {
  const [holder] = others;
  const check = project.start(["repair", "--apply"]);
  // Reading is let through, so that the plan is made.
  await holder?.query("BEGIN; LOCK TABLE t IN ROW EXCLUSIVE MODE");
  await untilWaiting("relation");
  check.kill("SIGINT");
  const before = Date.now();
  expect(await check.exited).toBe(130);
  expect(Date.now() - before).toBeLessThan(5000);
  expect(await check.stderr.text()).toContain(
    "The repair was rolled back, and the database is as it was. It was interrupted.",
  );
  await holder?.query("COMMIT");
  expect(await isMade()).toBe(false);
});

test("when it is made: that is said", async () => {
  const [holder, migration] = others;
  const check = project.start(["repair", "--apply"]);
  await holder?.query("BEGIN; LOCK TABLE t IN ROW EXCLUSIVE MODE");
  await untilWaiting("relation");
  // It gets the number when the repair is committed, and the check that follows has to wait for it.
  const number = migration?.query(`SELECT pg_advisory_lock(${MIGRATION_LOCK})`);
  await untilWaiting("advisory");
  await holder?.query("COMMIT");
  await number;
  await untilWaiting("advisory");
  check.kill("SIGTERM");
  expect(await check.exited).toBe(143);
  expect(await check.stderr.text()).toContain("The repair was made, but not checked again");
  expect(await isMade()).toBe(true);
});
