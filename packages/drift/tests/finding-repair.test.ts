/** A finding comes with the statements that mend it; that there are none is said, and changes no exit code. */
import {
  afterAll,
  afterEach,
  beforeEach,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { randomBytes } from "node:crypto";
import pg from "pg";
import { createDatabase, type TestDatabase } from "../../../tests/support/postgres.ts";
import { parseFlags } from "../src/cli/flags.ts";
import { type Finding, toFinding } from "../src/model/finding.ts";
import { repairedBy, withRepairs } from "../src/repair/per-finding.ts";
import { createProject, execute, type Project } from "./project.ts";

setDefaultTimeout(60_000);

const schema = `datasource db {
  provider = "postgresql"
}

model User {
  id    Int    @id
  email String @db.VarChar(120)

  @@map("users")
}
`;
const usersTable =
  'CREATE TABLE "users" ("id" INTEGER NOT NULL, "email" VARCHAR(120) NOT NULL, CONSTRAINT "users_pkey" PRIMARY KEY ("id"));\n';
const written = `ALTER TABLE users ADD CONSTRAINT users_email_lower CHECK (email = lower(email));
CREATE VIEW mails AS SELECT email FROM users;
GRANT SELECT ON mails TO PUBLIC;
COMMENT ON VIEW mails IS 'all';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();
`;

describe("of a live database", () => {
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

  const live = (sql: string) => execute(database.url, sql);

  async function report(...args: string[]) {
    const { code, stdout } = await project.drift(["--format", "json", ...args]);
    const { findings, repair } = JSON.parse(stdout);
    const statements = (key: string): Finding =>
      findings.find(({ kind, name }: Finding) => `${kind} ${name}` === key);
    return { code, findings: findings as Finding[], repair, of: statements };
  }

  test("each finding has its statements, proved together, and they mend the database", async () => {
    await live(`ALTER TABLE users DROP CONSTRAINT users_email_lower, ADD extra text;
      CREATE INDEX users_extra ON users (id); DROP TRIGGER users_touch ON users; DROP VIEW mails`);
    const { code, findings, repair, of } = await report();
    expect(code).toBe(2);
    expect(repair).toEqual({ proved: true, doubt: null });
    expect(findings).toHaveLength(5);
    expect(of("index users_extra").repair).toEqual(["DROP INDEX public.users_extra"]);
    expect(of("column users.extra")).toMatchObject({
      repair: ["ALTER TABLE public.users DROP COLUMN extra"],
      destroys: "drops the column with its data",
      unrepaired: null,
    });
    expect(of("constraint users.users_email_lower").repair).toEqual([
      expect.stringContaining("ADD CONSTRAINT users_email_lower CHECK"),
    ]);
    expect(of("trigger users.users_touch").repair).toEqual([
      expect.stringContaining("CREATE TRIGGER users_touch"),
    ]);
    expect(of("view mails").repair).toEqual([
      expect.stringContaining("CREATE VIEW public.mails"),
      expect.stringMatching(/^GRANT SELECT ON/),
      expect.stringMatching(/^COMMENT ON VIEW public\.mails/),
    ]);

    await live(findings.flatMap(({ repair }) => repair).join(";"));
    expect((await project.drift()).code).toBe(0);
  });

  test("what is in the way of a finding goes and comes back for its sake", async () => {
    await live(`DROP VIEW mails; ALTER TABLE users ALTER email TYPE varchar(80);
      ${written.split("\n").slice(1, 4).join("\n")}`);
    const { findings, repair } = await report();
    expect(repair.proved).toBe(true);
    expect(findings).toHaveLength(1);
    const [finding] = findings;
    const statements = finding?.repair.join(";\n") ?? "";
    expect(statements).toMatch(
      /DROP VIEW public\.mails.+ALTER COLUMN email TYPE.+CREATE VIEW public\.mails.+GRANT SELECT/s,
    );
    await live(statements);
    expect((await project.drift()).code).toBe(0);
  });

  test("the text shows it, and marks what destroys", async () => {
    await live("ALTER TABLE users ADD extra text");
    const { code, stdout } = await project.drift();
    expect(stdout).toContain(
      "  repair    -- DESTRUCTIVE: drops the column with its data\n            ALTER TABLE public.users DROP COLUMN extra;\n",
    );
    expect(stdout).toContain("\nrepair: proved on a copy of the schema with invented rows\n");
    expect(code).toBe(2);
  });

  test("what no statement mends says so; the rest has its own, and the exit code stays", async () => {
    await live(
      "CREATE CONVERSION odd FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8; CREATE INDEX extra ON users (email)",
    );
    const { code, repair, of } = await report();
    expect(repair.proved).toBe(false);
    expect(repair.doubt).toContain("conversion public.odd");
    expect(of("conversion public.odd")).toMatchObject({
      repair: [],
      unrepaired: expect.stringMatching(/^no statement helps: /),
    });
    expect(of("index extra")).toMatchObject({
      repair: ["DROP INDEX public.extra"],
      unrepaired: null,
    });
    expect(code).toBe(2);
  });

  test("a role is of the server, and no statement is promised for it", async () => {
    await project.write({
      "migrations-sql/drift.roles.json": '{ "drift_test_no_such_role": { "login": true } }',
    });
    const { code, findings, repair } = await report();
    expect(repair).toEqual({ proved: false, doubt: "there is none" });
    expect(findings).toMatchObject([
      { kind: "role", repair: [], unrepaired: expect.stringContaining("mended by hand") },
    ]);
    expect(code).toBe(2);
  });

  test("--no-repair, --snapshot and parity leave it out", async () => {
    await project.drift(["snapshot"]);
    await live("CREATE INDEX extra ON users (email)");
    for (const args of [["--no-repair"], ["--snapshot"], ["parity"]]) {
      const { code, findings, repair } = await report(...args);
      expect(repair).toBeNull();
      expect(findings).not.toEqual([]);
      for (const finding of findings) expect(finding.repair).toEqual([]);
      expect(code).toBe(2);
    }
    const plain = await project.drift(["--no-repair"]);
    expect(plain.stdout).not.toContain("repair");
    expect((await project.drift(["parity", "--no-repair"])).code).toBe(1);
  });

  test("with --shadow-url the live login need not be able to create databases", async () => {
    const role = `drift_test_${randomBytes(6).toString("hex")}`;
    await live(`CREATE ROLE ${role} LOGIN PASSWORD 'p'; CREATE INDEX extra ON users (email)`);
    const url = new URL(database.url);
    url.username = role;
    url.password = "p";
    try {
      const args = ["--database-url", url.href, "--shadow-url", database.url];
      const { code, repair, of } = await report(...args);
      expect(of("index extra").repair).toEqual(["DROP INDEX public.extra"]);
      expect(repair).toEqual({ proved: true, doubt: null });
      expect(code).toBe(2);
    } finally {
      await live(`DROP ROLE ${role}`);
    }
  });
});

describe("where none can be made", () => {
  const object = { kind: "index", schema: "public", name: "a", parent: "", definition: "x" };
  const findings = [toFinding({ change: "missing", expected: object })];
  const task = { actual: [], expected: [object], reader: async () => [] };
  const client = new pg.Client();
  const abortion = new AbortController();
  const server = { client, url: "postgresql://127.0.0.1:1/none", signal: abortion.signal };

  afterAll(() => client.end());

  test("the report says why and keeps what was found", async () => {
    await client.end();
    const { repair, ...others } = await withRepairs(findings, task, server);
    expect(repair?.proved).toBe(false);
    expect(repair?.doubt).toStartWith("no repair could be made: ");
    expect(others).toEqual({ findings });
  });

  test("a schema of many objects is not copied without being asked for", async () => {
    const many = { ...task, actual: Array.from({ length: 2001 }, () => object) };
    const { repair } = await withRepairs(findings, many, server);
    expect(repair?.doubt).toContain("2001 objects");
    expect(repair?.doubt).toContain("tenantry-drift repair");
  });

  test("nor is it waited for without end, and nothing of it stays", async () => {
    const database = await createDatabase({ template: false });
    const live = new pg.Client({ connectionString: database.url });
    try {
      await live.connect();
      let scratch: string | undefined;
      const reader = (client: pg.Client) => {
        scratch = client.database;
        return new Promise<never>(() => {});
      };
      const at = { client: live, url: database.url, signal: abortion.signal };
      const { repair } = await withRepairs(findings, { ...task, reader }, at, { mostMs: 4000 });
      expect(repair?.doubt).toContain("no repair was made in 4 seconds");
      expect(scratch).toStartWith("drift_scratch_");
      const left = await live.query("SELECT FROM pg_database WHERE datname = $1", [scratch]);
      expect(left.rowCount).toBe(0);
    } finally {
      await live.end();
      await database.drop();
    }
  });

  test("a finding that another one's statement mends says so", () => {
    const other = { ...object, name: "b" };
    const findings = [object, other].map((expected) => toFinding({ change: "missing", expected }));
    const step = { key: "index public.a", mends: "index public.a", reason: "", destroys: null };
    const proposal = { safe: [{ ...step, sql: ["BOTH"] }], destructive: [], unresolved: [] };
    const sides = { actual: [], expected: [object, other] };
    expect(repairedBy(proposal, sides, findings)).toMatchObject([
      { repair: ["BOTH"], unrepaired: null },
      { repair: [], unrepaired: "the statements of other findings mend it" },
    ]);
  });

  test("nothing is tried where nothing is found or nobody would see it", async () => {
    expect(await withRepairs([], task, server)).toEqual({ findings: [], repair: null });
    expect(parseFlags(["--quiet"], {}).options.repair).toBe(false);
    expect(parseFlags(["--quiet", "--output", "a"], {}).options.repair).toBe(true);
    expect(parseFlags(["--format", "github"], {}).options.repair).toBe(false);
  });

  test("Ctrl-C is no failed repair", async () => {
    abortion.abort(new Error("interrupted"));
    await expect(withRepairs(findings, task, server)).rejects.toThrow("interrupted");
  });
});
