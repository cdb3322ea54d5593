/**
 * `bun run db:backup` and `db:restore` with PostgreSQL's own tools. It needs pg_dump and pg_restore, so it is not among the
 * tests that run everywhere; the server is of their version:
 *   bun test ./tests/cli/backup.ts
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { startEmbedded } from "../../scripts/embedded-postgres.ts";
import { type Account, createTestApp, registerOwner, type TestApp } from "../support/app.ts";
import { prepareLogin } from "../support/postgres.ts";
import { serverOfVersion, stopServers, type Version } from "../support/versions.ts";
import { runCommand } from "./command.ts";

const ROOT = join(import.meta.dir, "..", "..");
const SECRET_KEY = randomBytes(32).toString("base64");

let folder: string;
let version: Version;
let server: string;
let url: string;
let app: TestApp;
let owner: Account;
let backup: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tenantry-test-backup-"));
  const told = await Bun.$`pg_dump --version`.text();
  version = Number(/\) (\d+)/.exec(told)?.[1]) as Version;
  server = await serverOfVersion(version);
  url = await databaseOf("original");
  await Bun.$`bunx prisma migrate deploy`
    .cwd(ROOT)
    .env({ ...process.env, DATABASE_URL: url })
    .quiet();
  const appUrl = await prepareLogin(url);
  const database = { url, appUrl, name: "original", query: async () => {}, drop: async () => {} };
  app = await createTestApp({ SECRET_KEY }, database);
  owner = await registerOwner(app);
  await run("db-maintain", ["audit"], appUrl);
  backup = file("whole.dump");
}, 120_000);
afterAll(async () => {
  await app?.close();
  await stopServers();
  rmSync(folder, { recursive: true, force: true });
});

const file = (name: string) => join(folder, name);
const run = (name: string, args: string[], databaseUrl: string) =>
  runCommand(name, args, { DATABASE_URL: databaseUrl, SECRET_KEY });
const passwordOf = (databaseUrl: string) => decodeURIComponent(new URL(databaseUrl).password);

test("a backup and what was noted of it: for its owner's eyes, and complete", async () => {
  const { code, out, err } = await run("db-backup", ["--json", "--output", backup], url);
  expect([code, err.replaceAll(/^.* …\n/gm, "")]).toEqual([0, ""]);
  expect(out).not.toContain(passwordOf(url));
  expect(readdirSync(folder).toSorted()).toEqual(["whole.dump", "whole.dump.json"]);
  for (const name of readdirSync(folder)) expect(statSync(file(name)).mode & 0o777).toBe(0o600);
  const noted = JSON.parse(readFileSync(`${backup}.json`, "utf8"));
  const users = await query(url, "SELECT count(*)::int AS count FROM users");
  expect(noted.rows["public.users"]).toBe(users[0]?.count);
  expect(noted.roles).toContain("tenantry_app");
  expect(noted.head.seq).toBeGreaterThan(0);
  expect(noted.migrations.length).toBeGreaterThan(40);
});

test("while pg_dump runs no password is among the arguments; ended, it leaves no file, whole or half", async () => {
  const holder = new pg.Client({ connectionString: url });
  await holder.connect();
  await holder.query("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE");
  const path = file("broken-off.dump");
  const child = Bun.spawn(
    [process.execPath, "--no-env-file", "src/cli/db-backup.ts", "--output", path],
    {
      cwd: ROOT,
      env: { PATH: process.env.PATH ?? "", DATABASE_URL: url },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let dumping: string[] = [];
  for (let tries = 0; dumping.length === 0 && tries < 2000; tries += 1) {
    await Bun.sleep(25);
    dumping = argumentsOf("pg_dump").filter((words) => words.includes("broken-off"));
  }
  expect(dumping).toHaveLength(1);
  expect(dumping[0]).not.toContain(passwordOf(url));
  const [partial = ""] = readdirSync(folder).filter((name) => name.endsWith(".partial"));
  expect(statSync(file(partial)).mode & 0o777).toBe(0o600);
  child.kill("SIGTERM");
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  await holder.query("ROLLBACK");
  await holder.end();
  expect([code, out, err]).toEqual([2, "", expect.stringContaining("ended by SIGTERM")]);
  expect(readdirSync(folder).filter((name) => name.includes("broken-off"))).toEqual([]);
  expect(argumentsOf("pg_dump").filter((words) => words.includes("broken-off"))).toEqual([]);
});

test("restored into an empty database: schema, rows and seals are as they were, and people log in", async () => {
  const restored = await databaseOf("restored");
  const { code, out } = await run("db-restore", ["--input", backup], restored);
  expect([code, out.match(/^ {2}\S+/gm)]).toEqual([0, ["  ok", "  ok", "  ok"]]);
  expect(out).toContain("as this build declares it");
  expect(out).not.toContain(passwordOf(url));
  const appUrl = await prepareLogin(restored);
  const database = {
    url: restored,
    appUrl,
    name: "restored",
    query: async () => {},
    drop: async () => {},
  };
  const again = await createTestApp({ SECRET_KEY }, database);
  const me = await again.call("GET /v1/auth/me", { token: owner.accessToken });
  expect([me.status, me.body.user?.id]).toEqual([200, owner.id]);
  await again.close();
});

test("a database that holds something is refused, and stays as it is", async () => {
  const used = await databaseOf("used");
  for (const [object, name] of [
    ["CREATE TABLE notes (id int)", "table public.notes"],
    [
      "DROP TABLE notes; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
      "function public.f",
    ],
    ["DROP FUNCTION f; CREATE SCHEMA drafts", "schema drafts"],
    ["DROP SCHEMA drafts; CREATE TYPE mood AS ENUM ('fine')", "type public.mood"],
  ] as const) {
    await query(used, object);
    const { code, err } = await run("db-restore", ["--input", backup], used);
    expect([code, err]).toEqual([2, expect.stringContaining(`is not empty: there is the ${name}`)]);
  }
  expect(await query(used, "SELECT relname FROM pg_class WHERE relname = 'users'")).toEqual([]);
});

test("a file that was changed or cut is refused before anything is written", async () => {
  const bytes = readFileSync(backup);
  const changed = Buffer.from(bytes);
  changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1;
  const empty = await databaseOf("empty");
  for (const content of [changed, bytes.subarray(0, bytes.length - 1)]) {
    writeFileSync(file("changed.dump"), content);
    writeFileSync(file("changed.dump.json"), readFileSync(`${backup}.json`));
    const { code, err } = await run("db-restore", ["--input", file("changed.dump")], empty);
    expect([code, err]).toEqual([2, expect.stringContaining("its SHA-256 is another one")]);
  }
  expect(
    await query(empty, "SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace"),
  ).toEqual([]);
});

test("on a server without the roles it is said which to make, and then it is whole", async () => {
  const other = await startEmbedded({ dataDir: join(folder, "other"), disposable: true, version });
  try {
    const there = await databaseOf("there", other.url);
    const refused = await run("db-restore", ["--input", backup], there);
    const [, statement = ""] = /^ {2}(CREATE ROLE .+;)$/m.exec(refused.err) ?? [];
    expect([refused.code, statement]).toEqual([2, 'CREATE ROLE "tenantry_app" NOLOGIN;']);
    await query(other.url, statement);
    expect((await run("db-restore", ["--input", backup], there)).code).toBe(0);
  } finally {
    other.stop();
  }
}, 180_000);

test("what did not come back as it was noted is named, and the command ends with 1", async () => {
  const noted = JSON.parse(readFileSync(`${backup}.json`, "utf8"));
  const path = file("noted.dump");
  writeFileSync(path, readFileSync(backup));
  const cases: [Record<string, unknown>, string][] = [
    [{ rows: { ...noted.rows, "public.users": 99 } }, "WRONG  rows: public.users 1 and not 99"],
    [
      { fingerprint: { ...noted.fingerprint, live: "another" } },
      "WRONG  schema: not as it was backed up",
    ],
    [
      { head: { ...noted.head, seq: noted.head.seq + 1 } },
      "WRONG  audit log: broken: the seals after",
    ],
  ];
  for (const [index, [change, message]] of cases.entries()) {
    writeFileSync(`${path}.json`, JSON.stringify({ ...noted, ...change }));
    const database = await databaseOf(`noted_${index}`);
    const { code, out } = await run("db-restore", ["--input", path], database);
    expect([code, out]).toEqual([1, expect.stringContaining(message)]);
    expect(out.match(/WRONG/g)).toHaveLength(1);
  }
}, 180_000);

test("a login that row-level security holds backs nothing up", async () => {
  await query(
    url,
    "CREATE ROLE halfway LOGIN PASSWORD 'for-a-server-that-is-thrown-away'; GRANT pg_read_all_data TO halfway",
  );
  const held = new URL(url);
  held.username = "halfway";
  held.password = "for-a-server-that-is-thrown-away";
  const { code, err } = await run("db-backup", ["--output", file("held.dump")], held.href);
  expect([code, err]).toEqual([
    2,
    expect.stringContaining("a login that row-level security holds"),
  ]);
});

/** The arguments of each process of this name, as every user of the machine can read them. */
function argumentsOf(program: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8");
      } catch {
        return "";
      }
    })
    .filter((words) => words.split("\0")[0]?.endsWith(program));
}

async function databaseOf(name: string, on = server): Promise<string> {
  await query(on, `CREATE DATABASE ${name}`);
  const made = new URL(on);
  made.pathname = `/${name}`;
  return made.href;
}

async function query(databaseUrl: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const answer = await client.query(sql).finally(() => client.end());
  return Array.isArray(answer) ? [] : answer.rows;
}
