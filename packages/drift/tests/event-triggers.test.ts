/** Event triggers run on what a repair does, and a trial's role can make none. */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { createDatabase, type TestDatabase } from "../../../tests/support/postgres.ts";
import { createProject, execute, type Project } from "./project.ts";

setDefaultTimeout(60_000);

const schema =
  'datasource db {\n  provider = "postgresql"\n}\nmodel Note {\n  id Int @id\n  text String\n  @@index([text])\n}\n';
const table =
  'CREATE TABLE "Note" ("id" INTEGER NOT NULL, "text" TEXT NOT NULL, CONSTRAINT "Note_pkey" PRIMARY KEY ("id"));';
const watch =
  "CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; END $$;\n";
const trigger = (routine: string) =>
  `CREATE EVENT TRIGGER watching ON ddl_command_end EXECUTE FUNCTION ${routine}();\n`;

let database: TestDatabase;
let project: Project;

beforeEach(async () => {
  database = await createDatabase({ template: false });
  project = await createProject(database.url, { "prisma/schema.prisma": schema });
  await execute(database.url, table);
});
afterEach(async () => {
  await project.remove();
  await database.drop();
});

test("one of a stranger's function is not set off by a repair, though it is ignored", async () => {
  const role = `drift_test_${randomBytes(4).toString("hex")}`;
  await execute(database.url, `CREATE ROLE ${role}; CREATE SCHEMA aside AUTHORIZATION ${role}`);
  await execute(
    database.url,
    `SET ROLE ${role};
     CREATE FUNCTION aside.escalate() RETURNS event_trigger LANGUAGE plpgsql AS $$
       BEGIN ALTER ROLE ${role} SUPERUSER; END $$;
     RESET ROLE; ${trigger("aside.escalate")}`,
  );
  try {
    const { code, stderr } = await project.drift([
      ...["repair", "--apply", "--ignore", "event trigger *"],
    ]);
    expect(stderr).toContain("with the rights of whoever applies it: watching");
    expect(stderr).toContain(`Nothing was run, since it might call`);
    expect(stderr).toContain(`function aside.escalate() of ${role}`);
    expect(code).toBe(1);
    const { rows } = await execute(
      database.url,
      `SELECT rolsuper FROM pg_roles WHERE rolname = '${role}'`,
    );
    expect(rows).toEqual([{ rolsuper: false }]);
  } finally {
    await execute(database.url, `DROP EVENT TRIGGER watching; DROP OWNED BY ${role}`);
    await execute(database.url, `DROP ROLE ${role}`);
  }
});

test("one that is as declared is in no repair's way, and is named before it runs", async () => {
  await project.write({ "migrations-sql/a.sql": watch + trigger("watch") });
  await execute(database.url, watch + trigger("watch"));
  const { code, stdout, stderr } = await project.drift(["repair", "--apply"]);
  expect(stdout).toContain("-- Proved on a copy");
  expect(stderr).toContain("with the rights of whoever applies it: watching\n");
  expect(code).toBe(0);
});

test("one that is not as declared is mended where the login may try it", async () => {
  await project.write({ "migrations-sql/a.sql": watch + trigger("watch") });
  await execute(database.url, watch);
  const missing = await project.drift(["repair", "--apply"]);
  expect(missing.stdout).toContain(
    'permission denied to create event trigger "watching". The role',
  );
  expect(missing.stdout).toContain("--shadow-url names a server for it");
  expect(missing.code).toBe(1);

  await execute(database.url, `${trigger("watch")} ALTER EVENT TRIGGER watching DISABLE`);
  const disabled = await project.drift(["repair", "--apply"]);
  expect(disabled.stdout).toContain("It could not be put into the copy, and so nothing could be ");
  expect(disabled.code).toBe(1);
  expect(disabled.stdout).toContain(
    "event trigger watching (The role of the trial may do little; ",
  );
  const tried = await project.drift(["repair", "--apply", "--shadow-url", database.url]);
  expect(tried.stdout).toContain("ALTER EVENT TRIGGER watching ENABLE");
  expect(tried.code).toBe(0);
});

test("a connection that is lost in Prisma's part is not taken for a file in the wrong folder", async () => {
  const fatal = watch.replace("PERFORM 1", "PERFORM pg_terminate_backend(pg_backend_pid())");
  await project.write({ "migrations-sql/before/a.sql": fatal + trigger("watch") });
  const { code, stderr } = await project.drift();
  expect(stderr).toContain("The connection to ");
  expect(stderr).not.toContain("belongs into a folder");
  expect(code).toBe(1);
});
