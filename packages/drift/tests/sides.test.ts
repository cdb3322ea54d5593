/** Declared, history, snapshot and live: each pair that can be compared, with what little each needs. */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { createDatabase, type TestDatabase } from "../../../tests/support/postgres.ts";
import { createProject, execute, historyRow, historyTable, type Project } from "./project.ts";

setDefaultTimeout(60_000);

const schema = `datasource db {
  provider = "postgresql"
}

model User {
  id    Int    @id
  email String

  @@map("users")
}
`;
const usersTable =
  'CREATE TABLE "users" ("id" INTEGER NOT NULL, "email" TEXT NOT NULL, CONSTRAINT "users_pkey" PRIMARY KEY ("id"));\n';
const emailCheck =
  "ALTER TABLE users\n  ADD CONSTRAINT users_email_lower CHECK (email = lower(email));\n";
const nameCheck =
  "ALTER TABLE users ADD CONSTRAINT users_email_short CHECK (length(email) < 99);\n";
const SNAPSHOT = "migrations-sql/drift.snapshot.json";

let database: TestDatabase;
let project: Project;

beforeEach(async () => {
  database = await createDatabase({ template: false });
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

/** Makes the database what the migrations say. */
async function deploy(): Promise<void> {
  const applied = historyRow("1_users", { sql: usersTable + emailCheck });
  await execute(database.url, `${usersTable} ${emailCheck} ${historyTable} ${applied}`);
}

test("parity needs a server and no live database: --shadow-url is enough", async () => {
  const args = ["parity", "--shadow-url", database.url];
  const { code, stdout, stderr } = await project.drift(args, { DATABASE_URL: "" });
  expect(stderr).toBe("");
  expect(stdout).toMatch(
    /^no drift: \d+ objects of the declared schema compared with the migration history\n$/,
  );
  expect(code).toBe(0);
});

test("parity tells what the migrations lack and what only they make, each with its file and line", async () => {
  await project.write({
    "migrations-sql/users.sql": `-- users_email_short keeps addresses short\n${nameCheck}`,
  });
  const { code, stdout } = await project.drift(["parity"]);
  expect(stdout).toContain(
    "critical: missing constraint public.users.users_email_short\n  --> migrations-sql/users.sql:2\n",
  );
  expect(stdout).toContain(
    "major: unexpected constraint public.users.users_email_lower\n  --> prisma/migrations/1_users/migration.sql:3\n",
  );
  expect(code).toBe(2);
});

test("the snapshot has one object a line, in one order, and is the same whenever it is written", async () => {
  const first = await project.drift(["snapshot"]);
  expect(first.stderr).toContain(`Wrote ${SNAPSHOT}.`);
  const text = await project.read(SNAPSHOT);
  const { version, fingerprint, scope, objects } = JSON.parse(text);
  expect(version).toBe(1);
  expect(scope).toEqual({ schemas: ["public"], owners: false, grants: true });
  expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
  expect(text.split("\n").filter((line) => line.startsWith('{"kind":'))).toHaveLength(
    objects.length,
  );
  expect(text).toContain(
    '{"kind":"constraint","schema":"public","name":"users.users_email_lower","parent":"table public.users","definition":"CHECK ((email = lower(email)))","declaredIn":"migrations-sql/users.sql"},\n',
  );
  await project.drift(["snapshot"]);
  expect(await project.read(SNAPSHOT)).toBe(text);

  const check = await project.drift(["snapshot", "--check"]);
  expect([check.code, check.stderr]).toEqual([0, ""]);
  expect(check.stdout).toEndWith(`compared with ${SNAPSHOT}\n`);

  await project.write({ "migrations-sql/users.sql": nameCheck });
  const stale = await project.drift(["snapshot", "--check"]);
  expect(stale.stdout).toContain("missing constraint public.users.users_email_short");
  expect(stale.stdout).toContain("unexpected constraint public.users.users_email_lower");
  expect(stale.stderr).toContain("tenantry-drift snapshot");
  expect(stale.code).toBe(2);
});

test("a snapshot whose objects are right and whose files have moved is stale too", async () => {
  await project.drift(["snapshot"]);
  await project.write({ "migrations-sql/users.sql": "", "migrations-sql/zz.sql": emailCheck });
  const { code, stderr } = await project.drift(["snapshot", "--check"]);
  expect(stderr).toContain("tenantry-drift snapshot");
  expect(code).toBe(2);
});

test("--snapshot needs a login that may read, and no scratch database", async () => {
  await deploy();
  await project.drift(["snapshot"]);
  const role = `drift_test_${randomBytes(6).toString("hex")}`;
  await execute(
    database.url,
    `CREATE ROLE ${role} LOGIN PASSWORD 'p'; GRANT SELECT ON _prisma_migrations TO ${role}`,
  );
  const url = new URL(database.url);
  url.username = role;
  url.password = "p";
  const args = ["--snapshot", "--database-url", url.href];
  try {
    const same = await project.drift(args);
    expect(same.stderr).toBe("");
    expect(same.stdout).toMatch(/^no drift: \d+ objects of the snapshot compared with/);
    expect(same.code).toBe(0);

    await execute(
      database.url,
      `ALTER TABLE users DROP CONSTRAINT users_email_lower; REVOKE SELECT ON _prisma_migrations FROM ${role}`,
    );
    const drifted = await project.drift(args);
    expect(drifted.stdout).toContain(
      "critical: missing constraint public.users.users_email_lower\n  --> migrations-sql/users.sql:2\n",
    );
    expect(drifted.stderr).toContain("GRANT SELECT ON _prisma_migrations");
    expect(drifted.code).toBe(2);
  } finally {
    await execute(database.url, `DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});

test("a snapshot cannot be compared while migrations are pending, unless those are drift", async () => {
  await deploy();
  await project.drift(["snapshot"]);
  await project.write({ "prisma/migrations/2_more/migration.sql": nameCheck });
  const { code, stderr, stdout } = await project.drift(["--snapshot"]);
  expect(stderr).toContain("1 of them are pending, such as 2_more");
  expect([code, stdout]).toEqual([1, ""]);
  expect((await project.drift(["--snapshot", "--strict"])).code).toBe(2);
});

test("a snapshot that is absent, corrupt, of another version or of other schemas is refused", async () => {
  const absent = await project.drift(["--snapshot"]);
  expect(absent.stderr).toContain(`There is no snapshot ${SNAPSHOT}`);
  expect(absent.code).toBe(1);

  await project.drift(["snapshot"]);
  const text = await project.read(SNAPSHOT);
  const refusals = [
    [text.slice(0, -20), "is corrupt"],
    [text.replace("users_email_lower", "users_email_upper"), "is corrupt: its objects"],
    [text.replace('"version": 1', '"version": 7'), "has the format version 7"],
    ["[]", "is corrupt"],
    ["null", "is corrupt"],
  ] as const;
  for (const [content, message] of refusals) {
    await project.write({ [SNAPSHOT]: content });
    const { code, stderr } = await project.drift(["--snapshot"]);
    expect(stderr).toContain(`The snapshot ${SNAPSHOT} ${message}`);
    expect(code).toBe(1);
  }
  await project.write({ [SNAPSHOT]: text });
  expect((await project.drift(["--snapshot", "--schemas", "auth"])).stderr).toContain(
    'is of {"schemas":["public"],"owners":false,"grants":true}, and the check is of {"schemas":["auth"]',
  );
});

test("scratch databases are made beside the shadow database, and none by the user of the live one", async () => {
  await deploy();
  const role = `drift_test_${randomBytes(6).toString("hex")}`;
  await execute(
    database.url,
    `CREATE ROLE ${role} LOGIN PASSWORD 'p'; GRANT SELECT ON _prisma_migrations TO ${role}`,
  );
  const url = new URL(database.url);
  url.username = role;
  url.password = "p";
  try {
    const { code, stderr } = await project.drift([
      ...["--database-url", url.href, "--shadow-url", database.url],
    ]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
  } finally {
    await execute(database.url, `DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});

test("a project without migrations or hand-written SQL is told so, and works", async () => {
  await project.write({ "bare/prisma/schema.prisma": schema });
  await execute(database.url, usersTable);
  const bare = project.at("bare");
  const { code, stdout, stderr } = await bare.drift();
  expect(stderr).toContain("no migrations-sql folder");
  expect(stderr).toContain("no prisma/migrations folder");
  expect(stdout).toStartWith("no drift");
  expect(code).toBe(0);
  expect((await bare.drift(["snapshot"])).code).toBe(0);
  expect((await bare.drift(["--snapshot"])).code).toBe(0);
  expect((await bare.drift(["parity"])).stderr).toContain("Name it with --migrations");
});
