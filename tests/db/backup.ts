/**
 * Backups by hand, as docs/operations/backup.md describes them. It needs pg_dump, pg_restore and psql, so it is not among the tests that run
 * everywhere; the server is of their version:
 *   bun test ./tests/db/backup.ts
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { startEmbedded } from "../../scripts/embedded-postgres.ts";
import {
  type Account,
  createSuperAdmin,
  createTestApp,
  logIn,
  registerOwner,
  type TestApp,
} from "../support/app.ts";
import { prepareLogin, type TestDatabase } from "../support/postgres.ts";
import { serverOfVersion, stopServers, type Version } from "../support/versions.ts";

const ROOT = join(import.meta.dir, "..", "..");
const SECRET_KEY = randomBytes(32).toString("base64");

const page = readFileSync(join(ROOT, "docs", "operations", "backup.md"), "utf8");

let folder: string;
let version: Version;
let maintenance: string;
let original: TestApp;
let owner: Account & { tenantId: string };
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tenantry-test-backup-"));
  const [, major] = /\) (\d+)/.exec(await run("pg_dump", "--version")) ?? [];
  version = Number(major) as Version;
  maintenance = await serverOfVersion(version);
  const database = await databaseOf("original");
  await run("bunx", "prisma", "migrate", "deploy", { DATABASE_URL: database.url });
  database.appUrl = await prepareLogin(database.url);
  original = await createTestApp({ SECRET_KEY }, database);
  owner = await registerOwner(original);
  // Rows that triggers look at when they come back.
  await createSuperAdmin(original);
  const json = { email: "invited@x.example" };
  await original.call("POST /v1/invitations", { token: owner.accessToken, json });
  await run("pg_dump", `--file=${file("backup.sql")}`, database.url);
  await run("pg_dump", "--format=custom", `--file=${file("backup.dump")}`, database.url);
  await run("pg_dump", "--schema-only", `--file=${file("schema.sql")}`, database.url);
  await run("pg_dump", "--data-only", `--file=${file("data.sql")}`, database.url);
}, 120_000);
afterAll(async () => {
  await original?.close();
  await stopServers();
  rmSync(folder, { recursive: true, force: true });
});

test("the backup holds no password, no token and no key in the clear", () => {
  const backup = readFileSync(file("backup.sql"), "utf8");
  expect(backup).toContain(owner.email);
  for (const secret of [
    "correct horse battery staple",
    owner.refreshToken,
    owner.accessToken,
    SECRET_KEY,
  ])
    expect(backup).not.toContain(secret);
});

test("restored from SQL: the schema is whole, people log in, and sessions go on where they were", async () => {
  const database = await databaseOf("from_sql");
  await psql(database, "backup.sql");
  await expectWhole(database);
});

test("restored from a compressed backup on another server, once the role is there: the same", async () => {
  const other = await startEmbedded({
    dataDir: join(folder, "other"),
    disposable: true,
    version,
  });
  try {
    const [, role = ""] = /-c "(CREATE ROLE .+?)"/.exec(page) ?? [];
    await query(other.url, role);
    const database = await databaseOf("from_dump", other.url);
    await run(
      "pg_restore",
      "--single-transaction",
      `--dbname=${database.url}`,
      file("backup.dump"),
    );
    await expectWhole(database);
  } finally {
    other.stop();
  }
});

test("restored from a backup of the schema and one of the rows: the same", async () => {
  const database = await databaseOf("from_parts");
  await psql(database, "schema.sql");
  await psql(database, "data.sql");
  await expectWhole(database);
});

test("as the owner of the tables, who is no superuser: with BYPASSRLS, and the roles made first on another server", async () => {
  const [bypass = "", back = "", role = "", owner = ""] = [
    ...page.slice(page.indexOf("## By hand")).matchAll(/psql "\$SERVER_URL" -c "(.+?)"/g),
  ]
    .map(([, sql = ""]) => sql)
    .filter((sql) => /ROLE/.test(sql));
  await query(maintenance, owner);
  const database = await databaseOf("owned");
  await query(maintenance, "ALTER DATABASE owned OWNER TO tenantry");
  const as = (url: string) => url.replace(/\/\/[^@]*@/, "//tenantry:…@".replace("…", "%E2%80%A6"));
  await run("bunx", "prisma", "migrate", "deploy", { DATABASE_URL: as(database.url) });
  const dump = () => run("pg_dump", `--file=${file("owned.sql")}`, as(database.url));
  await expect(dump()).rejects.toThrow("query would be affected by row-level security policy");
  await query(maintenance, bypass);
  await dump();
  await query(maintenance, back);
  const other = await startEmbedded({ dataDir: join(folder, "owned"), disposable: true, version });
  try {
    await query(other.url, role);
    await query(other.url, owner);
    const restored = await databaseOf("restored", other.url);
    await query(other.url, "ALTER DATABASE restored OWNER TO tenantry");
    await psql({ ...restored, url: as(restored.url) }, "owned.sql");
    await run("bun", "packages/drift/src/cli/drift.ts", "--strict", "--database-url", restored.url);
  } finally {
    other.stop();
  }
}, 300_000);

test("one table can be picked out of a compressed backup", async () => {
  const database = await databaseOf("one_table");
  await psql(database, "schema.sql");
  await run(
    ...["pg_restore", "--data-only", "--table=tenants"],
    ...[`--dbname=${database.url}`, file("backup.dump")],
  );
  expect(await query(database.url, "SELECT id FROM tenants")).toEqual([{ id: owner.tenantId }]);
  expect(await query(database.url, "SELECT id FROM users")).toEqual([]);
  await database.drop();
});

async function expectWhole(database: TestDatabase): Promise<void> {
  await run("bun", "packages/drift/src/cli/drift.ts", "--strict", "--database-url", database.url);
  const audited = "SELECT id, action FROM audit_log ORDER BY id";
  expect(await query(database.url, audited)).toEqual(await query(original.database.url, audited));
  const appUrl = await prepareLogin(database.url);
  const app = await createTestApp({ SECRET_KEY }, { ...database, appUrl });
  try {
    const me = await app.call("GET /v1/auth/me", { token: owner.accessToken });
    expect([me.status, me.body.user?.id]).toEqual([200, owner.id]);
    const json = { refreshToken: owner.refreshToken };
    expect((await app.call("POST /v1/auth/refresh", { json })).status).toBe(200);
    expect((await logIn(app, owner.email)).id).toBe(owner.id);
  } finally {
    await app.close();
  }
}

/** An empty database on the server of the tools' version. */
async function databaseOf(name: string, server = maintenance): Promise<TestDatabase> {
  await query(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    // The restored roles are those of another server: the policies are tested elsewhere.
    appUrl: url.href,
    name,
    query: async (sql) => void (await query(url.href, sql)),
    drop: async () => void (await query(server, `DROP DATABASE ${name} WITH (FORCE)`)),
  };
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return (await client.query(sql).finally(() => client.end())).rows;
}

function psql({ url }: TestDatabase, name: string): Promise<string> {
  return run(
    "psql",
    "--quiet",
    "--set=ON_ERROR_STOP=1",
    "--single-transaction",
    url,
    `--file=${file(name)}`,
  );
}

function file(name: string): string {
  return join(folder, name);
}

/** Runs a program; the last argument may be variables for it. @throws Error with its output when it fails. */
async function run(...command: (string | Record<string, string>)[]): Promise<string> {
  const args = command.filter((part) => typeof part === "string");
  const env = command.filter((part) => typeof part !== "string").at(0);
  const child = Bun.spawn(args, {
    cwd: ROOT,
    // What they say is read, and is not to be in the machine's language.
    env: { ...process.env, LC_ALL: "C", ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, status] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}:\n${out}${err}`);
  return out;
}
