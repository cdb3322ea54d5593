/** `bun run db:stats` as an operator runs it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { startEmbedded } from "../../scripts/embedded-postgres.ts";
import { judge, useSince } from "../../src/operations/stats/judge.ts";
import type { Stats } from "../../src/operations/stats/read.ts";
import { masked } from "../../src/operations/stats/text.ts";
import { registerOwner, testApp } from "../support/app.ts";
import { runCommand } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "tenantry-test-stats-"));
const app = testApp();
beforeAll(async () => {
  await registerOwner(app);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const stats = (args: string[] = [], url = app.database.url) =>
  runCommand("db-stats", args, { DATABASE_URL: url });

type Printed = Stats & {
  findings: { what: string }[];
  growth?: { bytes: number; tables: { name: string; rows: number }[] };
  unusedIndexes: { since: string; indexes: string[] };
};
async function read(args: string[] = [], url?: string): Promise<Printed> {
  const { out } = await stats(["--json", ...args], url);
  return JSON.parse(out);
}

test("tables with their size and rows, the months of the audit log as one; indexes with their use", async () => {
  await app.database.query("ANALYZE users");
  const { tables, indexes, unusedIndexes } = await read();
  const log = tables.find(({ name }) => name === "public.audit_log");
  expect(log?.parts).toBeGreaterThan(3);
  expect(tables.filter(({ name }) => name.startsWith("audit.audit_log_"))).toEqual([]);
  expect(tables.find(({ name }) => name === "public.users")?.analyzed).toBeString();
  const byAddress = indexes.find(({ name }) => name === "public.accounts_live_email");
  expect(byAddress).toMatchObject({ table: "accounts", isRule: true, isValid: true });
  const scans = indexes.map((index) => index.scans);
  expect(scans).toEqual(scans.toSorted((a, b) => b - a));
  // Unique ones hold a rule, whoever reads them.
  expect(unusedIndexes.indexes).not.toContain("public.accounts_live_email");
  expect(unusedIndexes.indexes).toContain("public.user_profiles_with_phone");
});

test("after a crash or a restore, when nothing is counted yet, rows are what the planner knows", async () => {
  await app.database.query("SELECT pg_stat_reset()");
  const { tables, findings } = await read();
  expect(tables.find(({ name }) => name === "public.users")?.rows).toBe(1);
  expect(findings).toEqual([]);
});

test("the server's own login sees its connections, and is told what it does not see", async () => {
  const { out, code } = await stats([], app.database.appUrl);
  expect(code).toBe(0);
  expect(out).toContain("GRANT pg_monitor TO …");
  expect((await stats()).out).not.toContain("GRANT pg_monitor");
  const { connections, server } = await read();
  const own = connections.find(({ application }) => application === "tenantry");
  expect(own?.total).toBeGreaterThan(0);
  expect(server.most).toBeGreaterThanOrEqual(server.used);
});

test("who waits for whom, and since when, without what stands in quotes", async () => {
  expect((await read()).waits).toEqual([]);
  const holder = await app.deps.pool.connect();
  const waiter = await app.deps.pool.connect();
  await holder.query("BEGIN; LOCK TABLE tenants IN ACCESS EXCLUSIVE MODE");
  const waiting = waiter.query("SELECT count(*) FROM tenants WHERE name = 'Somebody & Sons'");
  let found: Printed | undefined;
  for (let tries = 0; !found?.waits.length && tries < 5; tries += 1) found = await read();
  expect(found?.waits).toEqual([
    expect.objectContaining({
      waitsWith: "SELECT count(*) FROM tenants WHERE name = '…'",
      holdsWith: expect.stringContaining("LOCK TABLE tenants"),
      holdingState: "idle in transaction",
    }),
  ]);
  expect(found?.transactions[0]?.query).toContain("LOCK TABLE tenants");
  expect((await stats()).out).toMatch(/waits \S+ \S+ for \d+ \(idle in transaction\)\n/);
  await holder.query("ROLLBACK");
  await waiting;
  holder.release();
  waiter.release();
});

test("growth, and the use of indexes, since what was kept of an earlier time", async () => {
  const kept = join(folder, "earlier.json");
  writeFileSync(kept, JSON.stringify(await read()));
  await app.database.query(`
    SET session_replication_role = replica;
    INSERT INTO accounts (id, email) SELECT gen_random_uuid(), 'grown' || n || '@x.example' FROM generate_series(1, 5000) AS n;
    ANALYZE accounts; SELECT pg_stat_force_next_flush()`);
  const { growth, unusedIndexes, at } = await read(["--since", kept]);
  expect(growth?.bytes).toBeGreaterThan(100_000);
  expect(growth?.tables[0]).toMatchObject({ name: "public.accounts" });
  expect(growth?.tables[0]?.rows).toBeGreaterThanOrEqual(5000);
  expect(Date.parse(unusedIndexes.since)).toBeLessThan(Date.parse(at));
  expect((await stats(["--since", kept])).out).toMatch(/^Grown by [\d.]+ [kM]B in /m);

  writeFileSync(
    kept,
    JSON.stringify({ ...(await read()), database: { name: "another", bytes: 1 } }),
  );
  const other = await stats(["--since", kept]);
  expect([other.code, other.err]).toEqual([
    2,
    expect.stringContaining("is of the database another"),
  ]);
  writeFileSync(kept, "{}");
  expect((await stats(["--since", kept])).err).toContain("is not what db:stats --json printed");
});

test("an index that is not valid is found, and the command ends with 1", async () => {
  const set = (valid: boolean) =>
    app.database.query(
      `UPDATE pg_index SET indisvalid = ${valid} WHERE indexrelid = 'users_live_name'::regclass`,
    );
  await set(false);
  const { code, out } = await stats();
  await set(true);
  expect([code, out]).toEqual([
    1,
    expect.stringContaining("the index public.users_live_name is not valid"),
  ]);
  expect((await stats()).code).toBe(0);
});

describe("what is worth a look", () => {
  const nothing = async () => ({ ...(await read()), waits: [], transactions: [] }) as Stats;
  const judged = (stats: Stats) => judge(stats, useSince(stats, null)).map(({ what }) => what);

  test("connections, waits, old transactions, replicas, slots, dead rows, memory, slow statements", async () => {
    const quiet = await nothing();
    expect(judged(quiet)).toEqual([]);
    const statement = { query: "SELECT 1", calls: 10, rows: 1, meanMillis: 101, totalSeconds: 1 };
    const table = { ...(quiet.tables[0] as Stats["tables"][0]), rows: 30_000, dead: 10_001 };
    const wait = {
      waiting: 1,
      holding: 2,
      waitsWith: "",
      holdsWith: "",
      holdingState: "idle",
      seconds: 6,
    };
    const cases: [string, Partial<Stats>][] = [
      ["91 of 100 connections", { server: { used: 91, most: 100 } }],
      ["process 1 has waited 6 s for 2", { waits: [wait] }],
      [
        "has lasted 301 s",
        {
          transactions: [
            { pid: 3, application: "x", state: "idle in transaction", query: "", seconds: 301 },
          ],
        },
      ],
      [
        "the replica far is 61 s behind",
        { replicas: [{ name: "far", state: "streaming", sync: "async", bytes: 1, seconds: 61 }] },
      ],
      ["the replication slot gone", { slots: [{ name: "gone", active: false, bytes: 2 ** 31 }] }],
      ["10001 dead rows", { tables: [table] }],
      ["does not know 20000 changes", { tables: [{ ...table, dead: 0, changes: 20_000 }] }],
      ["90.0 % of the pages", { database: { ...quiet.database, hits: 9e6, reads: 1e6 } }],
      ["million transactions old", { database: { ...quiet.database, transactionAge: 1.1e9 } }],
      ["1 kinds of statements", { statements: { kept: true, slow: [statement], busiest: [] } }],
    ];
    for (const [what, change] of cases)
      expect([what, judged({ ...quiet, ...change })]).toEqual([
        what,
        [expect.stringContaining(what)],
      ]);
  });

  test("an index without use, once it had a week to be used", async () => {
    const quiet = await nothing();
    const ago = (days: number) => new Date(Date.parse(quiet.at) - days * 86_400_000).toISOString();
    const since = (days: number) =>
      judged({ ...quiet, database: { ...quiet.database, countedSince: ago(days) } });
    expect(since(6)).toEqual([]);
    expect(since(8)).toEqual([
      expect.stringMatching(/^\d+ indexes were not used in 8 days: public\./),
    ]);
  });
});

test("no text in quotes is shown, whatever the quotes", () => {
  expect(masked("SELECT 'it''s' || $tag$ secret $tag$ || $$x$$,\n  E'y' FROM t")).toBe(
    "SELECT '…' || '…' || '…', E'…' FROM t",
  );
  expect(masked("ALTER ROLE x PASSWORD 'cut off in the mid")).toBe("ALTER ROLE x PASSWORD '…'");
});

test("slow statements: a sentence where pg_stat_statements is not set up, and rows where it is, in another database", async () => {
  expect((await stats()).out).toContain(
    "pg_stat_statements is not set up: shared_preload_libraries",
  );
  const options = { dataDir: join(folder, "postgres"), disposable: true };
  const first = await startEmbedded(options);
  await onServer(first.url, "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'");
  first.stop();
  const server = await startEmbedded(options);
  try {
    await onServer(server.url, "CREATE DATABASE tenantry");
    const url = server.url.replace(/\/postgres$/, "/tenantry");
    expect((await stats([], url)).out).toContain("pg_stat_statements is not set up");
    await onServer(server.url, "CREATE EXTENSION pg_stat_statements");
    await onServer(url, "SELECT pg_sleep(0.15)");
    await onServer(url, "CREATE ROLE secretive PASSWORD 'a long one that nobody is to see'");
    const { statements } = await read([], url);
    expect(statements).toMatchObject({
      kept: true,
      slow: [{ calls: 1, query: "SELECT pg_sleep($1)" }],
    });
    expect((await stats([], url)).out).not.toContain("nobody is to see");
  } finally {
    server.stop();
  }
});

test("what cannot be done is said in a line, and ends with 2", async () => {
  const cases: [string[], string | undefined, string][] = [
    [[], undefined, "DATABASE_URL: is required"],
    [
      [],
      "postgresql://u:secret@127.0.0.1:1/x",
      "127.0.0.1:1 does not answer: nothing listens there",
    ],
    [[], "postgresql://u:sec/ret@127.0.0.1/x", "Percent-encode these"],
    [["--sinse", "x"], app.database.url, "--sinse"],
    [["more"], app.database.url, 'Unexpected argument "more"'],
    [["--since", "/nowhere"], app.database.url, "/nowhere is not what"],
  ];
  for (const [args, url, message] of cases) {
    const { code, out, err } = await runCommand("db-stats", args, url ? { DATABASE_URL: url } : {});
    expect([code, out, err]).toEqual([2, "", expect.stringContaining(message)]);
    expect(err).toStartWith("error: ");
    expect(err).not.toContain("    at ");
    expect(err).not.toMatch(/sec\/?ret/);
  }
  const help = await stats(["--help"]);
  expect([help.code, help.out]).toEqual([0, expect.stringContaining("--since FILE")]);
});

async function onServer(url: string, sql: string): Promise<void> {
  const once = new pg.Client({ connectionString: url });
  await once.connect();
  await once.query(sql).finally(() => once.end());
}
