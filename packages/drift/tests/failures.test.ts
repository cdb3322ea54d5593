/** A check that cannot be made: one clear message, exit 1, no secret printed, no scratch database left. */
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { randomBytes } from "node:crypto";
import { createDatabase, type TestDatabase } from "../../../tests/support/postgres.ts";
import { createProject, execute, type Outcome, type Project } from "./project.ts";

const files = {
  "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n}\n',
  "migrations-sql/tables.sql": "CREATE TABLE things (id integer PRIMARY KEY);\n",
};

setDefaultTimeout(60_000);

let database: TestDatabase;
let project: Project;

beforeAll(async () => {
  database = await createDatabase({ template: false });
});
afterAll(() => database.drop());

beforeEach(async () => {
  project = await createProject(database.url, files);
});
afterEach(() => project.remove());

/** The database's URL with something changed. */
function url(change: (url: URL) => void): string {
  const changed = new URL(database.url);
  change(changed);
  return changed.href;
}

async function expectFailure(run: Promise<Outcome>, ...messages: string[]): Promise<void> {
  const { code, stdout, stderr } = await run;
  for (const message of messages) expect(stderr).toContain(message);
  expect(stderr).not.toContain("    at "); // No stack: the message is enough.
  expect(stdout).toBe("");
  expect(code).toBe(1);
}

test("no server at the address", () =>
  expectFailure(
    project.drift(["--database-url", "postgresql://u:p@127.0.0.1:1/db"]),
    "No PostgreSQL server answers at 127.0.0.1:1",
  ));

test("an unknown host", () =>
  expectFailure(
    project.drift(["--database-url", "postgresql://u:p@no-such-host.invalid/db"]),
    "no-such-host.invalid",
  ));

test("a wrong password, which is not printed", async () => {
  const wrong = url((url) => {
    url.password = "not-the-secret";
  });
  const run = project.drift(["--database-url", wrong]);
  await expectFailure(run, "refuses the login of user");
  expect((await run).stderr).not.toContain("not-the-secret");
});

test("a URL that is none, which is not printed either", async () => {
  const run = project.drift(["--database-url", "postgres//user:hidden@host:port/db"]);
  await expectFailure(run, "The database URL cannot be read");
  expect((await run).stderr).not.toContain("hidden");
});

test("a database that is not there", () =>
  expectFailure(
    project.drift([
      "--database-url",
      url((url) => {
        url.pathname = "/nowhere";
      }),
    ]),
    "There is no database nowhere",
  ));

test("no database named at all", () =>
  expectFailure(
    project.drift([], { DATABASE_URL: "" }),
    "Give --database-url or set DATABASE_URL",
  ));

test("a folder that is not the project's root", () =>
  expectFailure(
    project.drift(["--schema", "elsewhere.prisma"], { DATABASE_URL: "" }),
    "There is no elsewhere.prisma here either",
  ));

test("a file that notes the URL is the last resort, while it is there", async () => {
  const args = ["--database-url-file", "dev.url"];
  await project.write({ "dev.url": `${database.url}\n` });
  expect((await project.drift(args, { DATABASE_URL: "" })).stdout).toContain(
    `compared with ${database.name}`,
  );
  await expectFailure(
    project.drift(["--database-url-file", "absent"], { DATABASE_URL: "" }),
    "No database is named",
  );
});

test.each([
  ["--schema", "prisma/absent.prisma"],
  ["--migrations", "absent"],
  ["--sql", "absent"],
])("%s that is not there", (option, path) =>
  expectFailure(project.drift([option, path]), `${path} does not exist`, option),
);

test("a migration folder without its file", async () => {
  await project.write({ "prisma/migrations/1_empty/notes.md": "" });
  await expectFailure(project.drift(), "prisma/migrations/1_empty has no migration.sql");
});

test("a URL without its option is not printed", async () => {
  const run = project.drift(["postgresql://user:hidden@host/db"]);
  await expectFailure(run, "belongs to no option", "--help");
  expect((await run).stderr).not.toContain("hidden");
});

test("an option or a format that does not exist", async () => {
  await expectFailure(project.drift(["--colour"]), "--colour", "--help");
  await expectFailure(project.drift(["--format", "yaml"]), 'no format "yaml"', "html or sql");
  await expectFailure(project.drift(["--schemas", ","]), "--schemas names no schema");
  await expectFailure(project.drift(["--fail-on", "any"]), "minor, major or critical");
  await expectFailure(project.drift(["party"]), "The commands are drift, parity, snapshot");
  await expectFailure(project.drift(["parity", "--check"]), "--check is an option of snapshot");
});

test("--help says how to use it", async () => {
  const { code, stdout } = await project.drift(["--help"], { DATABASE_URL: "" });
  expect(stdout).toContain("--database-url");
  expect(code).toBe(0);
});

test("a schema that Prisma does not accept, with Prisma's own pointer", async () => {
  await project.write({
    "prisma/schema.prisma": `${files["prisma/schema.prisma"]}model Broken {\n  id Imt @id\n}\n`,
  });
  await expectFailure(
    project.drift(),
    "Prisma does not accept the schema",
    'Type "Imt"',
    "prisma/schema.prisma:5",
  );
});

test("a syntax error points at the place", async () => {
  await project.write({
    "migrations-sql/zebra.sql": "-- 🦓 stripes\nCREATE TABLE a (id integer);\nCREATE TABEL b ();\n",
  });
  await expectFailure(
    project.drift(),
    'migrations-sql/zebra.sql:3:8: syntax error at or near "TABEL"\n  3 | CREATE TABEL b ();\n    |        ^\n',
  );
});

test("an error that has no place names the file and says what PostgreSQL says", async () => {
  await project.write({ "migrations-sql/zebra.sql": "CREATE TABLE things (id integer);" });
  await expectFailure(
    project.drift(),
    'migrations-sql/zebra.sql: relation "things" already exists',
  );
});

test("a user who may not create databases learns what to ask for", async () => {
  const role = `drift_test_${randomBytes(6).toString("hex")}`;
  await execute(database.url, `CREATE ROLE ${role} LOGIN PASSWORD 'p'`);
  try {
    const login = url((url) => {
      url.username = role;
      url.password = "p";
    });
    await expectFailure(
      project.drift(["--database-url", login]),
      `ALTER ROLE "${role}" CREATEDB`,
      "--shadow-url",
      "--snapshot",
    );
  } finally {
    await execute(database.url, `DROP ROLE ${role}`);
  }
});

test("a server that is too old", async () => {
  const old = await startOldServer("14.9", 140009);
  try {
    await expectFailure(
      project.drift(["--database-url", `postgresql://u@127.0.0.1:${old.port}/db`]),
      "The server runs PostgreSQL 14.9; the drift check needs version 15 or later.",
    );
  } finally {
    old.stop(true);
  }
});

/** Says what a server of that version says to a client that connects and asks for it. */
async function startOldServer(version: string, number: number) {
  const message = (type: string, ...parts: (string | number[])[]) => {
    const body = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
    const length = Buffer.alloc(4);
    length.writeInt32BE(body.length + 4);
    return Buffer.concat([Buffer.from(type), length, body]);
  };
  const field = (name: string, type: number) => [
    ...[name, [0], [0, 0, 0, 0, 0, 0], [0, 0, 0, type], [0, 4, 255, 255, 255, 255, 0, 0]],
  ];
  const value = (text: string) => [[0, 0, 0, text.length], text];
  const ready = message("Z", "I");
  const answers = [
    Buffer.concat([message("R", [0, 0, 0, 0]), ready]),
    Buffer.concat([
      message("T", [0, 2], ...field("number", 23), ...field("version", 25)),
      message("D", [0, 2], ...value(String(number)), ...value(version)),
      message("C", "SELECT 1", [0]),
      ready,
    ]),
  ];
  return Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (socket) => void socket.write(answers.shift() ?? "") },
  });
}
