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
});
