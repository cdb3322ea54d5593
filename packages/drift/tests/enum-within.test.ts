/** Enums that lie within domains, composites and arrays, where no new type can take the old one's place. */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { createDatabase, type TestDatabase } from "../../../tests/support/postgres.ts";
import { createProject, execute, type Project } from "./project.ts";

setDefaultTimeout(60_000);

const schema = 'datasource db {\n  provider = "postgresql"\n}\n';
const declared = (labels: string, { column = "", below = "" } = {}) => `
CREATE TYPE mood AS ENUM (${labels});
CREATE DOMAIN moody AS mood CHECK (VALUE <> 'b');
CREATE TYPE pair AS (x mood, y integer);
CREATE DOMAIN pairs AS pair;
CREATE TABLE t (id integer PRIMARY KEY, m mood ${column}, d moody DEFAULT 'a', p pair, ps pair[], ms mood[], dp pairs, dm moody[]);
${below}`;
const row = `INSERT INTO t VALUES (1, 'b', 'a', ('b', 2)::pair, ARRAY[('a', 3)::pair], ARRAY['a', 'b']::mood[], ('a', 1)::pair, ARRAY['a']::moody[])`;
const index = "CREATE INDEX t_m ON t (m);\n";

let database: TestDatabase;
let project: Project;

beforeEach(async () => {
  database = await createDatabase({ template: false });
  project = await createProject(database.url, { "prisma/schema.prisma": schema });
  await execute(database.url, `${declared("'a', 'b'")} ${row}`);
});
afterEach(async () => {
  await project.remove();
  await database.drop();
});

const declare = (sql: string) => project.write({ "migrations-sql/a.sql": sql });
const rows = async () => (await execute(database.url, "SELECT t::text FROM t")).rows;

test("a label is added wherever the enum lies, and rows stay", async () => {
  const before = await rows();
  await declare(declared("'z', 'a', 'm', 'b'", { below: index }));
  const { code, stdout } = await project.drift(["repair", "--apply"]);
  expect(stdout).toContain("-- Proved on a copy of the schema with invented rows.");
  expect(stdout).not.toContain("DESTRUCTIVE");
  expect(code).toBe(0);
  expect(await rows()).toEqual(before);
});

test("a label that the same repair uses says what to run first", async () => {
  await declare(declared("'a', 'b', 'c'", { column: "DEFAULT 'c'" }));
  const first = await project.drift(["repair", "--apply"]);
  const statement = "ALTER TYPE public.mood ADD VALUE 'c' AFTER 'b';";
  expect(first.stdout).toContain(`only after a commit: run ${statement} by itself, then repair`);
  expect(first.code).toBe(1);
  await execute(database.url, statement);
  expect((await project.drift(["repair", "--apply"])).code).toBe(0);
});

test("a label is not taken away, and what has the enum is named", async () => {
  const before = await rows();
  await declare(declared("'a'").replace("CHECK (VALUE <> 'b')", ""));
  for (const also of [[], ["--allow-destructive"]]) {
    const { code, stdout } = await project.drift(["repair", "--apply", ...also]);
    expect(stdout).toContain("type public.moody depends on type public.mood");
    expect(stdout).not.toContain("\nCREATE TYPE public.mood");
    expect(code).toBe(1);
  }
  expect(await rows()).toEqual(before);
});

test("an order that cannot be changed keeps no other repair back", async () => {
  await declare(declared("'b', 'a'", { below: index }));
  const { code, stderr } = await project.drift(["repair", "--apply"]);
  expect(stderr).toContain("drift: 1 changed;");
  expect(code).toBe(2);
  const { rows } = await execute(database.url, "SELECT to_regclass('t_m') IS NOT NULL AS made");
  expect(rows).toEqual([{ made: true }]);
  expect((await project.drift(["repair", "--apply", "--allow-destructive"])).code).toBe(1);
});
