/** Generated columns, which a Prisma schema says as defaults that read other columns. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { withGeneratedColumn } from "../src/database/generated.ts";
import { booksProject, datasource } from "./books-project.ts";
import { execute } from "./project.ts";

setDefaultTimeout(60_000);

const { database, project } = booksProject();

const note = (fields: string) => `${datasource()}
model Note {
  id    Int     @id
  title String
${fields}
}
`;
const fields = `  slug  String? @default(dbgenerated("lower(\\n  title\\n) -- small; (\\n"))
  kind  String? @default(dbgenerated("(title || $q$ ' -- ; , ( $q$ /* a /* ' */ , */)"))
  size  Int     @default(dbgenerated("length(title\\n  || ' -- DEFAULT; ,')"))
  n     Int     @default(3)
`;

test("of several lines, with comments, strings and dollar quotes: beside hand-written SQL", async () => {
  await project.write({
    "prisma/schema.prisma": note(fields),
    "migrations-sql/a.sql": "ALTER TABLE \"Note\" ADD CHECK (title <> '');",
  });
  await execute(
    database.url,
    `CREATE TABLE "Note" (id int PRIMARY KEY, title text NOT NULL CHECK (title <> ''), slug text GENERATED ALWAYS AS (lower(title)) STORED,
       kind text GENERATED ALWAYS AS (title || ' '' -- ; , ( ') STORED, size int NOT NULL GENERATED ALWAYS AS (length(title || ' -- DEFAULT; ,')) STORED, n int NOT NULL DEFAULT 3)`,
  );
  const { stdout, code } = await project.drift([]);
  expect(stdout).toStartWith("no drift");
  expect(code).toBe(0);
});

test("a migration adds them to a table that is there", async () => {
  const create =
    'CREATE TABLE "Note" ("id" INTEGER NOT NULL, "title" TEXT NOT NULL, CONSTRAINT "Note_pkey" PRIMARY KEY ("id"));\n';
  await project.write({
    "prisma/schema.prisma": note(fields),
    "prisma/migrations/20200101000000_create_note/migration.sql": create,
  });
  const written = await project.drift(["migrate", "--name", "add_columns", "--allow-dangerous"]);
  expect(written).toMatchObject({ code: 0 });
  expect(await project.read(`${written.stdout.trim()}/migration.sql`)).toContain("STORED");
  expect(await project.drift(["parity"])).toMatchObject({ code: 0 });
});

describe("what is refused is found in its column", () => {
  const made = (column: string, word = "title") => {
    const sql = `CREATE TABLE "Note" (\n    "a(," TEXT DEFAULT ',(',\n    "x" ${column},\n    CONSTRAINT "k" PRIMARY KEY ("a(,")\n);\nSELECT 1;`;
    const at = sql.lastIndexOf(word);
    return withGeneratedColumn(sql, at).split('"x" ')[1]?.split(",\n    CONSTRAINT")[0];
  };

  for (const [column, expression] of [
    ["TEXT DEFAULT lower(\n title)", "lower(\n title)"],
    ["DECIMAL(10,2) NOT NULL DEFAULT f(1, title)", "f(1, title)"],
    ["TEXT DEFAULT E'\\',(' || title", "E'\\',(' || title"],
    ["TEXT DEFAULT 'it''s, (' || title", "'it''s, (' || title"],
    ["TEXT DEFAULT $$)$$ || $a$,$$($a$ || title -- ,(\n", "$$)$$ || $a$,$$($a$ || title -- ,("],
    ['TEXT DEFAULT /* ( /* , */ ( */ "my ""(title"', '/* ( /* , */ ( */ "my ""(title"'],
  ] as const)
    test(column.replaceAll("\n", " "), () => {
      const type = column.slice(0, column.indexOf(" DEFAULT"));
      expect(made(column)).toBe(`${type} GENERATED ALWAYS AS (${expression}\n) STORED`);
    });

  test("and nothing is done to what is no default", () => {
    const sql = "CREATE TABLE t (a int CHECK (a > (SELECT 1)), b int DEFAULT 1);";
    expect(withGeneratedColumn(sql, sql.indexOf("SELECT"))).toBe(sql);
    expect(withGeneratedColumn("SELECT title", 7)).toBe("SELECT title");
  });
});
