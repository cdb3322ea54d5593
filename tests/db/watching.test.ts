/** docs/operations/database.md: its queries run, and answer what they are said to answer. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { startEmbedded } from "../../scripts/embedded-postgres.ts";
import { createTestApp, registerOwner, type TestApp } from "../support/app.ts";

const page = readFileSync(
  join(import.meta.dir, "..", "..", "docs", "operations", "database.md"),
  "utf8",
);
const queries = [...page.matchAll(/```sql\n([\s\S]+?)```/g)].map(([, sql = ""]) => sql);
const query = (mark: string) => queries.find((sql) => sql.includes(mark)) ?? `no query on ${mark}`;

let app: TestApp;
let client: pg.Client;
beforeAll(async () => {
  app = await createTestApp();
  await registerOwner(app);
  client = new pg.Client({ connectionString: app.database.url, application_name: "watcher" });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await app.close();
});

async function rowsOf(mark: string) {
  return (await client.query<Record<string, unknown>>(query(mark))).rows;
}

test("indexes with their use, the most used first", async () => {
  await client.query("SELECT pg_stat_force_next_flush()");
  const rows = await rowsOf("pg_stat_user_indexes");
  expect(rows.map(({ index }) => index)).toContain("accounts_live_email");
  const scans = rows.map((row) => Number(row.scans));
  expect(scans).toEqual(scans.toSorted((a, b) => b - a));
});

test("tables with their size, the audit log's months among them", async () => {
  const rows = await rowsOf("pg_total_relation_size");
  expect(rows).toHaveLength(20);
  expect(rows.map(({ table }) => String(table)).some((name) => /^audit_log_/.test(name))).toBe(
    true,
  );
});

test("connections of the instances, by name", async () => {
  const rows = await rowsOf("max_connections");
  const tenantry = rows.find((row) => row.application_name === "tenantry");
  expect(Number(tenantry?.total)).toBeGreaterThan(0);
  expect(rows.find((row) => row.application_name === "watcher")).toMatchObject({ active: "1" });
});

test("who waits for whom", async () => {
  expect(await rowsOf("pg_blocking_pids")).toEqual([]);
  const holder = await app.deps.pool.connect();
  const waiter = await app.deps.pool.connect();
  await holder.query("BEGIN; LOCK TABLE tenants IN ACCESS EXCLUSIVE MODE");
  const waiting = waiter.query("SELECT count(*) FROM tenants");
  let rows: Record<string, unknown>[] = [];
  for (let tries = 0; rows.length === 0 && tries < 200; tries += 1) {
    rows = await rowsOf("pg_blocking_pids");
    if (rows.length === 0) await Bun.sleep(20);
  }
  expect(rows).toEqual([
    expect.objectContaining({
      waits_with: "SELECT count(*) FROM tenants",
      holds_with: expect.stringContaining("LOCK TABLE tenants"),
    }),
  ]);
  await holder.query("ROLLBACK");
  await waiting;
  holder.release();
  waiter.release();
});

test("tables whose statistics are old", async () => {
  await client.query("ANALYZE users");
  const users = (await rowsOf("n_mod_since_analyze")).find((row) => row.table === "users");
  expect(users?.analyzed).toBeInstanceOf(Date);
});

test("slow statements, once pg_stat_statements is set up as the page says", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tenantry-test-watching-"));
  const options = { dataDir: join(folder, "postgres"), disposable: true };
  const [, library = ""] = /shared_preload_libraries = ('\w+')/.exec(page) ?? [];
  try {
    const first = await startEmbedded(options);
    await onServer(first.url, `ALTER SYSTEM SET shared_preload_libraries = ${library}`);
    first.stop();
    const server = await startEmbedded(options);
    try {
      await onServer(server.url, "CREATE EXTENSION pg_stat_statements");
      await onServer(server.url, "SELECT pg_sleep(0.15)");
      const rows = await onServer(server.url, query("mean_exec_time"));
      expect(rows).toEqual([
        { mean_ms: expect.any(String), calls: "1", rows: "1", query: "SELECT pg_sleep($1)" },
      ]);
    } finally {
      server.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);

test("no query of the page is without its test", () => {
  expect(queries).toHaveLength(6);
});

async function onServer(url: string, sql: string) {
  const once = new pg.Client({ connectionString: url });
  await once.connect();
  try {
    return (await once.query(sql)).rows;
  } finally {
    await once.end();
  }
}
