/** The check as its user meets it: exit codes, what is printed and where, and nothing left behind. */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { createDatabase, type TestDatabase } from "../../../tests/support/postgres.ts";
import { createProject, execute, historyRow, historyTable, type Project } from "./project.ts";

const schema = `
datasource db {
  provider = "postgresql"
}

model User {
  id    Int    @id
  email String @db.VarChar(120)

  @@map("users")
}
`;
const usersTable =
  'CREATE TABLE "users" ("id" INTEGER NOT NULL, "email" VARCHAR(120) NOT NULL, CONSTRAINT "users_pkey" PRIMARY KEY ("id"));';
const emailCheck =
  "ALTER TABLE users ADD CONSTRAINT users_email_lower CHECK (email = lower(email));\n";
const emailIndex = "CREATE INDEX users_example ON users (id) WHERE email LIKE '%@example.com';\n";

setDefaultTimeout(60_000);

/** How many there are is the business of the kinds. */
const counted = (text: string) => text.replace(/\d+ objects/, "N objects");

let database: TestDatabase;
let project: Project;

beforeEach(async () => {
  database = await createDatabase({ template: false });
  await execute(
    database.url,
    `${usersTable} ${emailCheck} ${historyTable} ${historyRow("1_users", { sql: usersTable + emailCheck })}`,
  );
  project = await createProject(database.url, {
    "prisma/schema.prisma": schema,
    "prisma/migrations/1_users/migration.sql": usersTable + emailCheck,
    "migrations-sql/users.sql": emailCheck,
  });
});

afterEach(async () => {
  await project.remove();
  await database.drop();
});

test("a database that is what the project declares: exit 0, and nothing on stderr", async () => {
  const { code, stdout, stderr } = await project.drift();
  expect(stderr).toBe("");
  expect(counted(stdout)).toBe(
    `no drift: N objects of the declared schema compared with ${database.name}\n`,
  );
  expect(code).toBe(0);
});

test("drift: exit 2, with what, where it is declared and both definitions", async () => {
  await execute(
    database.url,
    "ALTER TABLE users DROP CONSTRAINT users_email_lower, ALTER email TYPE varchar(80)",
  );
  const { code, stdout } = await project.drift();
  expect(counted(stdout)).toBe(`critical: missing constraint public.users.users_email_lower
  --> migrations-sql/users.sql:1
  expected  CHECK (((email)::text = lower((email)::text)))
  repair    ALTER TABLE public.users ADD CONSTRAINT users_email_lower CHECK (((email)::text = lower((email)::text)));

major: changed column public.users.email
  --> prisma/schema.prisma:8
  expected  character varying(120) NOT NULL
                              ^^^
  actual    character varying(80) NOT NULL
                              ^^
  repair    ALTER TABLE public.users ALTER COLUMN email TYPE character varying(120) USING email::character varying(120);

repair: proved on a copy of the schema with invented rows

drift: 1 missing, 1 changed; N objects of the declared schema compared with ${database.name}
`);
  expect(code).toBe(2);
});

test("--format json has one stable shape", async () => {
  await execute(database.url, "CREATE INDEX extra ON users (email)");
  const { code, stdout } = await project.drift(["--format", "json"]);
  expect(JSON.parse(stdout)).toEqual({
    version: 1,
    database: database.name,
    expected: "declared",
    drift: true,
    objects: expect.any(Number),
    allowed: [],
    staleExceptions: [],
    pending: [],
    faults: [],
    warnings: [],
    notes: [],
    repair: { proved: true, doubt: null },
    findings: [
      {
        change: "unexpected",
        severity: "minor",
        kind: "index",
        schema: "public",
        name: "extra",
        parent: "table public.users",
        expected: null,
        actual: "CREATE INDEX extra ON public.users USING btree (email)",
        declaredIn: null,
        line: null,
        repair: ["DROP INDEX public.extra"],
        destroys: null,
        unrepaired: null,
      },
    ],
  });
  expect(code).toBe(2);
});

test("a pending migration is reported and is no drift; with --strict it is", async () => {
  await project.write({
    "prisma/migrations/2_index/migration.sql": emailIndex,
    "migrations-sql/users.sql": emailCheck + emailIndex,
  });
  const relaxed = await project.drift();
  expect(relaxed.stdout).toContain("pending: 1 migration not applied yet");
  expect(relaxed.stdout).toContain("2_index");
  expect(relaxed.code).toBe(0);

  const strict = await project.drift(["--strict"]);
  expect(strict.stdout).toContain("missing index public.users_example");
  expect(strict.code).toBe(2);
});

test("drift is found while a migration is pending", async () => {
  await project.write({ "prisma/migrations/2_index/migration.sql": emailIndex });
  await execute(database.url, "ALTER TABLE users DROP CONSTRAINT users_email_lower");
  const { code, stdout } = await project.drift();
  expect(stdout).toContain(
    "missing constraint public.users.users_email_lower\n  --> prisma/migrations/1_users/migration.sql:1",
  );
  expect(counted(stdout)).toContain("N objects of the applied migrations");
  expect(code).toBe(2);
});

test("an empty database is one where everything is pending", async () => {
  const empty = await createDatabase({ template: false });
  try {
    const { code, stdout } = await project.drift(["--database-url", empty.url]);
    expect(stdout).toContain("pending: 1 migration");
    expect(code).toBe(0);
  } finally {
    await empty.drop();
  }
});

test("a database that Prisma has not migrated is compared with the declared schema", async () => {
  await execute(database.url, "DROP TABLE _prisma_migrations");
  const { code, stdout, stderr } = await project.drift();
  expect(stderr).toContain("no _prisma_migrations table");
  expect(stdout).toStartWith("no drift");
  expect(code).toBe(0);
});

test("faults of the history are explained, fail the check with --strict, and are not drift else", async () => {
  const gone = historyRow("0_gone");
  const failed = historyRow("2_failed", { outcome: "failed" });
  await execute(database.url, gone + failed);
  const { code, stdout } = await project.drift();
  expect(stdout).toContain("history: 0_gone (missing): it is applied, but its folder is gone");
  expect(stdout).toContain("\n  npx prisma migrate resolve --rolled-back 2_failed ");
  expect(code).toBe(0);
  expect((await project.drift(["--strict"])).code).toBe(2);

  await execute(database.url, "DELETE FROM _prisma_migrations WHERE migration_name <> '1_users'");
  await project.write({
    "prisma/migrations/1_users/migration.sql": `${usersTable}${emailCheck}-- x`,
  });
  const edited = await project.drift(["--format", "json"]);
  expect(JSON.parse(edited.stdout).faults).toEqual([
    expect.objectContaining({ migration: "1_users", fault: "edited" }),
  ]);
});

test("only the schemas that are named are compared", async () => {
  await execute(database.url, "CREATE SCHEMA other; CREATE TABLE other.things (id integer)");
  expect((await project.drift()).code).toBe(0);
  expect((await project.drift(["--schemas", "public,other"])).stdout).toContain(
    "unexpected schema other",
  );
});

test("without --schemas those of the Prisma schema are compared", async () => {
  const lists = schema
    .replace('provider = "postgresql"', 'provider = "postgresql"\n  schemas = ["public", "other"]')
    .replace('@@map("users")', '@@map("users")\n  @@schema("public")');
  await project.write({ "prisma/schema.prisma": lists });
  await execute(database.url, "CREATE SCHEMA other; CREATE TABLE other.things (id integer)");
  expect((await project.drift()).stdout).toContain("unexpected schema other");
});

test("names without a schema mean the one in the URL, as for Prisma", async () => {
  const elsewhere = await createDatabase({ template: false });
  try {
    await execute(
      elsewhere.url,
      `CREATE SCHEMA app; SET search_path = app; ${usersTable} ${emailCheck}`,
    );
    const { code, stdout } = await project.drift(["--database-url", `${elsewhere.url}?schema=app`]);
    expect(stdout).toStartWith("no drift: ");
    expect(code).toBe(0);
  } finally {
    await elsewhere.drop();
  }
});

test("the Prisma schema may be a folder of files", async () => {
  const model = schema.indexOf("model");
  await project.write({
    "models/base.prisma": schema.slice(0, model),
    "models/people/user.prisma": schema.slice(model),
  });
  expect((await project.drift(["--schema", "models"])).stdout).toStartWith("no drift: ");
});

test("what one script sets does not reach the next", async () => {
  await project.write({
    "migrations-sql/a.sql": "SELECT set_config('search_path', '', false); SET ROLE NONE;",
    "migrations-sql/users.sql": emailCheck,
  });
  expect((await project.drift()).code).toBe(0);
});
