/**
 * Two instances behind PgBouncer in transaction mode, which lends each transaction another connection. It needs pgbouncer,
 * so it is not among the tests that run everywhere:
 *   bun test ./tests/db/pooler.ts
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import pg from "pg";
import { createPool } from "../../src/db/client.ts";
import { namesSurvive } from "../../src/db/names-watch.ts";
import { acrossTenants } from "../../src/db/scope.ts";
import { startServer } from "../server/start.ts";
import { PASSWORD } from "../support/app.ts";
import { type Pooler, startPgBouncer } from "../support/pgbouncer.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { call, load, register, SECRET_KEY, startTwo, WELL } from "./behind-pooler.ts";

let database: TestDatabase;
let pooler: Pooler;
let direct: pg.Client;
beforeAll(async () => {
  database = await createDatabase();
  direct = new pg.Client({ connectionString: database.url });
  await direct.connect();
});
// Each test its own: connections to PostgreSQL outlive the clients that prepared something on them.
beforeEach(async () => {
  pooler = await startPgBouncer(database.appUrl);
});
afterEach(() => pooler.stop());
afterAll(async () => {
  await direct.end();
  await database.drop();
});

test("the pooler loses named statements, and the probe finds that out; past the pooler they survive", async () => {
  for (let round = 0; round < 5; round += 1) expect(await namesSurvive(pooler.url)).toBe(false);
  expect(await namesSurvive(database.appUrl)).toBe(true);
  // What requests would meet: so there is something to find.
  const options = { databaseUrl: pooler.url, databasePoolSize: 8, databaseTimeoutSeconds: 5 };
  const pools = [createPool(options), createPool(options)];
  const ask = (text: string) =>
    acrossTenants(() =>
      Promise.allSettled(
        Array.from({ length: 40 }, (_, n) =>
          pools[n % 2]?.query({ name: "any", text, values: [n] }),
        ),
      ),
    );
  const answers = [
    ...(await ask("SELECT $1::int AS n, pg_sleep(0.01)")),
    ...(await ask("SELECT $1::int AS n, pg_sleep(0.01)")),
  ];
  const codes = new Set(answers.map((each) => each.status === "rejected" && each.reason.code));
  codes.delete(false);
  expect([...codes].filter((code) => !["26000", "42P05"].includes(code))).toEqual([]);
  expect(codes.size).toBeGreaterThan(0);
  for (const pool of pools) await pool.end();
});

test("with names an instance is not ready and says what to set; it goes on without names, and fails no request", async () => {
  const servers = await startTwo(pooler, database, "on");
  try {
    for (const server of servers) {
      const { status, body } = await call(server, "GET /health/ready");
      expect(status).toBe(503);
      expect(body).toMatchObject({ checks: { database: "ok", preparedStatements: "lost" } });
      expect(server.output()).toContain("PREPARED_STATEMENTS=off");
    }
    expect(await load(servers)).toEqual(WELL);
  } finally {
    for (const server of servers) await server.stop();
  }
}, 120_000);

test("without names everything works: log-ins, refreshes, lists, mails, and what one instance tells the other", async () => {
  const servers = await startTwo(pooler, database, "off");
  const [here, there] = servers;
  try {
    for (const server of servers)
      expect(await call(server, "GET /health/ready")).toMatchObject({ status: 200 });
    expect(await load(servers)).toEqual(WELL);

    const email = await register(here);
    await call(here, "POST /v1/auth/forgot-password", { json: { email } });
    await until(async () => {
      const { rows } = await direct.query(
        "SELECT count(*)::int AS open FROM pgboss.job WHERE state IN ('created', 'active', 'retry') AND name LIKE 'mail%'",
      );
      return rows[0].open === 0;
    });
    const { rows } = await direct.query(
      "SELECT DISTINCT state::text FROM pgboss.job WHERE name LIKE 'mail%'",
    );
    expect(rows).toEqual([{ state: "completed" }]);

    const { body } = await call(here, "POST /v1/auth/login", {
      json: { email, password: PASSWORD },
    });
    const me = () => call(there, "GET /v1/auth/me", { token: body.accessToken });
    expect((await me()).status).toBe(200);
    expect((await call(here, "POST /v1/auth/logout", { token: body.accessToken })).status).toBe(
      204,
    );
    await until(async () => (await me()).status === 401);
    for (const server of servers) expect(server.output()).not.toContain('"level":"error"');
    // Nothing of ours, and nothing of a library's, has a name.
    const named = await Promise.all(Array.from({ length: 6 }, () => preparedBehindThePooler()));
    expect(named.flat()).toEqual([]);
  } finally {
    for (const server of servers) await server.stop();
  }
}, 120_000);

test("the timeouts that the pooler drops are the role's; an instance whose role has none says so", async () => {
  const locked = async () => {
    await direct.query("BEGIN; LOCK TABLE tenants IN ACCESS EXCLUSIVE MODE");
    const begun = performance.now();
    const client = new pg.Client({ connectionString: pooler.url, statement_timeout: 1000 });
    await client.connect();
    const end = setTimeout(() => void direct.query("ROLLBACK"), 6000);
    const failure = await client.query("SELECT FROM tenants").then(
      () => null,
      (err: pg.DatabaseError) => err.code,
    );
    clearTimeout(end);
    await direct.query("ROLLBACK");
    await client.end();
    return { failure, seconds: (performance.now() - begun) / 1000 };
  };
  const role = new URL(database.appUrl).username;
  const words = "timeouts do not arrive";
  const env = {
    DATABASE_URL: pooler.url,
    LISTEN_DATABASE_URL: database.appUrl,
    PREPARED_STATEMENTS: "off",
    DATABASE_TIMEOUT_SECONDS: "2",
    SECRET_KEY,
  };
  await direct.query(`ALTER ROLE ${role} RESET statement_timeout`);
  const without = await startServer(env);
  expect(without.output()).toContain(words);
  expect(await locked()).toMatchObject({ failure: null });
  await without.stop();
  await pooler.stop();

  await direct.query(`ALTER ROLE ${role} SET statement_timeout = '2000ms'`);
  await direct.query(`ALTER ROLE ${role} SET idle_in_transaction_session_timeout = '2000ms'`);
  pooler = await startPgBouncer(database.appUrl);
  const url = { ...env, DATABASE_URL: pooler.url };
  const withThem = await startServer(url);
  expect(withThem.output()).not.toContain(words);
  const { failure, seconds } = await locked();
  expect(failure).toBe("57014");
  expect(seconds).toBeLessThan(5);
  await withThem.stop();
  for (const setting of ["statement_timeout", "idle_in_transaction_session_timeout"])
    await direct.query(`ALTER ROLE ${role} SET ${setting} = '10s'`);
}, 120_000);

/** The named statements of a connection that the pooler lends; it is held for a moment, so that others get another one. */
async function preparedBehindThePooler(): Promise<string[]> {
  const client = new pg.Client({ connectionString: pooler.url });
  await client.connect();
  const { rows } = await client.query<{ names: string[] }>(
    "SELECT ARRAY(SELECT name FROM pg_prepared_statements WHERE name <> '') AS names, pg_sleep(0.2)",
  );
  await client.end();
  return rows[0]?.names ?? [];
}

async function until(done: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await done())) {
    if (Date.now() > deadline) throw new Error("not within twenty seconds");
    await Bun.sleep(50);
  }
}
