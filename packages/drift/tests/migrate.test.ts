/** From editing the files to a migration that is proved: what is written, what is refused, and what is called dangerous. */
import { describe, expect, test } from "bun:test";
import { createProject } from "./project.ts";
import { datasource, emailCheck, users, usersProject, usersTable } from "./users-project.ts";

const { database, project, migrate, written } = usersProject();

test("a column of the Prisma schema and a view of the SQL files become one migration, and parity is 0", async () => {
  await project.write({
    "prisma/schema.prisma": datasource + users("  phone String?"),
    "migrations-sql/views.sql":
      "CREATE VIEW phones AS SELECT id, phone FROM users WHERE phone IS NOT NULL;",
  });
  const { code, stdout, stderr } = await migrate("add_users_phone");
  expect(stderr).toStartWith("Proved by replay");
  expect(code).toBe(0);
  const { folder, migration, rollback } = await written(stdout);
  expect(folder).toMatch(/^prisma\/migrations\/\d{14}_add_users_phone$/);
  expect(migration).toStartWith('-- AlterTable\nALTER TABLE "users" ADD COLUMN     "phone" TEXT;');
  expect(migration).toContain("-- Add view public.phones\nCREATE VIEW public.phones AS");
  expect(rollback).toContain("DROP VIEW public.phones;");
  expect(rollback).toContain("ALTER TABLE public.users DROP COLUMN phone;");
  expect((await project.drift(["parity"])).code).toBe(0);
});

test("what hand-written SQL owns is left alone by Prisma's part", async () => {
  const byHand =
    "CREATE INDEX users_by_mail ON users (email); CREATE TABLE logins (id integer); ALTER TABLE users ALTER email SET DEFAULT '';\n";
  await project.write({
    "prisma/schema.prisma": datasource + users("  phone String?"),
    "prisma/migrations/20200101000000_create_users/migration.sql": usersTable + emailCheck + byHand,
    "migrations-sql/users.sql": emailCheck + byHand,
  });
  const { stdout } = await migrate("add_users_phone");
  const { migration } = await written(stdout);
  expect(migration.trim()).toBe('-- AlterTable\nALTER TABLE "users" ADD COLUMN     "phone" TEXT;');
});

test("a function, its trigger and what replaces an older one come in an order that applies", async () => {
  const touch = (body: string) =>
    `CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} RETURN NEW; END $$;\n`;
  await project.write({
    "prisma/migrations/20200101000000_create_users/migration.sql":
      usersTable + emailCheck + touch(""),
    "migrations-sql/z.sql": `${touch("NEW.email = lower(NEW.email);")} CREATE TRIGGER a BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();`,
  });
  const { stdout, code } = await migrate("add_touch_trigger");
  expect(code).toBe(0);
  const { migration } = await written(stdout);
  expect(migration).toContain("CREATE OR REPLACE FUNCTION public.touch()");
  expect(migration.indexOf("FUNCTION public.touch()")).toBeLessThan(
    migration.indexOf("CREATE TRIGGER"),
  );
});

test("a label that a new index uses at once: the migration is one that applies", async () => {
  const role = (labels: string) => `enum Role {\n  ${labels.replaceAll(" ", "\n  ")}\n}\n`;
  const model = users("  role Role @default(member)");
  const before = `CREATE TYPE "Role" AS ENUM ('member', 'owner');\n${usersTable}ALTER TABLE users ADD "role" "Role" NOT NULL DEFAULT 'member';\n`;
  await project.write({
    "prisma/schema.prisma": datasource + role("member owner admin") + model,
    "prisma/migrations/20200101000000_create_users/migration.sql": before + emailCheck,
    "migrations-sql/users.sql": `${emailCheck}CREATE INDEX users_admins ON users (id) WHERE role = 'admin';`,
  });
  const { code, stderr } = await migrate("add_admin_role", "--allow-dangerous");
  expect(stderr).toContain("builds index public.users_admins");
  expect(code).toBe(0);
  expect((await project.drift(["parity"])).code).toBe(0);
});

test("nothing to write: exit 0, and nothing is", async () => {
  const { code, stdout, stderr } = await migrate("add_users_phone");
  expect(stdout).toBe("");
  expect(stderr).toContain("there is nothing to write");
  expect(code).toBe(0);
});

test("rows that the files insert are warned of, since they are not carried over", async () => {
  await project.write({ "migrations-sql/z.sql": "INSERT INTO users VALUES (1, 'a'), (2, 'b');" });
  const { stderr } = await migrate("add_first_users");
  expect(stderr).toContain(
    "public.users has 2 rows as the files declare it and 0 after the migrations",
  );
});

test("any name that can be a folder's is taken, such as Prisma's own init", async () => {
  await project.write({ "prisma/schema.prisma": datasource + users("  phone String?\n") });
  for (const name of ["../up", "a b", "\u001b[31m"]) {
    const { code, stderr } = await migrate(name);
    expect(stderr).toContain("cannot be that of a folder");
    expect(stderr).not.toContain("\u001b");
    expect(code).toBe(1);
  }
  const { code, stdout } = await migrate("init");
  expect(stdout).toMatch(/_init\n$/);
  expect(code).toBe(0);
});

describe("with --strict-names a name is refused", () => {
  for (const name of [
    "",
    "update",
    "migration1",
    "fix",
    "test",
    "update_2",
    "AddPhone",
    "add-phone",
    "phone",
  ]) {
    test(JSON.stringify(name), async () => {
      const { code, stderr } = await migrate(name, "--strict-names");
      expect(stderr).toMatch(/name/);
      expect(stderr).toContain("add_users_phone");
      expect(code).toBe(1);
    });
  }
});

describe("a dangerous step is called out, and nothing is written without --allow-dangerous", () => {
  const cases: Record<string, { files: Record<string, string>; says: string[] }> = {
    "a rename that would drop and add a column": {
      files: {
        "prisma/schema.prisma": datasource + users("  phone String?").replace("email String", ""),
        "migrations-sql/users.sql": "",
      },
      says: ["drops column public.users.email with its data"],
    },
    "a column of the same type in place of another": {
      files: {
        "prisma/schema.prisma": datasource + users().replace("email", "mail"),
        "migrations-sql/users.sql": "",
      },
      says: ["ALTER TABLE public.users RENAME email TO mail;", "NOT NULL and without a default"],
    },
    "NOT NULL without a default on a table that is there": {
      files: { "prisma/schema.prisma": datasource + users("  phone String") },
      says: ["adds column public.users.phone, NOT NULL and without a default"],
    },
    "a table of the same columns in place of another": {
      files: {
        "prisma/schema.prisma": datasource + users().replace('"users"', '"people"'),
        "migrations-sql/users.sql": "",
      },
      says: ["drops table public.users", "ALTER TABLE public.users RENAME TO people;"],
    },
    "a CHECK that scans the table": {
      files: {
        "migrations-sql/z.sql":
          "ALTER TABLE users ADD CONSTRAINT email_at CHECK (email LIKE '%@%');",
      },
      says: [
        "adds constraint email_at on public.users",
        "NOT VALID",
        "VALIDATE CONSTRAINT email_at",
      ],
    },
    "an index that locks writes": {
      files: { "migrations-sql/z.sql": "CREATE INDEX users_email ON users (email) WHERE id > 0;" },
      says: [
        "builds index public.users_email",
        "CREATE INDEX CONCURRENTLY users_email ON public.users",
      ],
    },
  };
  for (const [name, { files, says }] of Object.entries(cases)) {
    test(name, async () => {
      await project.write(files);
      const { code, stdout, stderr } = await migrate("change_users_shape");
      for (const text of says) expect(stderr).toContain(text);
      expect(stderr).toContain("Nothing was written");
      expect(stdout).toBe("");
      expect(code).toBe(1);

      const allowed = await migrate("change_users_shape", "--allow-dangerous");
      expect(allowed.code).toBe(0);
      expect((await project.drift(["parity"])).code).toBe(0);
    });
  }
});

test("what comes with a new table is not dangerous", async () => {
  await project.write({
    "migrations-sql/z.sql":
      "CREATE TABLE logins (id integer PRIMARY KEY, at date NOT NULL CHECK (at > '2020-01-01')); CREATE INDEX ON logins (at);",
  });
  const { code, stderr } = await migrate("create_logins");
  expect(stderr).not.toContain("danger");
  expect(code).toBe(0);
});

test("the first migration of a project", async () => {
  const empty = await createProject(database.url, {
    "prisma/schema.prisma": datasource + users(),
    "migrations-sql/users.sql": emailCheck,
  });
  try {
    const { code } = await empty.drift(["migrate", "--name", "create_users"]);
    expect(code).toBe(0);
    expect((await empty.drift(["parity"])).code).toBe(0);
  } finally {
    await empty.remove();
  }
});

test("what cannot be proved is not written", async () => {
  await project.write({
    "migrations-sql/z.sql":
      "CREATE FOREIGN DATA WRAPPER wire; CREATE SERVER far FOREIGN DATA WRAPPER wire OPTIONS (password 'hidden');",
  });
  const { code, stdout, stderr } = await migrate("add_far_server");
  expect(stderr).toContain("No migration was found that is proved by replay. Nothing was written.");
  expect(stderr).toContain("missing foreign server far");
  expect(stderr).not.toContain("hidden'");
  expect(stdout).toBe("");
  expect(code).toBe(1);
});
