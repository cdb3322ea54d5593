/** The tables that clients, reports and imports rely on: columns with their types, keys, and what goes when a row goes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import pg from "pg";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { FIXTURE, IDS } from "./fixture.ts";

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(FIXTURE);
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const MOMENT = "timestamp(3) with time zone";
const CREATED = `${MOMENT} not null default CURRENT_TIMESTAMP`;
const DELETABLE = { is_deleted: "boolean not null default false", deleted_at: MOMENT };
const WRITTEN = {
  created_by: "uuid",
  updated_by: "uuid",
  created_at: CREATED,
  updated_at: CREATED,
};

const COLUMNS: Record<string, Record<string, string>> = {
  tenants: {
    id: "uuid not null",
    slug: "character varying(63) not null",
    name: "character varying(120) not null",
    name_skeleton: "character varying(400)",
    name_folded: "character varying(400)",
    status: "tenant_status not null default 'active'",
    settings: "jsonb not null default '{}'",
    ...WRITTEN,
    ...DELETABLE,
  },
  accounts: {
    id: "uuid not null",
    pool_id: "uuid",
    email: "character varying(255) not null",
    pending_email: "character varying(255)",
    email_verified_at: MOMENT,
    password_hash: "character varying(255)",
    password_origin: "password_origin not null default 'tenant'",
    login_attempts: "smallint not null default 0",
    locked_until: MOMENT,
    ...DELETABLE,
  },
  users: {
    id: "uuid not null",
    tenant_id: "uuid",
    email: "character varying(255) not null",
    account_id: "uuid",
    pending_email: "character varying(255)",
    first_name: "character varying(120)",
    last_name: "character varying(120)",
    status: "user_status not null default 'active'",
    email_verified_at: MOMENT,
    last_login_at: MOMENT,
    ...WRITTEN,
    ...DELETABLE,
  },
  user_profiles: {
    user_id: "uuid not null",
    phone: "character varying(16)",
    avatar_url: "character varying(500)",
    timezone: "character varying(64)",
    language: "character varying(35)",
    preferences: "jsonb not null default '{}'",
  },
  roles: { id: "uuid not null", tenant_id: "uuid", name: "character varying(50) not null" },
  permissions: { key: "character varying(64) not null" },
  role_permissions: { role_id: "uuid not null", permission_key: "character varying(64) not null" },
  user_roles: { user_id: "uuid not null", role_id: "uuid not null", granted_by: "uuid" },
  sessions: {
    id: "uuid not null",
    account_id: "uuid not null",
    user_agent: "character varying(512)",
    ip: "inet",
    last_used_at: CREATED,
    expires_at: `${MOMENT} not null`,
    revoked_at: MOMENT,
    revoked_reason: "character varying(32)",
    created_at: CREATED,
  },
  session_users: {
    session_id: "uuid not null",
    user_id: "uuid not null",
    tenant_id: "uuid",
    ip: "inet",
    last_used_at: CREATED,
    revoked_at: MOMENT,
    revoked_reason: "character varying(32)",
    created_at: CREATED,
  },
  refresh_tokens: {
    id: "uuid not null",
    session_id: "uuid not null",
    token_hash: "bytea not null",
    used_at: MOMENT,
    expires_at: `${MOMENT} not null`,
    created_at: CREATED,
  },
  audit_log: {
    id: "uuid not null",
    tenant_id: "uuid",
    actor_id: "uuid",
    action: "character varying(64) not null",
    resource_type: "character varying(50) not null",
    resource_id: "uuid",
    outcome: "audit_outcome not null default 'success'",
    details: "jsonb not null default '{}'",
    ip: "inet",
    user_agent: "character varying(512)",
    created_at: CREATED,
  },
};

describe("the columns that are relied on, with type, default and NOT NULL", () => {
  test.each(Object.entries(COLUMNS))("%s", async (table, columns) => {
    const { rows } = await client.query<{ name: string; definition: string }>(
      `SELECT attname AS name, concat_ws(' ', format_type(atttypid, atttypmod),
         CASE WHEN attnotnull THEN 'not null' END,
         'default ' || regexp_replace(pg_get_expr(adbin, adrelid), '::[a-z_. ]+$', '')) AS definition
       FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
       WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`,
      [table],
    );
    const found = Object.fromEntries(rows.map(({ name, definition }) => [name, definition]));
    expect(found).toMatchObject(columns);
  });

  test("every moment has a time zone, every JSON is jsonb, and no text is without a length but what is derived", async () => {
    const { rows } = await client.query(
      `SELECT table_name || '.' || column_name AS "column", data_type FROM information_schema.columns
       WHERE table_schema = 'public' AND table_name <> '_prisma_migrations'
         AND data_type IN ('timestamp without time zone', 'json', 'text')
         AND table_name IN (SELECT tablename FROM pg_tables WHERE schemaname = 'public')`,
    );
    expect(rows.map(({ column, data_type }) => `${column} ${data_type}`).toSorted()).toEqual([
      "user_search.text text",
      "users.search_text text",
    ]);
  });
});

describe("the indexes that are relied on", () => {
  test.each([
    ["tenants", "UNIQUE (slug)"],
    ["accounts", "UNIQUE (email, pool_id) NULLS NOT DISTINCT WHERE (NOT is_deleted)"],
    ["users", "(account_id)"],
    ["users", "UNIQUE (tenant_id, email) NULLS NOT DISTINCT WHERE (NOT is_deleted)"],
    ["users", "(tenant_id, id)"],
    ["users", "(tenant_id, created_at, id) WHERE (NOT is_deleted)"],
    ["users", "(tenant_id, email, id) WHERE (NOT is_deleted)"],
    ["user_profiles", "(phone) WHERE (phone IS NOT NULL)"],
    ["user_roles", "(role_id, tenant_id)"],
    ["sessions", "(account_id)"],
    ["session_users", "(user_id)"],
    ["session_users", "(tenant_id)"],
    ["sessions", "(expires_at)"],
    ["sessions", "(account_id, created_at, id) WHERE (revoked_at IS NULL)"],
    ["refresh_tokens", "UNIQUE (token_hash)"],
    ["refresh_tokens", "(session_id)"],
    ["refresh_tokens", "(session_id, expires_at) WHERE (used_at IS NULL)"],
    ["audit_log", "(tenant_id, actor_id, created_at, id)"],
    ["audit_log", "(tenant_id, action, created_at, id)"],
    ["audit_log", "(tenant_id, resource_type, resource_id, created_at, id)"],
    ["audit_log", "(created_at, id)"],
  ])("%s %s", async (table, definition) => {
    const { rows } = await client.query<{ indexdef: string }>(
      "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = $1",
      [table],
    );
    const short = rows.map(({ indexdef }) =>
      indexdef.replace(/^CREATE (UNIQUE )?INDEX .+ USING btree /, "$1"),
    );
    expect(short).toContain(definition);
  });
});

test("a user who is deleted for good takes profile, roles and sessions with refresh tokens along, and no audit row", async () => {
  await client.query("BEGIN");
  await client.query(
    `INSERT INTO user_profiles (user_id, tenant_id) VALUES ('${IDS.user}', '${IDS.tenant}');
     INSERT INTO user_roles (user_id, role_id, tenant_id) VALUES ('${IDS.user}', '${IDS.role}', '${IDS.tenant}');
     INSERT INTO audit_log (id, actor_id, action, resource_type) VALUES ('${IDS.fresh}', '${IDS.user}', 'test.done', 'test');`,
  );
  const counts = async () => {
    const { rows } = await client.query(
      `SELECT (SELECT count(*)::int FROM user_profiles) AS profiles, (SELECT count(*)::int FROM user_roles) AS roles,
         (SELECT count(*)::int FROM sessions) AS sessions, (SELECT count(*)::int FROM refresh_tokens) AS tokens,
         (SELECT count(*)::int FROM audit_log WHERE actor_id = '${IDS.user}') AS audited`,
    );
    return rows[0];
  };
  expect(await counts()).toEqual({ profiles: 1, roles: 1, sessions: 2, tokens: 2, audited: 1 });
  await client.query(`DELETE FROM users WHERE id = '${IDS.user}'`);
  expect(await counts()).toEqual({ profiles: 0, roles: 0, sessions: 0, tokens: 0, audited: 1 });
  await client.query("ROLLBACK");
});

test("a user has one profile, and a row of a user, tenant or role that is not there is refused", async () => {
  const profile = `INSERT INTO user_profiles (user_id) VALUES ('${IDS.deleted}')`;
  await client.query(profile);
  const refused: [string, RegExp][] = [
    [profile, /^23505$/],
    [`INSERT INTO user_profiles (user_id) VALUES ('${IDS.fresh}')`, /^23503$/],
    [`UPDATE users SET tenant_id = '${IDS.fresh}' WHERE id = '${IDS.user}'`, /^23503$/],
    [`INSERT INTO user_roles (user_id, role_id) VALUES ('${IDS.user}', '${IDS.fresh}')`, /^23503$/],
    // PostgreSQL 18 has a code of its own for RESTRICT.
    [`DELETE FROM tenants WHERE id = '${IDS.tenant}'`, /^23(001|503)$/],
  ];
  for (const [sql, code] of refused) {
    const failure = await client.query(sql).catch((err) => err.code);
    expect([sql, failure]).toEqual([sql, expect.stringMatching(code)]);
  }
});
