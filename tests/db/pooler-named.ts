/**
 * Two instances behind a PgBouncer that keeps prepared statements, in transaction mode. It needs 1.21 or later, which
 * Debian 12 does not have: PGBOUNCER=/path/to/it names another one than the one that is installed.
 *   bun test ./tests/db/pooler-named.ts
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import pg from "pg";
import { namesSurvive } from "../../src/db/names-watch.ts";
import { type Pooler, startPgBouncer } from "../support/pgbouncer.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { call, load, startTwo, WELL } from "./behind-pooler.ts";

let database: TestDatabase;
let pooler: Pooler;
beforeAll(async () => {
  database = await createDatabase();
  pooler = await startPgBouncer(database.appUrl, { statements: 200 });
});
afterAll(async () => {
  await pooler?.stop();
  await database.drop();
});

test("names survive, and both instances use them: log-ins, refreshes and lists fail nowhere", async () => {
  for (let round = 0; round < 5; round += 1) expect(await namesSurvive(pooler.url)).toBe(true);
  const servers = await startTwo(pooler, database, "on");
  try {
    for (const server of servers)
      expect(await call(server, "GET /health/ready")).toMatchObject({ status: 200 });
    expect(await load(servers)).toEqual(WELL);
    for (const server of servers) {
      expect(await call(server, "GET /health/ready")).toMatchObject({ status: 200 });
      expect(server.output()).not.toContain("prepared statements do not survive");
      expect(server.output()).not.toContain('"level":"error"');
    }
    // What PgBouncer has prepared for them at PostgreSQL, by names of its own.
    const client = new pg.Client({ connectionString: pooler.url });
    await client.connect();
    const { rows } = await client.query<{ count: number }>(
      "SELECT count(*)::int FROM pg_prepared_statements WHERE name LIKE 'PGBOUNCER_%'",
    );
    await client.end();
    expect(rows[0]?.count).toBeGreaterThan(5);
  } finally {
    for (const server of servers) await server.stop();
  }
}, 120_000);
