/** Scratch databases and locks: whatever ends a check, none of them outlives it. */
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { randomBytes } from "node:crypto";
import pg from "pg";
import { createDatabase, type TestDatabase } from "../../../tests/support/postgres.ts";
import { createProject, execute, type Project } from "./project.ts";

setDefaultTimeout(60_000);

let database: TestDatabase;
let project: Project;

beforeAll(async () => {
  database = await createDatabase({ template: false });
});
afterAll(() => database.drop());

beforeEach(async () => {
  project = await createProject(database.url, {
    "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n}\n',
    "migrations-sql/tables.sql": "CREATE TABLE things (id integer PRIMARY KEY);\n",
  });
});
afterEach(() => project.remove());

test.each([
  ["SIGINT", 130, "drift"],
  ["SIGTERM", 143, "parity"],
  ["SIGHUP", 129, "snapshot"],
] as const)("%s ends the check and drops the scratch database", async (signal, code, command) => {
  const { run, scratch } = await startSlowCheck(command);
  run.kill(signal);
  expect(await run.exited).toBe(code);
  expect(await exists(scratch)).toBe(false);
});

test("connections that die in the middle: a message, and no scratch database is left", async () => {
  const { run, scratch } = await startSlowCheck();
  await execute(
    database.url,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = 'drift' AND datname IN ('${scratch}', '${database.name}')`,
  );
  expect(await run.exited).toBe(1);
  expect(await run.stderr.text()).toContain("terminating connection");
  expect(await exists(scratch)).toBe(false);
});

test("a table that is locked by somebody: who that is, and nothing is changed by a repair", async () => {
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  try {
    await other.query("CREATE TABLE things (id integer)");
    await other.query("BEGIN; CREATE INDEX ON things (id)");
    const run = await project.drift(["repair", "--apply"]);
    expect(run.stderr).toContain("The repair was rolled back, and the database is as it was.");
    expect(run.stderr).toMatch(/Process \d+ of \w+ has one on public\.things, in a transaction of/);
    await other.query("LOCK TABLE things");
    const check = await project.drift();
    expect(check.stderr).toMatch(/^error: Another session has held a lock .* on public\.things/m);
    expect([run.code, check.code]).toEqual([1, 1]);
  } finally {
    await other.query("ROLLBACK");
    await other.query("DROP TABLE things");
    await other.end();
  }
}, 90_000);

test("a migration in progress is waited for, not taken for drift", async () => {
  const deploy = execute(
    database.url,
    "SELECT pg_advisory_lock(72707369); SELECT pg_sleep(1); CREATE TABLE things (id integer PRIMARY KEY);",
  );
  expect((await project.drift()).stdout).toContain("no drift");
  await deploy;
  await execute(database.url, "DROP TABLE things");
});

test("a check that waits for a migration can be interrupted", async () => {
  const deploy = new pg.Client({ connectionString: database.url });
  await deploy.connect();
  await deploy.query("SELECT pg_advisory_lock(72707369)");
  const run = project.start();
  const waiting = `SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
    WHERE locktype = 'advisory' AND NOT granted AND d.datname = '${database.name}'`;
  while ((await deploy.query(waiting)).rowCount === 0) await Bun.sleep(20);
  run.kill("SIGINT");
  expect(await run.exited).toBe(130);
  await deploy.end();
});

test("what a killed check has left is dropped by the next when it is old or its maker is gone, and only then", async () => {
  const suffix = randomBytes(8).toString("hex");
  const hour = 3600;
  const now = Math.floor(Date.now() / 1000);
  const [old, young] = [now - 2 * hour, now].map((time) => `drift_scratch_${time}_${suffix}`);
  const maker = new pg.Client({ connectionString: database.url });
  await maker.connect();
  const { rows } = await maker.query("SELECT pg_backend_pid() AS pid");
  const [made, orphan] = [rows[0].pid, 999_999_999].map(
    (pid) => `drift_scratch_${now - 20}_${pid}_${suffix}`,
  );
  for (const name of [old, young, made, orphan])
    await execute(database.url, `CREATE DATABASE ${name}`);
  await execute(database.url, `CREATE ROLE ${orphan}`);
  try {
    await project.drift();
    expect(await exists(String(old))).toBe(false);
    expect(await exists(String(young))).toBe(true);
    expect(await exists(String(orphan))).toBe(false);
    expect(await exists(String(made))).toBe(true);
    const role = `SELECT FROM pg_roles WHERE rolname = '${orphan}'`;
    expect((await execute(database.url, role)).rowCount).toBe(0);
  } finally {
    await maker.end();
    for (const name of [old, young, made, orphan])
      await execute(database.url, `DROP DATABASE IF EXISTS ${name}`);
    await execute(database.url, `DROP ROLE IF EXISTS ${orphan}`);
  }
});

test("what a killed check of another login has left is named with what drops it", async () => {
  const suffix = randomBytes(8).toString("hex");
  const [login, left] = [`drift_test_${suffix}`, `drift_scratch_1700000000_999999999_${suffix}`];
  await execute(database.url, `CREATE ROLE ${login} LOGIN CREATEDB PASSWORD 'p'`);
  // A template, or the checks of other tests on this server would drop it.
  await execute(database.url, `CREATE ROLE ${login}_left`);
  await execute(database.url, `CREATE DATABASE ${left} OWNER ${login}_left IS_TEMPLATE true`);
  await execute(database.url, `ALTER ROLE ${login}_left RENAME TO ${left}`);
  try {
    const url = new URL(database.url);
    [url.username, url.password] = [login, "p"];
    const { stdout } = await project.drift(["--no-repair", "--database-url", url.href]);
    expect(stdout).toContain("note: A killed check of another login has left");
    expect(stdout).toContain(`DROP DATABASE ${left}; DROP ROLE ${left};`);
    expect(await exists(left)).toBe(true);
  } finally {
    await execute(database.url, `ALTER DATABASE ${left} IS_TEMPLATE false`);
    await execute(database.url, `DROP DATABASE IF EXISTS ${left}`);
    await execute(database.url, `DROP ROLE IF EXISTS ${left}, ${login}`);
  }
});

/** A check that sleeps in the middle of its replay, and the name of the database that it does that in. */
async function startSlowCheck(command = "drift") {
  const marker = randomBytes(6).toString("hex");
  await project.write({
    "migrations-sql/slow.sql": `SELECT pg_sleep(60) /* ${marker} */;`,
    "prisma/migrations/1/migration.sql": "",
  });
  const run = project.start([command, "--strict"]);
  for (;;) {
    const { rows } = await execute(
      database.url,
      `SELECT datname FROM pg_stat_activity WHERE query LIKE '%/* ${marker}%' AND application_name = 'drift'`,
    );
    if (rows[0]) return { run, scratch: String(rows[0].datname) };
    await Bun.sleep(20);
  }
}

async function exists(name: string): Promise<boolean> {
  const { rowCount } = await execute(
    database.url,
    `SELECT FROM pg_database WHERE datname = '${name}'`,
  );
  return rowCount === 1;
}
