/** Whether the sessions of the server have the timeouts that it asks for. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import pg from "pg";
import { createDatabase as connect, createPool } from "../../src/db/client.ts";
import { isUnavailable } from "../../src/db/failures.ts";
import { newId } from "../../src/db/id.ts";
import { acrossTenants } from "../../src/db/scope.ts";
import { plainly } from "../../src/db/scoped-pool.ts";
import { faultOfTimeouts } from "../../src/db/session-settings.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

test("those of its own pool have, and those of its login without asking", async () => {
  const options = { databaseUrl: database.url, databasePoolSize: 1, databaseTimeoutSeconds: 3 };
  const own = createPool(options);
  expect(await faultOfTimeouts(plainly(own), 3)).toBeNull();
  await own.end();
  const login = new pg.Pool({ connectionString: database.appUrl });
  expect(await faultOfTimeouts(login, 10)).toBeNull();
  expect(await faultOfTimeouts(login, 5)).toContain("statement_timeout is 10000 ms");
  await login.end();
});

test("one without is told, and which", async () => {
  const none = new pg.Pool({ connectionString: database.url });
  expect(await faultOfTimeouts(none, 10)).toBe(
    "idle_in_transaction_session_timeout is off and statement_timeout is off in the sessions of DATABASE_URL, and should be 10 s",
  );
  await none.end();
  const one = new pg.Pool({ connectionString: database.url, statement_timeout: 10_000 });
  expect(await faultOfTimeouts(one, 10)).toStartWith(
    "idle_in_transaction_session_timeout is off in",
  );
  await one.end();
});

test("a session that turns out to be read-only is not used again: it stays so when new ones are not", async () => {
  const pool = createPool({
    databaseUrl: database.appUrl,
    databasePoolSize: 1,
    databaseTimeoutSeconds: 3,
  });
  const prisma = connect(pool);
  const sessionOf = async () => {
    const { rows } = await acrossTenants(() => pool.query("SELECT pg_backend_pid() AS pid"));
    return rows[0].pid;
  };
  const writes: [string, () => Promise<unknown>][] = [
    ["statement", () => pool.query("DELETE FROM sessions WHERE false")],
    ["model", () => prisma.session.deleteMany({ where: { id: newId() } })],
    ["transaction", () => prisma.$transaction((tx) => tx.session.deleteMany())],
  ];
  for (const [name, write] of writes) {
    await acrossTenants(() => pool.query("SET default_transaction_read_only = on"));
    const before = await sessionOf();
    const failure = await acrossTenants(write).catch((err: unknown) => err);
    expect([name, isUnavailable(failure)]).toEqual([name, true]);
    expect([name, (await sessionOf()) !== before]).toEqual([name, true]);
  }
  await prisma.$disconnect();
  await pool.end();
});
