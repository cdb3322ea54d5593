/** Partitioning the audit log moves every row to its month, and its rollback brings every row back. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { shippedMigrations } from "../../src/health/readiness.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

const FOLDER = join(import.meta.dir, "..", "..", "prisma", "migrations");
const MIGRATION = "20261121200000_partition_audit_log";

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createDatabase({ template: false });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  // A server that is not set to UTC: the months are those of UTC all the same.
  await client.query("SET TIME ZONE 'America/St_Johns'");
  for (const migration of shippedMigrations(FOLDER).filter((name) => name < MIGRATION))
    await apply(migration, "migration.sql");
  await client.query(`
    INSERT INTO audit_log (id, tenant_id, action, resource_type, details, ip, created_at)
    SELECT gen_random_uuid(), CASE WHEN n % 3 > 0 THEN gen_random_uuid() END, 'test.done', 'test',
      jsonb_build_object('n', n), '203.0.113.7', timestamptz '2025-12-31 23:59:59.5+00' + n * interval '11 hours'
    FROM generate_series(0, 999) AS n`);
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

async function apply(migration: string, file: string): Promise<void> {
  await client.query(readFileSync(join(FOLDER, migration, file), "utf8"));
}

async function rows(): Promise<unknown[]> {
  return (await client.query("SELECT * FROM audit_log ORDER BY created_at, id")).rows;
}

test("every row is in its month, and after the rollback and once more it is still there", async () => {
  const before = await rows();
  expect(before).toHaveLength(1000);
  await apply(MIGRATION, "migration.sql");
  expect(await rows()).toEqual(before);
  const { rows: misplaced } = await client.query(
    `SELECT FROM audit_log WHERE tableoid::regclass::text <> 'audit.audit_log_' || to_char(created_at AT TIME ZONE 'UTC', 'YYYY_MM')`,
  );
  expect(misplaced).toEqual([]);
  const { rows: own } = await client.query("SELECT FROM audit.audit_log_2025_12");
  expect(own).toHaveLength(1);

  await apply(MIGRATION, "rollback.sql");
  expect(await rows()).toEqual(before);
  await expect(client.query("DELETE FROM audit_log")).rejects.toThrow("append-only");
  await apply(MIGRATION, "migration.sql");
  expect(await rows()).toEqual(before);
});
