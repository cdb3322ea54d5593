/** Schemas that nobody compares: they are named, and what of them is in the way of a repair is told before it fails. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createDatabase, type TestDatabase } from "../../../tests/support/postgres.ts";
import { createProject, execute, type Project } from "./project.ts";

let database: TestDatabase;
let project: Project;

beforeEach(async () => {
  database = await createDatabase({ template: false });
  project = await createProject(database.url, {
    "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n}\n',
    "migrations-sql/a.sql":
      "CREATE TABLE sales (id int CONSTRAINT sales_pk PRIMARY KEY, sum text); CREATE VIEW sums AS SELECT sum FROM sales;",
  });
});

afterEach(async () => {
  await project.remove();
  await database.drop();
});

test("one that holds objects is named in a note; an empty one is not", async () => {
  await execute(
    database.url,
    "CREATE TABLE sales (id int CONSTRAINT sales_pk PRIMARY KEY, sum text); CREATE VIEW sums AS SELECT sum FROM sales; CREATE SCHEMA nothing; CREATE SCHEMA reporting; CREATE FUNCTION reporting.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE SCHEMA x; CREATE EXTENSION citext SCHEMA x",
  );
  const { code, stdout } = await project.drift(["--ignore", "extension citext"]);
  expect(stdout).toContain("note: Not compared, though there are objects in it: schema reporting.");
  expect(code).toBe(0);
});

describe("what depends on something that goes stops the repair", () => {
  const base =
    "CREATE TABLE sales (id int CONSTRAINT sales_pk PRIMARY KEY, sum text); CREATE VIEW sums AS SELECT sum FROM sales";
  const extra = base.replace("sum text", "sum text, extra int");
  const touch = `${base}; CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`;
  const twice = `${base}; CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2'`;
  const mood = `${base}; CREATE TYPE mood AS ENUM ('good')`;
  const spot = `${base}; CREATE TYPE spot AS (x int, y int)`;
  const byFunction = "depends on function public.twice(integer)";
  const cases: Record<string, [live: string, other: string, says: string]> = {
    "a view on a column": [
      extra,
      "CREATE VIEW reporting.all_sales AS SELECT id, extra FROM sales",
      "reporting.all_sales, in a schema that is not compared, depends on column public.sales.extra",
    ],
    "a materialized view": [
      extra,
      "CREATE MATERIALIZED VIEW reporting.kept AS SELECT extra FROM sales",
      "reporting.kept, in a schema that is not compared, depends on column public.sales.extra",
    ],
    "a view on a view that is made anew": [
      `${base.replace("SELECT sum FROM", "SELECT sum, id FROM")}`,
      "CREATE VIEW reporting.top AS SELECT sum FROM sums",
      "reporting.top, in a schema that is not compared, depends on view public.sums",
    ],
    "a view on a column that gets another type": [
      base.replace("sum text", "sum varchar(9)"),
      "CREATE VIEW reporting.top AS SELECT sum FROM sales",
      "reporting.top, in a schema that is not compared, depends on column public.sales.sum",
    ],
    "a view that groups by a key": [
      `${base}; CREATE TABLE more (id int CONSTRAINT more_pk PRIMARY KEY, name text)`,
      "CREATE VIEW reporting.grouped AS SELECT id, name FROM more GROUP BY id",
      "reporting.grouped, in a schema that is not compared, depends on",
    ],
    "a function with a body of SQL": [
      extra,
      "CREATE FUNCTION reporting.most() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT max(extra) FROM sales; END",
      "reporting.most(), in a schema that is not compared, depends on column public.sales.extra",
    ],
    "a trigger": [
      touch,
      "CREATE TABLE reporting.lines (n int); CREATE TRIGGER t BEFORE INSERT ON reporting.lines FOR EACH ROW EXECUTE FUNCTION touch()",
      "reporting.lines, in a schema that is not compared, depends on function public.touch()",
    ],
    "a policy": [
      twice,
      "CREATE TABLE reporting.lines (n int); CREATE POLICY p ON reporting.lines USING (twice(n) > 0)",
      `reporting.lines, in a schema that is not compared, ${byFunction}`,
    ],
    "a rule": [
      extra,
      "CREATE TABLE reporting.lines (n int); CREATE RULE r AS ON INSERT TO reporting.lines DO ALSO UPDATE sales SET extra = 1",
      "reporting.lines, in a schema that is not compared, depends on column public.sales.extra",
    ],
    "a key to a constraint": [
      base.replace("sum text", "sum text, n int CONSTRAINT of_n UNIQUE"),
      "CREATE TABLE reporting.lines (n int REFERENCES sales (n))",
      "reporting.lines, in a schema that is not compared, depends on",
    ],
    "a default on a function": [
      twice,
      "CREATE TABLE reporting.days (day int DEFAULT twice(1))",
      `reporting.days, in a schema that is not compared, ${byFunction}`,
    ],
    "a default on a sequence": [
      `${base}; CREATE SEQUENCE numbers`,
      "CREATE TABLE reporting.days (day int DEFAULT nextval('numbers'))",
      "reporting.days, in a schema that is not compared, depends on sequence public.numbers",
    ],
    "a generated column": [
      twice,
      "CREATE TABLE reporting.days (day int, two int GENERATED ALWAYS AS (twice(day)) STORED)",
      `reporting.days, in a schema that is not compared, ${byFunction}`,
    ],
    "a CHECK and an index": [
      twice,
      "CREATE TABLE reporting.days (day int CHECK (twice(day) > 0)); CREATE INDEX i ON reporting.days (twice(day))",
      `reporting.days, reporting.i, in a schema that is not compared, ${byFunction}`,
    ],
    "a column of a type": [
      mood,
      "CREATE TABLE reporting.days (mood mood[])",
      "reporting.days, in a schema that is not compared, depends on enum public.mood",
    ],
    "a domain over a type": [
      mood,
      "CREATE DOMAIN reporting.state AS mood",
      "reporting.state, in a schema that is not compared, depends on enum public.mood",
    ],
    "the CHECK of a domain": [
      twice,
      "CREATE DOMAIN reporting.even AS int CHECK (twice(VALUE) > 0)",
      `reporting.even, in a schema that is not compared, ${byFunction}`,
    ],
    "an attribute of a composite type": [
      spot,
      "CREATE TABLE reporting.days (spot spot); CREATE VIEW reporting.xs AS SELECT (spot).x FROM reporting.days",
      "in a schema that is not compared, depends on composite type public.spot",
    ],
    "an operator": [
      twice,
      "CREATE OPERATOR reporting.!! (FUNCTION = twice, RIGHTARG = int)",
      byFunction,
    ],
    "a table that inherits": [
      `${base}; CREATE TABLE above (n int)`,
      "CREATE TABLE reporting.below () INHERITS (above)",
      "reporting.below, in a schema that is not compared, depends on table public.above",
    ],
    "a partition": [
      `${base}; CREATE TABLE above (n int) PARTITION BY LIST (n)`,
      "CREATE TABLE reporting.part PARTITION OF above DEFAULT",
      "reporting.part, in a schema that is not compared, depends on table public.above",
    ],
  };
  for (const [name, [live, other, says]] of Object.entries(cases))
    test(name, async () => {
      await execute(database.url, `${live}; CREATE SCHEMA reporting; ${other}`);
      const { code, stdout, stderr } = await project.drift([
        ...["repair", "--apply", "--allow-destructive"],
      ]);
      const [, doubt = stdout] = /-- Not proved: (.*)/.exec(stdout) ?? [];
      expect(doubt).toContain(says);
      expect(stderr).toContain("Nothing was run");
      expect(code).toBe(1);
    });

  test("an attribute that goes takes nothing along that depends on it", async () => {
    const database = await createDatabase({ template: false });
    const project = await createProject(database.url, {
      "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n}\n',
      "migrations-sql/a.sql": "CREATE TYPE spot AS (x int); CREATE TABLE days (spot spot);",
    });
    const view = "CREATE VIEW reporting.ys AS SELECT (spot).y FROM public.days";
    await execute(
      database.url,
      `CREATE TYPE spot AS (x int, y int); CREATE TABLE days (spot spot); CREATE SCHEMA reporting; ${view}`,
    );
    const { code, stdout } = await project.drift(["repair", "--apply", "--allow-destructive"]);
    expect(stdout).toContain("-- Not proved: reporting.ys, in a schema that is not compared");
    expect(code).toBe(1);
    await execute(database.url, "SELECT * FROM reporting.ys");
    await project.remove();
    await database.drop();
  });
});
