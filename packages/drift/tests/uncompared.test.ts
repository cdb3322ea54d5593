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
  const cases: Record<string, [live: string, other: string, says: string]> = {
    "a view on a column": [
      "CREATE TABLE sales (id int CONSTRAINT sales_pk PRIMARY KEY, sum text, extra int); CREATE VIEW sums AS SELECT sum FROM sales",
      "CREATE VIEW reporting.all_sales AS SELECT id, extra FROM sales",
      "reporting.all_sales, in a schema that is not compared, depends on column public.sales.extra",
    ],
    "a view on a view that is made anew": [
      "CREATE TABLE sales (id int CONSTRAINT sales_pk PRIMARY KEY, sum text); CREATE VIEW sums AS SELECT sum, id FROM sales",
      "CREATE VIEW reporting.top AS SELECT sum FROM sums",
      "reporting.top, in a schema that is not compared, depends on view public.sums",
    ],
    "a key to a constraint": [
      "CREATE TABLE sales (id int CONSTRAINT sales_pk PRIMARY KEY, sum text, n int CONSTRAINT of_n UNIQUE); CREATE VIEW sums AS SELECT sum FROM sales",
      "CREATE TABLE reporting.lines (n int REFERENCES sales (n))",
      "reporting.lines, in a schema that is not compared, depends on",
    ],
    "a default on a function": [
      "CREATE TABLE sales (id int CONSTRAINT sales_pk PRIMARY KEY, sum text); CREATE VIEW sums AS SELECT sum FROM sales; CREATE FUNCTION next_day(n int) RETURNS int LANGUAGE sql AS 'SELECT n'",
      "CREATE TABLE reporting.days (day int DEFAULT next_day(1))",
      "reporting.days, in a schema that is not compared, depends on function public.next_day(integer)",
    ],
  };
  for (const [name, [live, other, says]] of Object.entries(cases))
    test(name, async () => {
      await execute(database.url, `${live}; CREATE SCHEMA reporting; ${other}`);
      const { code, stdout, stderr } = await project.drift([
        "repair",
        "--apply",
        "--allow-destructive",
      ]);
      expect(stdout).toContain(`-- Not proved: ${says}`);
      expect(stderr).toContain("Nothing was run");
      expect(code).toBe(1);
    });
});
