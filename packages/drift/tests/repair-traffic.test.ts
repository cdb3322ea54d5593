/** A repair that is applied while others use the database. */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import pg from "pg";
import { createDatabase, type TestDatabase } from "../../../tests/support/postgres.ts";
import { createProject, execute, type Project } from "./project.ts";

setDefaultTimeout(60_000);

let database: TestDatabase;
let project: Project;
let other: pg.Client;

beforeEach(async () => {
  database = await createDatabase({ template: false });
  project = await createProject(database.url, {
    "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n}\n',
    "migrations-sql/a.sql":
      "CREATE TABLE a (n integer CHECK (n > 0)); CREATE INDEX a_n ON a (n); CREATE TABLE b (n integer CHECK (n > 0));\n",
  });
  await execute(database.url, "CREATE TABLE a (n integer); CREATE TABLE b (n integer)");
  other = new pg.Client({ connectionString: database.url });
  await other.connect();
});
afterEach(async () => {
  await other.end();
  await project.remove();
  await database.drop();
});

async function untilWaiting(type: string): Promise<void> {
  const sql = `SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE NOT l.granted AND l.locktype = '${type}' AND a.datname = current_database()`;
  while ((await execute(database.url, sql)).rowCount === 0) await Bun.sleep(20);
}

test("nobody's transaction fails whose locks stand crosswise to those of the repair", async () => {
  await other.query("BEGIN; INSERT INTO b VALUES (1)");
  const repair = project.start(["repair", "--apply"]);
  await untilWaiting("relation");
  await Bun.sleep(1500); // By then the repair would have looked for a deadlock in vain, and the other would find it.
  await other.query("INSERT INTO a VALUES (1); UPDATE b SET n = 2; COMMIT");
  expect(await repair.exited).toBe(0);
  const { rows } = await execute(database.url, "SELECT a.n AS a, b.n AS b FROM a, b");
  expect(rows).toEqual([{ a: 1, b: 2 }]);
});

test("a repair that gets no lock in 10 s is taken back, and says who has it", async () => {
  await other.query("BEGIN; INSERT INTO b VALUES (1)");
  const { code, stderr } = await project.drift(["repair", "--apply"]);
  expect(code).toBe(1);
  expect(stderr).toContain("Another session has held a lock in the way for longer than 10 s.");
  expect(stderr).toContain("has one on public.b, in a transaction of");
  await other.query("COMMIT");
});

test("an index that is not valid is made so, or dropped where nobody declares it", async () => {
  await execute(database.url, "INSERT INTO a VALUES (1), (1)");
  const build = (name: string) => `CREATE UNIQUE INDEX CONCURRENTLY ${name} ON a (n)`;
  for (const name of ["a_n", "left_over"])
    await expect(execute(database.url, build(name))).rejects.toThrow("could not create");
  await project.write({
    "migrations-sql/a.sql":
      "CREATE TABLE a (n integer CHECK (n > 0)); CREATE UNIQUE INDEX a_n ON a (n); CREATE TABLE b (n integer);\n",
  });
  await execute(database.url, "UPDATE a SET n = 2 WHERE ctid = '(0,1)'");
  const { code, stdout, stderr } = await project.drift(["repair", "--apply"]);
  expect(stdout).toContain("DROP INDEX public.left_over;");
  expect(stdout).toContain("REINDEX INDEX public.a_n;");
  expect(stderr).toStartWith("no drift");
  expect(code).toBe(0);
});

test("an index that somebody builds beside the traffic is told of, and not dropped", async () => {
  await other.query("BEGIN; INSERT INTO a VALUES (1)");
  const building = execute(database.url, "CREATE INDEX CONCURRENTLY mine ON a (n)");
  await untilWaiting("virtualxid").catch(() => {});
  const check = await project.drift([]);
  expect(check.stdout).toContain("Built at the moment, and not valid before that has ended");
  const { code, stderr } = await project.drift(["repair", "--apply"]);
  expect(code).toBe(1);
  expect(stderr).toContain("index public.mine (process ");
  expect(stderr).toContain("The repair was rolled back");
  await other.query("COMMIT");
  await building;
});
