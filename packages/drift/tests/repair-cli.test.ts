/** `drift repair` as its user meets it: what is printed, what is run, and that nothing is done by halves. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import pg from "pg";
import { createDatabase, type TestDatabase } from "../../../tests/support/postgres.ts";
import { inReadTransaction } from "../src/catalog/catalog.ts";
import { readObjects } from "../src/catalog/objects.ts";
import { holdStill } from "../src/repair/hold-still.ts";
import { createProject, execute, type Project } from "./project.ts";

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
const written =
  "ALTER TABLE users ADD CONSTRAINT users_email_lower CHECK (email = lower(email));\nCREATE VIEW mails AS SELECT email FROM users;\n";

let database: TestDatabase;
let project: Project;

beforeEach(async () => {
  database = await createDatabase({ template: false });
  await execute(database.url, usersTable + written);
  project = await createProject(database.url, {
    "prisma/schema.prisma": schema,
    "migrations-sql/users.sql": written,
  });
});

afterEach(async () => {
  await project.remove();
  await database.drop();
});

const repair = (...args: string[]) => project.drift(["repair", ...args]);
const live = (sql: string) => execute(database.url, sql);
const columns = async () =>
  (
    await live(
      "SELECT attname AS name FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY 1",
    )
  ).rows.map(({ name }) => name);

test("nothing to repair: exit 0", async () => {
  const { code, stdout } = await repair();
  expect(stdout).toBe("-- Nothing to repair.\n");
  expect(code).toBe(0);
});

test("the SQL is printed with its reasons and proved, and the database is left alone", async () => {
  await live("ALTER TABLE users DROP CONSTRAINT users_email_lower");
  const { code, stdout } = await repair();
  expect(stdout).toBe(`-- Proved on a copy of the schema with invented rows.

BEGIN;

SET LOCAL search_path = '';
SET LOCAL check_function_bodies = off;
SET LOCAL row_security = off;
SET LOCAL TimeZone = 'UTC';

-- missing constraint public.users.users_email_lower
ALTER TABLE public.users ADD CONSTRAINT users_email_lower CHECK (((email)::text = lower((email)::text)));

COMMIT;
`);
  expect(code).toBe(2);
  expect((await project.drift()).code).toBe(2);
});

test("what is printed can be run as it is", async () => {
  await live(
    "ALTER TABLE users DROP CONSTRAINT users_email_lower; DROP VIEW mails; CREATE INDEX extra ON users (email)",
  );
  await live((await repair()).stdout);
  expect((await project.drift()).code).toBe(0);
});

test("--format sql of the plain check prints the same", async () => {
  await live("DROP VIEW mails");
  const [plain, command] = [await project.drift(["--format", "sql"]), await repair()];
  expect(plain).toEqual(command);
  expect(plain.stdout).toContain("CREATE VIEW public.mails");
});

test("--apply shows it, runs it and checks again", async () => {
  await live("ALTER TABLE users DROP CONSTRAINT users_email_lower; DROP VIEW mails");
  const { code, stdout, stderr } = await repair("--apply");
  expect(stdout).toContain("CREATE VIEW public.mails");
  expect(stderr).toContain("no drift");
  expect(code).toBe(0);
  expect((await project.drift()).code).toBe(0);
});

test("what destroys data stays in comments, and is not run, until it is allowed", async () => {
  await live("ALTER TABLE users ADD extra text; DROP VIEW mails");
  const { code, stdout } = await repair("--apply");
  expect(stdout).toContain(
    "-- unexpected column public.users.extra (DESTRUCTIVE: drops the column with its data)\n-- ALTER TABLE public.users DROP COLUMN extra;",
  );
  expect(code).toBe(2);
  expect(await columns()).toContain("extra");
  expect((await live("SELECT to_regclass('mails') AS view")).rows[0].view).not.toBeNull();

  const allowed = await repair("--apply", "--allow-destructive");
  expect(allowed.stdout).toContain("\nALTER TABLE public.users DROP COLUMN extra;");
  expect(allowed.code).toBe(0);
  expect(await columns()).toEqual(["email", "id"]);
});

test("a type that rewrites the table is destructive; the view on it is made again", async () => {
  await live(
    "DROP VIEW mails; ALTER TABLE users ALTER email TYPE varchar(200); CREATE VIEW mails AS SELECT email FROM users",
  );
  const { stdout } = await repair();
  expect(stdout).toContain(
    "-- ALTER TABLE public.users ALTER COLUMN email TYPE character varying(120)",
  );
  expect((await repair("--apply", "--allow-destructive")).code).toBe(0);
  expect((await project.drift()).code).toBe(0);
});

test("when rows refuse a statement, all of it is rolled back", async () => {
  await live(
    "ALTER TABLE users DROP CONSTRAINT users_email_lower; DROP VIEW mails; INSERT INTO users VALUES (1, 'A@B')",
  );
  const { code, stderr } = await repair("--apply");
  expect(stderr).toContain("The repair was rolled back, and the database is as it was.");
  expect(stderr).toContain('check constraint "users_email_lower"');
  expect(code).toBe(1);
  expect((await live("SELECT to_regclass('mails') AS view")).rows[0].view).toBeNull();
});

test("what is ignored is neither repaired nor in the way", async () => {
  await live("CREATE TABLE legacy (id integer); CREATE INDEX extra ON users (email)");
  const { stdout } = await repair("--ignore", "table public.legacy");
  expect(stdout).toContain("DROP INDEX public.extra;");
  expect(stdout).not.toContain("legacy");
});

test("no scratch database is left behind", async () => {
  await live("DROP VIEW mails");
  await repair("--apply");
  const { rows } = await live(
    "SELECT datname AS name FROM pg_database WHERE datname LIKE 'drift_scratch_%' AND datname NOT IN (SELECT datname FROM pg_stat_activity WHERE datname IS NOT NULL)",
  );
  // Other checks on this server have theirs, which are soon gone; what was left behind stays.
  const names = rows.map(({ name }) => `'${name}'`).join();
  const left = async () =>
    names === "" ? [] : (await live(`SELECT FROM pg_database WHERE datname IN (${names})`)).rows;
  for (let tries = 0; tries < 300 && (await left()).length > 0; tries++) await Bun.sleep(100);
  expect(await left()).toEqual([]);
});

test("what cannot be copied is said, and nothing that was not proved is run", async () => {
  await live(
    "CREATE OPERATOR CLASS odd FOR TYPE integer USING btree AS OPERATOR 1 <, FUNCTION 1 btint4cmp(integer, integer)",
  );
  const { code, stdout, stderr } = await repair("--apply");
  expect(stdout).toStartWith("-- Not proved: not all of the live schema could be copied: ");
  expect(stdout).toContain("operator family public.odd");
  expect(stderr).toContain("Nothing was run, since not all of it was proved");
  expect(stderr).toContain("name a server for the trial with --shadow-url");
  expect(code).toBe(1);
  expect((await project.drift()).code).toBe(2);
});

test("what no statement mends is named, and the rest waits until that is mended or left out", async () => {
  await live(
    "CREATE CONVERSION odd FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8; DROP VIEW mails",
  );
  const { code, stdout, stderr } = await repair("--apply");
  expect(stdout).toContain("-- Not proved");
  expect(stdout).toContain("-- unexpected conversion public.odd: no statement helps.");
  expect(stderr).toContain("Nothing was run");
  expect(code).toBe(1);
  expect((await live("SELECT to_regclass('mails') AS view")).rows[0].view).toBeNull();

  expect((await repair("--apply", "--ignore", "conversion public.odd")).code).toBe(0);
  expect((await live("SELECT to_regclass('mails') AS view")).rows[0].view).not.toBeNull();
});

test("a finding that is allowed is let be", async () => {
  await live("CREATE INDEX extra ON users (email)");
  const allow = ["allow", "index public.extra", "--until", "2999-01-01", "--reason", "for a while"];
  const { stdout: line } = await project.drift(allow);
  await project.write({ "migrations-sql/drift.allow": line });
  expect((await repair()).stdout).toBe("-- Nothing to repair.\n");
});

test("what only shows the type of a column is mended with that, and by no statement of its own", async () => {
  await live("DROP VIEW mails; ALTER TABLE users ALTER email TYPE text");
  const { code, stdout } = await repair("--apply", "--allow-destructive");
  expect(stdout).not.toContain("CONSTRAINT");
  expect(stdout.match(/ALTER TABLE/g)).toHaveLength(1);
  expect(code).toBe(0);
});

test("the log of a runner takes no command out of a name, and a file has the name as it is", async () => {
  await live('CREATE INDEX "x\n::error::y" ON users (email)');
  const { stdout } = await project.drift(["repair"], { CI: "true" });
  expect(stdout).toContain("\\u003a:error::y");
  await project.drift(["repair", "--output", "repair.sql"], { CI: "true" });
  expect(await project.read("repair.sql")).toContain('DROP INDEX public."x\n::error::y";');
});

test("what was planned is not run on another schema", async () => {
  const scope = { schemas: ["public"], owners: false, grants: true };
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const reader = (one: pg.Client) => readObjects(one, scope);
  const actual = await inReadTransaction(client, () => reader(client));
  const step = { reason: "", key: "column public.users.email", mends: "", sql: [], destroys: null };
  const hold = () => holdStill(client, [step], { actual, expected: [], reader });
  try {
    await client.query("BEGIN");
    await hold();
    // Others may write meanwhile, and change nothing of the table.
    await live("INSERT INTO users VALUES (1, 'a')");
    await expect(live("SET lock_timeout = '50ms'; ALTER TABLE users ADD n int")).rejects.toThrow(
      "lock timeout",
    );
    await client.query("ROLLBACK");
    await live("ALTER TABLE users ADD n int");
    await client.query("BEGIN");
    await expect(hold()).rejects.toThrow(
      "somebody has changed the schema meanwhile: column public.users.n",
    );
  } finally {
    await client.end();
  }
});
