/** What the migrations of a project make and none of its files declares: it is said, and no repair drops it. */
import { beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { beyond, book, booksProject, datasource, table } from "./books-project.ts";
import { execute } from "./project.ts";

setDefaultTimeout(60_000);

const { database, project } = booksProject();

describe("what the migrations make and no file declares", () => {
  beforeEach(async () => {
    await project.write({
      "prisma/schema.prisma": datasource() + book,
      "prisma/migrations/1_init/migration.sql": table + beyond,
    });
    await execute(database.url, `${table}${beyond}INSERT INTO "Book" (title) VALUES ('x');`);
  });

  test("is expected where there is no hand-written SQL, and said", async () => {
    const { code, stdout, stderr } = await project.drift();
    expect(stdout).toStartWith("no drift");
    expect(stderr).toContain("The migrations make this too");
    expect(stderr).toContain("3 objects");
    expect(code).toBe(0);
    expect((await project.drift(["parity"])).code).toBe(0);
    expect((await project.drift(["snapshot"])).code).toBe(0);
    expect((await project.drift(["--snapshot"])).code).toBe(0);
  });

  test("is no word worth where there is nothing of it", async () => {
    await execute(database.url, `DROP TABLE "Book"; DROP FUNCTION keep; ${table}`);
    await project.write({ "prisma/migrations/1_init/migration.sql": table });
    const { code, stdout, stderr } = await project.drift();
    expect(stdout).toStartWith("no drift");
    expect(stderr).not.toContain("migrations-sql");
    expect(code).toBe(0);
  });

  test("is found when it has gone, with the migration that makes it", async () => {
    await execute(database.url, 'DROP TRIGGER kept ON "Book"');
    const { code, stdout } = await project.drift();
    expect(stdout).toContain(
      'missing trigger public."Book".kept\n  --> prisma/migrations/1_init/migration.sql:5\n',
    );
    expect(code).toBe(2);
  });

  test("is never dropped by a repair, nor by the next migration", async () => {
    const { code } = await project.drift(["repair", "--apply", "--allow-destructive"]);
    expect(code).toBe(0);
    await expect(execute(database.url, 'DELETE FROM "Book"')).rejects.toThrow("never");

    const changed = book.replace("@unique", "@unique\n  note String?");
    await project.write({ "prisma/schema.prisma": datasource() + changed });
    const migrate = await project.drift(["migrate", "--name", "add_note"]);
    expect(migrate.stderr).toContain(
      "Let `tenantry-drift init` write it into migrations-sql first",
    );
    expect(migrate.code).toBe(1);
  });

  test("stays expected where the schema and the migrations differ in something else", async () => {
    const made = `CREATE TABLE log (id int PRIMARY KEY);
CREATE INDEX "Book_title_idx" ON "Book" (title) WHERE title > 'm';`;
    await execute(database.url, made);
    const changed = book.replace("@unique", "@unique\n  note String?\n  @@index([title])");
    await project.write({
      "prisma/schema.prisma": datasource() + changed,
      "prisma/migrations/1_init/migration.sql": table + beyond + made,
    });
    const { code, stdout, stderr } = await project.drift();
    expect(stdout).toContain('missing column public."Book".note\n  --> prisma/schema.prisma:8\n');
    expect(stdout).toContain("drift: 1 missing; ");
    expect(stderr).toContain("5 objects");
    expect(code).toBe(2);
    expect((await project.drift(["parity"])).stdout).toContain("drift: 1 missing; ");
    expect((await project.drift(["snapshot"])).code).toBe(0);
    expect((await project.drift(["--snapshot"])).stdout).toContain("drift: 1 missing; ");

    expect((await project.drift(["repair", "--apply"])).code).toBe(0);
    await execute(database.url, 'DROP INDEX "Book_title_idx"');
    expect((await project.drift()).stdout).toContain("WHERE (title > 'm'");
  });

  test("is a finding where the schema may have it by another name", async () => {
    await project.write({
      "prisma/schema.prisma":
        datasource() + book + book.replace("Book", "Story").replace("@unique", ""),
      "prisma/migrations/1_init/migration.sql": `${table}CREATE TABLE "Tale" (id serial CONSTRAINT "Tale_pkey" PRIMARY KEY, title text NOT NULL);`,
    });
    await execute(
      database.url,
      `DROP TABLE "Book"; DROP FUNCTION keep; ${table}CREATE TABLE "Tale" (id serial CONSTRAINT "Tale_pkey" PRIMARY KEY, title text NOT NULL)`,
    );
    expect((await project.drift()).stdout).toContain('renamed table public."Story"');
  });

  test("is expected where the schema cannot be made without it, and Prisma would drop some of it", async () => {
    const made = `CREATE EXTENSION citext; ALTER TABLE "Book" ADD COLUMN kind citext; CREATE INDEX by_kind ON "Book" (kind);`;
    await execute(database.url, made);
    await project.write({
      "prisma/schema.prisma":
        datasource() + book.replace("@unique", "@unique\n  kind String? @db.Citext"),
      "prisma/migrations/1_init/migration.sql": table + beyond + made,
    });
    const { code, stdout, stderr } = await project.drift();
    expect(stdout).toStartWith("no drift");
    expect(stderr).toContain("stands on what only the migrations make");
    expect(code).toBe(0);
  });

  test("is a finding beside hand-written SQL, and stays all the same", async () => {
    await project.write({ "migrations-sql/a.sql": 'CREATE INDEX a ON "Book" (lower(title));' });
    expect((await project.drift()).stdout).toContain("missing index");
    await execute(database.url, 'CREATE INDEX a ON "Book" (lower(title))');
    expect((await project.drift()).stdout).not.toContain("repair: ");
    await execute(database.url, 'CREATE INDEX z ON "Book" (title)');
    const { code, stdout, stderr } = await project.drift();
    expect(stderr).toContain("warning: The migrations make this too, and no file declares it: ");
    expect(stdout).toContain("unexpected trigger");
    expect(stdout).toContain("the migrations make this too, so it is left");
    expect(code).toBe(2);

    const args = ["repair", "--apply", "--allow-destructive"];
    const repair = await project.drift(args);
    expect(repair.stdout).toContain("DROP INDEX public.z");
    expect(repair.stdout).not.toContain("DROP TRIGGER");
    expect(repair.stdout).not.toContain("DROP FUNCTION");
    expect(repair.stderr).toContain(
      'kept: trigger public."Book".kept: the migrations make this too',
    );
    await expect(execute(database.url, 'DELETE FROM "Book"')).rejects.toThrow("never");
  });

  test("stays where live has another form of it, and so does a setting of a table that they make", async () => {
    const rows = 'ALTER TABLE "Book" ENABLE ROW LEVEL SECURITY;';
    await project.write({
      "prisma/migrations/2_rows/migration.sql": rows,
      "migrations-sql/a.sql": 'CREATE INDEX a ON "Book" (lower(title));',
    });
    await execute(
      database.url,
      `${rows} CREATE INDEX a ON "Book" (lower(title)); ALTER TABLE "Book" DISABLE TRIGGER kept`,
    );
    const { stdout } = await project.drift(["repair", "--apply", "--allow-destructive"]);
    expect(stdout).toStartWith("-- Nothing to repair");
    const { rows: found } = await execute(
      database.url,
      `SELECT relrowsecurity AS rows, (SELECT count(*)::int FROM pg_trigger WHERE tgname = 'kept') AS triggers FROM pg_class WHERE relname = 'Book'`,
    );
    expect(found).toEqual([{ rows: true, triggers: 1 }]);
  });
});

test("without migrations a rule that no file declares is dropped only when that is asked for", async () => {
  await project.write({ "prisma/schema.prisma": datasource() + book });
  await execute(
    database.url,
    `${table}${beyond}INSERT INTO "Book" (title) VALUES ('x'); CREATE INDEX z ON "Book" (title)`,
  );
  const { stdout, code } = await project.drift(["repair", "--apply"]);
  expect(stdout).toContain("\nDROP INDEX public.z;");
  expect(stdout).toContain("\n-- DROP TRIGGER kept");
  expect(stdout).toContain("there are no migrations to ask");
  expect(code).toBe(2);
  await expect(execute(database.url, 'DELETE FROM "Book"')).rejects.toThrow("never");
  expect((await project.drift(["repair", "--apply", "--allow-destructive"])).code).toBe(0);
  await execute(database.url, 'DELETE FROM "Book"');
});

test("`init` leaves a model that has no migration yet, with its numbers, to the next migration", async () => {
  const later = "model Later {\n  id Int @id @default(autoincrement())\n}\n";
  await project.write({
    "prisma/schema.prisma": datasource() + book + later,
    "prisma/migrations/1_init/migration.sql": table + beyond,
  });
  const { code, stdout, stderr } = await project.drift(["init"]);
  expect(stderr).toContain('table public."Later"');
  expect(stdout).toBe("migrations-sql/010_beyond_prisma.sql\n");
  expect(code).toBe(0);
  expect(await project.read("migrations-sql/010_beyond_prisma.sql")).not.toContain("Later");
});

test("`init` writes what is the database's and no table's too, and the first run after it is clean", async () => {
  const wide = `${table}ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO pg_monitor;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watched ON ddl_command_start EXECUTE FUNCTION watch();
CREATE PUBLICATION sent FOR TABLE "Book";
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET statement_timeout = 5000', current_database()); END $$;
`;
  await project.write({
    "prisma/schema.prisma": datasource() + book,
    "prisma/migrations/1_init/migration.sql": wide,
  });
  await execute(database.url, wide);
  const { code, stderr } = await project.drift(["init"]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  for (const args of [["parity"], []]) {
    const { code, stdout } = await project.drift(args);
    expect(stdout).toStartWith("no drift");
    expect(code).toBe(0);
  }
});

test("a folder that only the configuration names is made by the first migration", async () => {
  await project.write({
    "prisma.config.ts":
      'export default { schema: "db/schema.prisma", migrations: { path: "db/steps" } };\n',
    "db/schema.prisma": datasource() + book,
  });
  expect((await project.drift(["parity"])).stderr).toContain("There is no migrations folder");
  const { code, stdout } = await project.drift(["migrate", "--name", "init"]);
  expect(stdout).toMatch(/^db\/steps\/\d+_init\n$/);
  expect(code).toBe(0);
  expect((await project.drift(["parity"])).code).toBe(0);
});

test("a schema that a migration begins is emptied and dropped by its rollback", async () => {
  const schemas = datasource().replace("{", '{\n  schemas = ["public", "shop"]');
  const placed = (model: string) => model.replace(/\}\s*$/, '  @@schema("public")\n}\n');
  const item = 'model Item {\n  id Int @id @default(autoincrement())\n  @@schema("shop")\n}\n';
  await project.write({
    "prisma/schema.prisma": schemas + placed(book) + item,
    "prisma/migrations/1_init/migration.sql": table,
  });
  const { code, stdout } = await project.drift(["migrate", "--name", "add_shop"]);
  expect(code).toBe(0);
  const rollback = await project.read(`${stdout.trim()}/rollback.sql`);
  expect(rollback).toContain('DROP TABLE shop."Item"');
  expect(rollback).toContain("DROP SCHEMA shop");
});
