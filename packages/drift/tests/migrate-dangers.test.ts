/** What a migration does to rows is called out from what its plan does, and what it does not carry over is named. */
import { describe, expect, test } from "bun:test";
import { datasource, emailCheck, users, usersProject, usersTable } from "./users-project.ts";

const { project, migrate, written } = usersProject();

describe("what rows lose is called out, whatever kind of object it is about", () => {
  const cases: Record<string, { history: string; declared: string; says: string[] }> = {
    "a table that is split into partitions": {
      history: "CREATE TABLE visits (id int NOT NULL, day date NOT NULL);",
      declared:
        "CREATE TABLE visits (id int NOT NULL, day date NOT NULL) PARTITION BY LIST (id); CREATE TABLE visits_all PARTITION OF visits DEFAULT;",
      says: ["danger: drops table public.visits with its rows"],
    },
    "a column that is computed from now on": {
      history: 'CREATE TABLE sums (a int, "Twice" int);',
      declared: 'CREATE TABLE sums (a int, "Twice" int GENERATED ALWAYS AS (a * 2) STORED);',
      says: ['danger: drops column public.sums."Twice" with its data'],
    },
    "an attribute of a type that a table has": {
      history: "CREATE TYPE spot AS (x int, y int, z int); CREATE TABLE spots (id int, at spot);",
      declared: "CREATE TYPE spot AS (x int, y int); CREATE TABLE spots (id int, at spot);",
      says: ["danger: drops attributes of the type with their data"],
    },
    "a label in the place of another": {
      history: "CREATE TYPE tint AS ENUM ('a', 'b'); CREATE TABLE walls (tint tint);",
      declared: "CREATE TYPE tint AS ENUM ('a', 'c'); CREATE TABLE walls (tint tint);",
      says: ["takes 'b' from enum public.tint"],
    },
    "a table that is written anew": {
      history: "CREATE TABLE logs (id int);",
      declared: "CREATE UNLOGGED TABLE logs (id int);",
      says: ["danger: writes every row of public.logs anew"],
    },
    "a sequence that goes": {
      history: "CREATE SEQUENCE numbers;",
      declared: "SELECT 1;",
      says: ["drops the sequence with its position (sequence public.numbers)"],
    },
  };
  for (const [name, { history, declared, says }] of Object.entries(cases))
    test(name, async () => {
      await project.write({
        "prisma/migrations/20210101000000_add_more/migration.sql": history,
        "migrations-sql/z.sql": declared,
      });
      const { code, stdout, stderr } = await migrate("change_more_shapes");
      for (const text of says) expect(stderr).toContain(text);
      expect(stdout).toBe("");
      expect(code).toBe(1);
      expect((await migrate("change_more_shapes", "--allow-dangerous")).code).toBe(0);
      expect((await project.drift(["parity"])).code).toBe(0);
    });
});

test("an identity of a table that has rows goes on behind them, which is no danger", async () => {
  await project.write({
    "prisma/migrations/20210101000000_add_notes/migration.sql":
      "CREATE TABLE notes (id int NOT NULL);",
    "migrations-sql/z.sql": "CREATE TABLE notes (id int GENERATED ALWAYS AS IDENTITY);",
  });
  const { code, stdout, stderr } = await migrate("number_all_notes");
  expect(stderr).not.toContain("danger");
  expect(code).toBe(0);
  expect((await written(stdout)).migration).toContain("SELECT setval(");
});

test("a sequence that the migration itself begins has no position to lose", async () => {
  const model = (id: string) => `model Thing {\n  id Int @id${id}\n}\n`;
  await project.write({
    "prisma/schema.prisma": datasource + model(" @default(autoincrement())") + users(),
    "prisma/migrations/20200101000000_create_users/migration.sql": `CREATE TABLE "Thing" ("id" INTEGER NOT NULL, CONSTRAINT "Thing_pkey" PRIMARY KEY ("id"));\n${usersTable}${emailCheck}`,
  });
  const { code, stdout, stderr } = await migrate("number_all_things");
  expect(stderr).not.toContain("danger");
  expect(code).toBe(0);
  expect((await written(stdout)).migration).toContain("SELECT setval(");
});

test("the order of labels is told, and changed only if that is asked for", async () => {
  const hue = (labels: string) => `enum Hue {\n  ${labels.replaceAll(" ", "\n  ")}\n}\n`;
  await project.write({
    "prisma/schema.prisma": datasource + hue("red green blue gold") + users("  hue Hue?"),
    "prisma/migrations/20200101000000_create_users/migration.sql": `CREATE TYPE "Hue" AS ENUM ('green', 'red', 'blue');\n${usersTable}ALTER TABLE users ADD "hue" "Hue";\n${emailCheck}`,
  });
  const { code, stdout, stderr } = await migrate("add_hue_gold");
  expect(stderr).toContain('enum public."Hue" has its labels in another order');
  expect(code).toBe(0);
  const { migration } = await written(stdout);
  expect(migration).toContain("ADD VALUE 'gold'");
  expect(migration).not.toContain("CREATE TYPE");
  expect((await project.drift(["parity"])).stdout).toStartWith("minor: changed enum");
  expect((await migrate("sort_hue_labels")).stderr).toContain("there is nothing to write");

  const asked = await migrate("sort_hue_labels", "--allow-dangerous");
  expect(asked.stderr).toContain("only for the order of its labels");
  expect(asked.code).toBe(0);
  expect((await project.drift(["parity"])).code).toBe(0);
});

test("a file of which nothing is carried over is named", async () => {
  await project.write({
    "migrations-sql/a.sql": "-- Nothing yet.\n",
    "migrations-sql/y.sql": "SET work_mem = '8MB'; -- for the next file",
    "migrations-sql/z.sql": "CREATE VIEW mails AS SELECT email FROM users;",
    "migrations-sql/drift.snapshot.json": "{}",
  });
  const { code, stderr } = await migrate("add_mails_view");
  expect(stderr).toContain(
    "warning: migrations-sql/y.sql changes nothing that a migration is made from",
  );
  expect(stderr).not.toMatch(/[az]\.sql changes nothing/);
  expect(stderr).toContain("migrations-sql/drift.snapshot.json is not written by this");
  expect(code).toBe(0);
});
