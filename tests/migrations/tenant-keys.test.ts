/** Rows from before the keys by id and tenant: what somebody who moved has left goes along, anything else stops the deploy. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { shippedMigrations } from "../../src/health/readiness.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

const FOLDER = join(import.meta.dir, "..", "..", "prisma", "migrations");
const FIRST = "20261130140000_index_users_by_id_and_tenant";
const KEYS = "20261130140002_add_tenant_keys";
const VALIDATE = "20261130140003_validate_tenant_keys";

const [A, B, MOVED, ROLE, SESSION] = ["a1", "b1", "c1", "d1", "e1"].map(
  (end) => `00000000-0000-7000-8000-0000000000${end}`,
);

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createDatabase({ template: false });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  for (const migration of shippedMigrations(FOLDER).filter((name) => name < FIRST))
    await apply(migration);
  await client.query(`
    INSERT INTO tenants (id, slug, name) VALUES ('${A}', 'aa', 'A'), ('${B}', 'bb', 'B');
    INSERT INTO users (id, tenant_id, email) VALUES ('${MOVED}', '${B}', 'moved@x.example');
    INSERT INTO roles (id, tenant_id, name) VALUES ('${ROLE}', '${A}', 'custom');
    -- What was left in A.
    INSERT INTO sessions (id, user_id, tenant_id, amr, ip, user_agent, idle_expires_at, expires_at, revoked_at, revoked_reason)
      VALUES ('${SESSION}', '${MOVED}', '${A}', '{pwd}', '192.0.2.1', 'x', now() + interval '1 day', now() + interval '1 day', now(), 'tenant_left');
    INSERT INTO refresh_tokens (id, session_id, tenant_id, token_hash, expires_at)
      VALUES (gen_random_uuid(), '${SESSION}', '${A}', sha256('x'), now() + interval '1 day');
    INSERT INTO api_keys (id, user_id, tenant_id, name, prefix, key_hash, scopes, revoked_at)
      VALUES (gen_random_uuid(), '${MOVED}', '${A}', 'Key', 'tnk_abcdefgh', sha256('x'), '{user:read}', now());
    INSERT INTO one_time_tokens (id, purpose, user_id, tenant_id, token_hash, expires_at, used_at)
      VALUES (gen_random_uuid(), 'magic_link', '${MOVED}', '${A}', sha256('x'), now() + interval '1 hour', now());
    INSERT INTO idempotency_keys (id, user_id, tenant_id, route, key, request_hash, expires_at)
      VALUES (gen_random_uuid(), '${MOVED}', '${A}', 'x', 'x', sha256('x'), now() + interval '1 day'),
        (gen_random_uuid(), gen_random_uuid(), '${A}', 'x', 'x', sha256('x'), now() + interval '1 day');
    -- What only somebody at a prompt, or an attacker, has written.
    INSERT INTO role_permissions (role_id, permission_key, tenant_id)
      VALUES ('00000000-0000-7000-8000-000000000004', 'user:delete', '${A}');
    INSERT INTO user_roles (user_id, role_id, tenant_id) VALUES ('${MOVED}', '${ROLE}', '${B}');`);
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

async function apply(migration: string, file = "migration.sql"): Promise<void> {
  await client.query(readFileSync(join(FOLDER, migration, file), "utf8"));
}

async function tenantsOf(table: string): Promise<unknown[]> {
  return (await client.query(`SELECT DISTINCT tenant_id FROM ${table}`)).rows;
}

test("the keys come while such rows are there, and hold for new ones; the look at the old ones names what must not be", async () => {
  for (const migration of shippedMigrations(FOLDER).filter((name) => name >= FIRST && name <= KEYS))
    await apply(migration);
  await expect(
    client.query(`INSERT INTO role_permissions (role_id, permission_key, tenant_id)
      VALUES ('00000000-0000-7000-8000-000000000004', 'role:assign', '${A}')`),
  ).rejects.toMatchObject({ code: "23503" });

  await expect(apply(VALIDATE)).rejects.toMatchObject({
    message: "rows name rows of another tenant: role_permissions: 1, user_roles (role): 1",
    hint: expect.stringContaining(`resolve --rolled-back ${VALIDATE}`),
  });
  // It was one transaction: nothing is gone.
  expect(await tenantsOf("api_keys")).toEqual([{ tenant_id: A }]);
});

test("what somebody has left who moved is deleted or goes along, and tells the new tenant no device and no address", async () => {
  await client.query(
    "DELETE FROM role_permissions WHERE tenant_id IS NOT NULL; DELETE FROM user_roles",
  );
  await apply(VALIDATE);
  for (const table of ["api_keys", "one_time_tokens", "idempotency_keys"])
    expect([table, await tenantsOf(table)]).toEqual([table, []]);
  const { rows } = await client.query(
    `SELECT sessions.tenant_id AS session, refresh_tokens.tenant_id AS token, ip, user_agent, revoked_reason
     FROM sessions JOIN refresh_tokens ON session_id = sessions.id`,
  );
  expect(rows).toEqual([
    { session: B, token: B, ip: null, user_agent: null, revoked_reason: "tenant_left" },
  ]);
  const { rows: open } = await client.query("SELECT FROM pg_constraint WHERE NOT convalidated");
  expect(open).toEqual([]);
});
