/** Names of prepared statements, and what happens where they get lost. tests/db/pooler.ts tries it behind PgBouncer. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type pg from "pg";
import { namesSurvive, watchNames } from "../../src/db/names-watch.ts";
import { statementName } from "../../src/db/statement-names.ts";
import type { Log } from "../../src/log.ts";
import { createTestApp, logIn, registerOwner, type TestApp, testApp } from "../support/app.ts";

const ROOT = join(import.meta.dir, "..", "..");

const app = testApp({ RATE_LIMITS: "database" });

/** Runs `work` on every connection that the application has. */
async function onEach<T>(
  { served: { pool } }: TestApp,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T[]> {
  const clients = await Promise.all(Array.from({ length: pool.totalCount }, () => pool.connect()));
  const answers = await Promise.all(clients.map(work));
  for (const client of clients) client.release();
  return answers;
}

async function prepared(of: TestApp): Promise<{ name: string; statement: string }[]> {
  const found = await onEach(of, (client) =>
    client.query("SELECT name, statement FROM pg_prepared_statements WHERE name <> ''"),
  );
  return found.flatMap(({ rows }) => rows);
}

/** What another process calls these statements. */
async function namesElsewhere(texts: string[]): Promise<string[]> {
  const script = `
    import { statementName } from "./src/db/statement-names.ts";
    console.log(JSON.stringify(${JSON.stringify(texts)}.map(statementName)));`;
  const child = Bun.spawn([process.execPath, "-e", script], { cwd: ROOT });
  return JSON.parse(await child.stdout.text());
}

test("one text has one name in every process, another text another one, and PostgreSQL cuts none short", async () => {
  const texts = ["SELECT 1", "SELECT 2", "SELECT 1 ", "x".repeat(10_000)];
  const here = texts.map(statementName);
  // In another order, in which a counter would give others.
  expect((await namesElsewhere(texts.toReversed())).toReversed()).toEqual(here);
  expect(new Set(here).size).toBe(texts.length);
  for (const name of here) expect(name.length).toBeWithin(20, 64);
});

test("past a thousand statements the others go unnamed, and those before keep their names", async () => {
  const texts = Array.from({ length: 1002 }, (_, n) => `SELECT ${n}`);
  const names = await namesElsewhere([...texts, "SELECT 0"]);
  expect(names.slice(0, 1000)).toEqual(names.slice(0, 1000).filter((name) => name !== ""));
  expect(names.slice(1000)).toEqual(["", "", names[0] ?? ""]);
});

test("nobody names a statement by hand, and whatever a library calls one, its text is its name", async () => {
  for (const file of new Bun.Glob("src/**/*.ts").scanSync({ cwd: ROOT })) {
    // The probe's statements are ones that nobody has, on connections of its own.
    if (file === "src/db/names-watch.ts") continue;
    const source = readFileSync(join(ROOT, file), "utf8");
    expect([
      file,
      source.match(/name: ["'`][^\n]*\n\s*(text|values)\b|name: ["'`][^\n]*\btext:/),
    ]).toEqual([file, null]);
  }
  const { email } = await registerOwner(app);
  const { accessToken, refreshToken } = await logIn(app, email);
  await app.call("POST /v1/auth/refresh", { json: { refreshToken } });
  await app.call("GET /v1/users", { token: accessToken });
  const statements = await prepared(app);
  expect(statements.length).toBeGreaterThan(20);
  for (const own of [
    "rate_limits",
    "UPDATE refresh_tokens",
    "JOIN user_roles",
    '"public"."tenants"',
  ])
    expect(statements.some(({ statement }) => statement.includes(own))).toBe(true);
  for (const { name, statement } of statements)
    expect([statement, name]).toEqual([statement, statementName(statement)]);
});

test("PREPARED_STATEMENTS=off: no statement has a name, of ours, of Prisma's or of a library's", async () => {
  const off = await createTestApp({ RATE_LIMITS: "database", PREPARED_STATEMENTS: "off" });
  const { email } = await registerOwner(off);
  const { accessToken, refreshToken } = await logIn(off, email);
  await off.call("POST /v1/auth/refresh", { json: { refreshToken } });
  expect((await off.call("GET /v1/users", { token: accessToken })).status).toBe(200);
  await off.mail();
  expect(await prepared(off)).toEqual([]);
  expect((await off.call("GET /health/ready")).status).toBe(200);
  await off.close();
});

test("on a connection of one's own names survive", async () => {
  expect(await namesSurvive(app.database.appUrl)).toBe(true);
});

test("statements that get lost make an instance not ready; one request is told to come again, the next go without", async () => {
  const lost = await createTestApp();
  const { email } = await registerOwner(lost);
  await logIn(lost, email);
  expect((await lost.call("GET /health/ready")).status).toBe(200);
  // As a pooler does that lends another connection.
  await onEach(lost, (client) => client.query("DEALLOCATE ALL"));
  const json = { email, password: "correct horse battery staple" };
  const refused = await lost.call("POST /v1/auth/login", { json });
  expect(refused).toMatchObject({ status: 503, body: { code: "unavailable" } });
  const ready = await lost.call("GET /health/ready");
  expect(ready).toMatchObject({ status: 503, body: { checks: { preparedStatements: "lost" } } });
  for (let again = 0; again < 5; again += 1) await logIn(lost, email);
  await lost.close();
});

test("it is told once, with the setting that mends it, and the names come back when they survive", async () => {
  const told: [string, string][] = [];
  const log: Log = (level, message, fields) =>
    told.push([level, `${message} ${JSON.stringify(fields ?? {})}`]);
  const names = watchNames({
    databaseUrl: app.database.appUrl,
    preparedStatements: true,
    log,
    everySeconds: 0.2,
  });
  expect(names.inUse).toBe(false);
  await names.tried;
  expect([names.survive, names.inUse]).toEqual([true, true]);
  // What callers can cause changes nothing.
  for (const code of ["23505", "22P02", "08P01", undefined]) names.heard(code);
  expect(names.survive).toBe(true);
  for (const code of ["26000", "42P05", "26000"]) names.heard(code);
  expect([names.survive, names.inUse]).toEqual([false, false]);
  expect(told).toEqual([["error", expect.stringContaining("PREPARED_STATEMENTS=off")]]);
  for (let wait = 0; wait < 200 && !names.survive; wait += 1) await Bun.sleep(50);
  expect([names.survive, names.inUse]).toEqual([true, true]);
  names.stop();
});
