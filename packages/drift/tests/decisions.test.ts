/** What a team decides: what is left out, what is allowed and until when, what counts, and where it is shown. */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { createDatabase, type TestDatabase } from "../../../tests/support/postgres.ts";
import { createProject, execute, type Project } from "./project.ts";

setDefaultTimeout(60_000);

const usersTable = "CREATE TABLE users (id integer PRIMARY KEY, email text NOT NULL);\n";
const ALLOW = "migrations-sql/drift.allow";

let database: TestDatabase;
let project: Project;

beforeEach(async () => {
  database = await createDatabase({ template: false });
  await execute(database.url, usersTable);
  project = await createProject(database.url, {
    "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n}\n',
    "migrations-sql/users.sql": usersTable,
  });
});

afterEach(async () => {
  await project.remove();
  await database.drop();
});

test("patterns leave objects out, with all that belongs to them, on both sides", async () => {
  await execute(
    database.url,
    "CREATE TABLE legacy_a (id integer PRIMARY KEY); CREATE INDEX tmp1 ON users (email); CREATE INDEX kept ON users (email)",
  );
  await project.write({
    "migrations-sql/drift.ignore":
      "# Until the old reports are gone\n\ntable public.legacy_* # belongs to the reports\n",
    "migrations-sql/users.sql": `${usersTable}CREATE TABLE legacy_b ();`,
  });
  const { code, stdout } = await project.drift(["--ignore", "index *.tmp?"]);
  expect(stdout).toStartWith("minor: unexpected index public.kept\n");
  expect(stdout).toContain("drift: 1 unexpected;");
  expect(code).toBe(2);
  const all = await project.drift(["--ignore", "index *.tmp?", "--ignore", "*kept"]);
  expect(all.code).toBe(0);
});

test("a pattern of the file without a reason is refused, with its line", async () => {
  await project.write({ "migrations-sql/drift.ignore": "# reasons\ntable public.legacy_*\n" });
  const { code, stderr } = await project.drift();
  expect(stderr).toContain("migrations-sql/drift.ignore:2: a pattern needs a reason");
  expect(code).toBe(1);
});

test("an exception allows one difference as it is now; when the object changes, it is found again", async () => {
  await execute(
    database.url,
    "CREATE INDEX extra ON users (email); ALTER TABLE users ALTER email DROP NOT NULL",
  );
  const line = (key: string) =>
    project.drift(["allow", key, "--until", "2999-12-31", "--reason", "until the import is done"]);
  const index = await line("index public.extra");
  expect(index.stdout).toMatch(
    /^index public\.extra @ [0-9a-f]{16} until 2999-12-31: until the import is done\n$/,
  );
  expect(index.code).toBe(0);
  const column = await line("column public.users.email");
  await project.write({ [ALLOW]: `# agreed in #12\n${index.stdout}${column.stdout}` });
  const { code, stdout } = await project.drift();
  expect(stdout).toStartWith("no drift: 2 allowed; ");
  expect(code).toBe(0);

  await execute(database.url, "DROP INDEX extra; CREATE INDEX extra ON users (id)");
  const changed = await project.drift();
  expect(changed.stdout).toContain("minor: unexpected index public.extra\n");
  expect(changed.stdout).toContain(
    `stale exception: index public.extra allows another definition than the live one, or the line stands twice\n  --> ${ALLOW}:2\n`,
  );
  expect(changed.stdout).not.toContain("changed column");
  expect(changed.code).toBe(2);
});

test("a missing object can be allowed to be missing", async () => {
  await project.write({
    "migrations-sql/users.sql": `${usersTable}CREATE INDEX wanted ON users (email);`,
    [ALLOW]: "index public.wanted @ missing until 2999-12-31: built by night\n",
  });
  const { stdout } = await project.drift();
  expect(stdout).toStartWith("no drift: 1 allowed; ");
});

test("an exception that has expired or that nothing needs fails the check, and is named", async () => {
  await execute(database.url, "CREATE INDEX extra ON users (email)");
  const { stdout: line } = await project.drift([
    ...["allow", "index public.extra", "--until", "2020-02-29", "--reason", "short"],
  ]);
  await project.write({
    [ALLOW]: `${line}index public.gone @ 0123456789abcdef until 2999-01-01: old\n`,
  });
  const { code, stdout } = await project.drift(["--fail-on", "critical"]);
  expect(stdout).toContain("minor: unexpected index public.extra\n");
  expect(stdout).toContain(
    `stale exception: index public.extra expired on 2020-02-29\n  --> ${ALLOW}:1\n`,
  );
  expect(stdout).toContain(
    `stale exception: index public.gone is not needed: there is no such difference\n  --> ${ALLOW}:2\n`,
  );
  expect(stdout).toContain("drift: 1 unexpected, 2 stale exceptions; ");
  expect(code).toBe(2);
});

test("a line that is no exception is refused with its place, and so is an `allow` that says too little", async () => {
  await project.write({ [ALLOW]: "index public.extra until tomorrow\n" });
  expect((await project.drift()).stderr).toContain(`${ALLOW}:1: not an exception`);
  await project.write({ [ALLOW]: "index public.a @ missing until 2026-02-30: x\n" });
  expect((await project.drift()).stderr).toContain(`${ALLOW}:1: 2026-02-30 is no day`);
  const until = ["--until", "2999-01-01"];
  expect((await project.drift(["allow", "index public.a", ...until])).stderr).toContain("a reason");
  const unknown = await project.drift(["allow", "index public.a", ...until, "--reason", "x"]);
  expect(unknown.stderr).toContain('There is no finding "index public.a"');
  expect(unknown.code).toBe(1);
});

test("--fail-on: what is less severe is shown and does not count", async () => {
  await execute(database.url, "CREATE INDEX extra ON users (email)");
  const relaxed = await project.drift(["--fail-on", "major"]);
  expect(relaxed.stdout).toContain("minor: unexpected index public.extra");
  expect(relaxed.stdout).toContain("no drift: 1 unexpected; ");
  expect(relaxed.code).toBe(0);
  expect((await project.drift(["--fail-on", "minor"])).code).toBe(2);
});

test("--output writes the report and leaves one line on stdout; --quiet leaves nothing", async () => {
  await execute(database.url, "CREATE INDEX extra ON users (email)");
  const run = await project.drift(["--format", "sarif", "--output", "drift.sarif"]);
  expect(run.stdout).toMatch(/^drift: 1 unexpected; .*\n$/);
  expect(JSON.parse(await project.read("drift.sarif")).version).toBe("2.1.0");
  const quiet = await project.drift(["--quiet"]);
  expect([quiet.code, quiet.stdout, quiet.stderr]).toEqual([2, "", ""]);
  const unwritable = await project.drift(["--output", "no/such/folder/drift.txt"]);
  expect(unwritable.stderr).toContain("no/such/folder/drift.txt cannot be written");
  expect([unwritable.code, unwritable.stdout]).toEqual([1, ""]);
});

test("roles are compared with the manifest, and who evades row-level security undeclared is found", async () => {
  const [app, owner, sly, idle] = ["app", "owner", "sly", "idle"].map(
    (name) => `drift_${name}_${randomBytes(6).toString("hex")}`,
  );
  await execute(
    database.url,
    `CREATE ROLE ${owner} BYPASSRLS; CREATE ROLE ${app} LOGIN CONNECTION LIMIT 5;
     ALTER ROLE ${app} SET statement_timeout = '5s';
     CREATE ROLE ${sly} IN ROLE ${owner}; CREATE ROLE ${idle} BYPASSRLS; GRANT SELECT ON users TO ${owner}`,
  );
  const manifest = {
    [`${owner}`]: { bypassrls: true },
    [`${app}`]: { login: true, settings: { statement_timeout: "5s" } },
  };
  await project.write({
    "migrations-sql/users.sql": `${usersTable}GRANT SELECT ON users TO ${owner}`,
  });
  try {
    expect((await project.drift()).code).toBe(0);

    await project.write({ "migrations-sql/drift.roles.json": JSON.stringify(manifest, null, 2) });
    const sneaked = await project.drift();
    expect(sneaked.stdout).toStartWith(
      `critical: unexpected role ${sly}\n  actual    ROLE MEMBER OF ${owner}\n  repair    -- it is not part of the database`,
    );
    expect(sneaked.stdout).toContain("\n\ndrift: 1 unexpected; ");

    await execute(
      database.url,
      `DROP ROLE ${sly}, ${idle}; ALTER ROLE ${app} BYPASSRLS; ALTER ROLE ${owner} NOBYPASSRLS`,
    );
    const absent = { ...manifest, [`${idle}`]: {} };
    await project.write({ "migrations-sql/drift.roles.json": JSON.stringify(absent, null, 2) });
    const changed = await project.drift();
    expect(changed.stdout).toContain(
      `critical: changed role ${app}\n  --> migrations-sql/drift.roles.json:5\n`,
    );
    expect(changed.stdout).toContain(`major: changed role ${owner}\n`);
    expect(changed.stdout).toContain(`major: missing role ${idle}\n`);
    expect(changed.code).toBe(2);
  } finally {
    await execute(
      database.url,
      `DROP TABLE users; DROP ROLE IF EXISTS ${owner}, ${app}, ${sly}, ${idle}`,
    );
  }
});

test("a manifest that is not understood is refused", async () => {
  const wrong = [
    '{"app": {"login": "yes"}}',
    '{"app": {"logon": true}}',
    '{"app": true}',
    "[]",
    "{",
  ];
  for (const text of wrong) {
    await project.write({ "migrations-sql/drift.roles.json": text });
    const { code, stderr } = await project.drift();
    expect(stderr).toStartWith("error: migrations-sql/drift.roles.json");
    expect(stderr).not.toContain("    at ");
    expect(code).toBe(1);
  }
});

test("a file that is named and not there is an error", async () => {
  for (const option of ["--ignore-file", "--allow-file", "--roles-file"]) {
    const { code, stderr } = await project.drift([option, "absent"]);
    expect(stderr).toContain("absent cannot be read");
    expect(code).toBe(1);
  }
});

test("a name with a line end allows nothing but itself", async () => {
  const name = (text: string) => `"x${text}"`;
  const forged = name("\nindex public.a @ missing until 2999-01-01: y");
  await execute(database.url, `CREATE INDEX ${forged} ON users (email)`);
  const shown = `index public.${forged.replace("\n", "\\u000a")}`;
  const allow = ["--until", "2999-01-01", "--reason", "for a while"];
  const { stdout } = await project.drift(["allow", shown, ...allow]);
  expect(stdout).toStartWith(`${shown} @ `);
  expect(stdout.trimEnd()).not.toContain("\n");
  await project.write({ [ALLOW]: stdout });
  expect((await project.drift()).stdout).toContain("no drift: 1 allowed;");
  expect((await project.drift(["repair"])).stdout).toBe("-- Nothing to repair.\n");
});
