/** A real standby, as a failover leaves one behind: PostgreSQL in recovery, which takes no changes. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { type EmbeddedServer, startEmbedded } from "../../scripts/embedded-postgres.ts";
import { faultOfDatabase } from "../../src/db/await-database.ts";
import { createPool } from "../../src/db/client.ts";
import { isUnavailable } from "../../src/db/failures.ts";
import { checkReadiness } from "../../src/health/readiness.ts";

let folder: string;
let server: EmbeddedServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tenantry-standby-"));
  const dataDir = join(folder, "postgres");
  server = await startEmbedded({ dataDir });
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  // As Tenantry has them: a table that is logged, and one that is not, such as that of the limits.
  await client.query(`
    CREATE TABLE _prisma_migrations (migration_name text, finished_at timestamptz, rolled_back_at timestamptz);
    CREATE TABLE idempotency_keys (id int);
    CREATE UNLOGGED TABLE rate_limits (id int);`);
  await client.end();
  server.stop();
  writeFileSync(join(dataDir, "standby.signal"), "");
  server = await startEmbedded({ dataDir });
});
afterAll(() => {
  server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("a start, readiness and every statement that changes something know it", async () => {
  expect(await faultOfDatabase(server.url, 5)).toEqual({
    words: expect.stringMatching(/takes no changes: it is a standby \(pg_is_in_recovery\)\.$/),
    passes: true,
  });
  const pool = createPool({
    databaseUrl: server.url,
    databasePoolSize: 2,
    databaseTimeoutSeconds: 5,
  });
  expect(await checkReadiness(pool, [])).toMatchObject({
    ready: false,
    checks: { database: "read-only", migrations: "ok" },
    reason: expect.stringContaining("it is a standby"),
  });
  for (const statement of [
    "INSERT INTO idempotency_keys VALUES (1)",
    // Not read-only is the code of this one: what is not logged is not there.
    "INSERT INTO rate_limits VALUES (1)",
    "SELECT FROM rate_limits",
    "SELECT FROM idempotency_keys FOR UPDATE",
    "SELECT pg_notify('a', 'b')",
    "LISTEN a",
  ]) {
    const err = await pool.query(statement).then(
      () => null,
      (err: unknown) => err,
    );
    expect([statement, String(err), isUnavailable(err)]).toEqual([statement, String(err), true]);
  }
  await pool.end();
});
