/** Row-level security: what the server's login sees and may write, whatever SQL it sends. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import pg from "pg";
import { createTestApp, registerOwner, type TestApp } from "../support/app.ts";
import { fillTenant } from "./fill-tenant.ts";

let app: TestApp;
let client: pg.Client;
let ours: Awaited<ReturnType<typeof registerOwner>>;
let theirs: Awaited<ReturnType<typeof registerOwner>>;
/** All but user_search, which the login may not touch at all: search.test.ts. */
let tables: string[];

beforeAll(async () => {
  app = await createTestApp();
  [ours, theirs] = [await registerOwner(app), await registerOwner(app)];
  for (const owner of [ours, theirs]) await fillTenant(app, owner);
  client = new pg.Client({ connectionString: app.database.appUrl });
  await client.connect();
  const { rows } = await app.deps.pool.query<{ name: string }>(
    `SELECT DISTINCT table_name AS name FROM information_schema.columns
     WHERE table_schema = 'public' AND column_name = 'tenant_id' AND table_name <> 'user_search' ORDER BY name`,
  );
  tables = rows.map(({ name }) => name);
});
afterAll(async () => {
  await client.end();
  await app.close();
});

/** Runs work on one connection in a scope, and takes it back. */
async function within<T>(scope: string | null, work: () => Promise<T>): Promise<T> {
  await client.query("BEGIN");
  if (scope !== null) await client.query(`SET LOCAL tenantry.scope = '${scope}'`);
  try {
    return await work();
  } finally {
    await client.query("ROLLBACK");
  }
}

async function tenantsSeen(table: string, column = "tenant_id"): Promise<(string | null)[]> {
  const { rows } = await client.query<{ id: string | null }>(
    `SELECT DISTINCT ${column} AS id FROM ${table}`,
  );
  return rows.map(({ id }) => id);
}

test("R60: the server's login owns nothing, is no superuser and evades no policy", async () => {
  const { rows } = await client.query(
    `SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb,
       EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid) AS owns
     FROM pg_roles WHERE rolname = current_user`,
  );
  expect(rows).toEqual([
    { rolsuper: false, rolbypassrls: false, rolcreaterole: false, rolcreatedb: false, owns: false },
  ]);
  for (const sql of [
    "ALTER TABLE users DISABLE ROW LEVEL SECURITY",
    "CREATE TABLE mine (id int)",
    "DROP TABLE users",
    "TRUNCATE audit_log",
    "UPDATE audit_log SET action = action",
    "DELETE FROM audit_log",
    "INSERT INTO permissions VALUES ('a:b', 'c')",
    "SET ROLE postgres",
  ])
    await expect(client.query(sql)).rejects.toMatchObject({ code: "42501" });
});

test("R60: every table with a tenant has row-level security, forced, and a policy", async () => {
  const { rows } = await client.query<{ name: string; on: boolean; policies: number }>(
    `SELECT relname AS name, relrowsecurity AND relforcerowsecurity AS on,
       (SELECT count(*)::int FROM pg_policy WHERE polrelid = pg_class.oid) AS policies
     FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname = ANY($1) ORDER BY relname`,
    [[...tables, "tenants"]],
  );
  expect(rows.length).toBe(tables.length + 1);
  for (const { name, on, policies } of rows)
    expect([name, on, policies > 0]).toEqual([name, true, true]);
});

test("R60: a raw query without a scope sees no row of any tenant", async () => {
  for (const table of tables) {
    const seen = (await tenantsSeen(table)).filter((id) => id !== null);
    expect([table, seen]).toEqual([table, []]);
  }
  expect(await tenantsSeen("tenants", "id")).toEqual([]);
  for (const scope of ["", "x", "null", ours.id])
    expect(await within(scope, () => tenantsSeen("users"))).toEqual([]);
});

test("R60: in a tenant's scope a raw query sees that tenant's rows alone, in every table", async () => {
  for (const table of tables) {
    const seen = await within(ours.tenantId, () => tenantsSeen(table));
    const shared = ["roles", "role_permissions"].includes(table) ? [null] : [];
    expect([table, seen.toSorted()]).toEqual([table, [ours.tenantId, ...shared].toSorted()]);
  }
  expect(await within(ours.tenantId, () => tenantsSeen("tenants", "id"))).toEqual([ours.tenantId]);
});

test("R60: the platform's scope sees every tenant", async () => {
  const seen = await within("platform", () => tenantsSeen("users"));
  expect(seen).toEqual(expect.arrayContaining([ours.tenantId, theirs.tenantId]));
});

test("R60: in a tenant's scope no row of another one can be written, changed or deleted", async () => {
  for (const table of tables) {
    // These take new rows alone, whosever they are.
    if (["audit_log", "audit_seals"].includes(table)) continue;
    for (const sql of [
      `UPDATE ${table} SET tenant_id = tenant_id WHERE tenant_id = '${theirs.tenantId}'`,
      `DELETE FROM ${table} WHERE tenant_id = '${theirs.tenantId}'`,
    ]) {
      const { rowCount } = await within(ours.tenantId, () => client.query(sql));
      expect([sql, rowCount]).toEqual([sql, 0]);
    }
    // Taking a row of one's own over to another tenant is a write to that tenant.
    const move = `UPDATE ${table} SET tenant_id = '${theirs.tenantId}'`;
    await expect(within(ours.tenantId, () => client.query(move))).rejects.toMatchObject({
      code: expect.stringMatching(/^(42501|23\d\d\d)$/),
    });
  }
  const insert = `INSERT INTO users (id, tenant_id, email) VALUES (gen_random_uuid(), '${theirs.tenantId}', 'x@x.example')`;
  await expect(within(ours.tenantId, () => client.query(insert))).rejects.toMatchObject({
    code: "42501",
  });
  const audit = `INSERT INTO audit_log (id, tenant_id, action, resource_type) VALUES (gen_random_uuid(), '${theirs.tenantId}', 'a.b', 'c')`;
  await expect(within(ours.tenantId, () => client.query(audit))).rejects.toMatchObject({
    code: "42501",
  });
});

test("R60: nobody but the platform changes a system role", async () => {
  const sql = "UPDATE roles SET description = 'mine' WHERE tenant_id IS NULL";
  expect((await within(ours.tenantId, () => client.query(sql))).rowCount).toBe(0);
  expect((await within("platform", () => client.query(sql))).rowCount).toBe(5);
});

test("both forms of the rule let the same rows through: the scope's own, all for the platform, none without a scope", async () => {
  const own = ours.tenantId;
  // On a connection that has never had one a setting is NULL; afterwards it is empty.
  const fresh = new pg.Client({ connectionString: app.database.appUrl });
  await fresh.connect();
  const scopes = [null, "", "platform", "PLATFORM", own, own.toUpperCase(), `${own} `, "none"];
  for (const scope of scopes)
    for (const row of [own, theirs.tenantId, null]) {
      if (scope !== null)
        await fresh.query("SELECT set_config('tenantry.scope', $1, false)", [scope]);
      const { rows } = await fresh.query(
        `SELECT in_scope($1::uuid) AS each, in_scope($1::uuid, (SELECT current_setting('tenantry.scope', true))) AS once`,
        [row],
      );
      const seen = scope === "platform" || (scope === own && row === own);
      expect([scope, row, rows[0]]).toEqual([scope, row, { each: seen, once: seen }]);
    }
  await fresh.end();
});

test("the policies are written out into the query, and those of users and audit_log read the scope once", async () => {
  for (const [table, initPlans] of [
    ["users", 1],
    ["audit_log", 1],
    ["user_roles", 0],
    ["tenants", 0],
  ] as const) {
    const { rows } = await client.query<Record<string, string>>(`EXPLAIN SELECT FROM ${table}`);
    const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
    expect(plan).not.toContain("in_scope");
    expect([table, plan.match(/InitPlan \d+\b(?!\))/g)?.length ?? 0]).toEqual([table, initPlans]);
    expect(plan.match(/current_setting/g)?.length ?? 0).toBeLessThanOrEqual(1);
  }
});
