/** What triggers do: refuse changes of the audit log, and tell every instance of what ended or changed. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import pg from "pg";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { FIXTURE, IDS } from "./fixture.ts";

let database: TestDatabase;
let client: pg.Client;
let heard: string[] = [];
beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(FIXTURE);
  await client.query(
    "INSERT INTO audit_log (id, action, resource_type) VALUES ($1, 'test.done', 'test')",
    [IDS.fresh],
  );
  await client.query(
    "INSERT INTO audit_archives (month, row_count, sha256, mac) VALUES ('2020-01', 1, sha256('x'), sha256('x'))",
  );
  await client.query(
    "INSERT INTO audit_keys (id, sealed) VALUES (substring(sha256('x'), 1, 8), 'x')",
  );
  client.on("notification", ({ channel, payload }) => heard.push(`${channel} ${payload}`));
  await client.query("LISTEN session_revoked");
  await client.query("LISTEN grants_changed");
  await client.query("LISTEN api_keys_changed");
  await client.query("LISTEN signing_keys_changed");
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

/** What is heard of a statement. Notifications come before the answer to the query after them. */
async function hearing(sql: string): Promise<string[]> {
  heard = [];
  await client.query(sql);
  await client.query("SELECT 1");
  return heard.sort();
}

const grant = (role: string) =>
  `INSERT INTO user_roles (user_id, role_id, tenant_id) VALUES ('${IDS.user}', '${role}', '${IDS.tenant}')`;

const CASES: { trigger: string; sql: string; heard: string[] }[] = [
  { trigger: "user_roles_notify", sql: grant(IDS.role), heard: [`grants_changed ${IDS.user}`] },
  {
    trigger: "user_roles_notify",
    sql: "UPDATE user_roles SET granted_by = user_id",
    heard: [`grants_changed ${IDS.user}`],
  },
  {
    trigger: "user_roles_notify",
    sql: "DELETE FROM user_roles",
    heard: [`grants_changed ${IDS.user}`],
  },
  {
    trigger: "role_permissions_notify",
    sql: `INSERT INTO role_permissions (role_id, permission_key, tenant_id) VALUES ('${IDS.role}', 'user:read', '${IDS.tenant}')`,
    heard: ["grants_changed *"],
  },
  {
    trigger: "role_permissions_notify",
    sql: `UPDATE role_permissions SET permission_key = 'user:create' WHERE role_id = '${IDS.role}'`,
    heard: ["grants_changed *"],
  },
  {
    trigger: "role_permissions_notify",
    sql: `DELETE FROM role_permissions WHERE role_id = '${IDS.role}'`,
    heard: ["grants_changed *"],
  },
  ...[
    "INSERT INTO permissions (key, description) VALUES ('acme:a:b', 'x')",
    "UPDATE permissions SET key = 'acme:a:c' WHERE key = 'acme:a:b'",
    "DELETE FROM permissions WHERE key = 'acme:a:c'",
  ].map((sql) => ({ trigger: "permissions_notify", sql, heard: ["grants_changed *"] })),
  {
    trigger: "sessions_notify_revoked",
    sql: `UPDATE sessions SET last_used_at = now() WHERE id = '${IDS.session}'`,
    heard: [],
  },
  {
    trigger: "sessions_notify_revoked",
    sql: `UPDATE sessions SET revoked_at = now(), revoked_reason = 'logout' WHERE id = '${IDS.session}'`,
    heard: [`session_revoked ${IDS.session}`],
  },
  {
    trigger: "sessions_notify_revoked",
    sql: `UPDATE sessions SET revoked_at = now() WHERE id = '${IDS.session}'`,
    heard: [],
  },
  {
    trigger: "sessions_notify_deleted",
    sql: `DELETE FROM sessions WHERE id = '${IDS.session}'`,
    heard: [`session_revoked ${IDS.session}`],
  },
  {
    trigger: "session_users_notify_revoked",
    sql: "UPDATE session_users SET last_used_at = now()",
    heard: [],
  },
  {
    trigger: "users_notify_account",
    sql: `UPDATE users SET account_id = '${IDS.free}' WHERE id = '${IDS.renamed}'`,
    heard: [`grants_changed ${IDS.renamed}`],
  },
  {
    trigger: "api_keys_notify",
    sql: "UPDATE api_keys SET last_used_at = now()",
    heard: [],
  },
  {
    trigger: "api_keys_notify",
    sql: "UPDATE api_keys SET revoked_at = now()",
    heard: ["api_keys_changed *"],
  },
  {
    trigger: "users_notify_api_keys",
    sql: `UPDATE users SET status = 'disabled', first_name = 'A' WHERE id = '${IDS.user}'`,
    heard: ["api_keys_changed *"],
  },
  {
    trigger: "users_notify_api_keys",
    sql: `UPDATE users SET status = 'disabled', first_name = 'B' WHERE id = '${IDS.user}'`,
    heard: [],
  },
  {
    trigger: "tenants_notify_api_keys",
    sql: `UPDATE tenants SET status = 'suspended' WHERE id = '${IDS.tenant}'`,
    heard: ["api_keys_changed *"],
  },
  {
    trigger: "tenants_notify_api_keys",
    sql: `UPDATE tenants SET name = 'B' WHERE id = '${IDS.tenant}'`,
    heard: [],
  },
  {
    trigger: "api_keys_notify_deleted",
    sql: "DELETE FROM api_keys",
    heard: ["api_keys_changed *"],
  },
  {
    trigger: "signing_keys_notify",
    sql: `INSERT INTO signing_keys (id, algorithm, public_jwk, private_jwk) VALUES ('a', 'ES256', '{}', 'x')`,
    heard: ["signing_keys_changed "],
  },
  {
    trigger: "signing_keys_notify",
    sql: "UPDATE signing_keys SET retired_at = activates_at",
    heard: ["signing_keys_changed "],
  },
  {
    trigger: "signing_keys_notify",
    sql: "DELETE FROM signing_keys",
    heard: ["signing_keys_changed "],
  },
];

test("triggers tell every instance of sessions that end and of grants that change, and of nothing else", async () => {
  for (const { sql, heard } of CASES) expect([sql, await hearing(sql)]).toEqual([sql, heard]);
});

test("what `me` shows is told of when it changes, and not when nothing does", async () => {
  await client.query("LISTEN user_changed; LISTEN tenant_changed");
  const told = async (sql: string) =>
    (await hearing(sql)).filter((word) => /^(user|tenant)_changed/.test(word));
  const user = (set: string) => told(`UPDATE users SET ${set} WHERE id = '${IDS.renamed}'`);
  expect(await user("last_login_at = now()")).toEqual([`user_changed ${IDS.renamed}`]);
  expect(await user("last_login_at = last_login_at")).toEqual([]);
  const tenant = (set: string) => told(`UPDATE tenants SET ${set} WHERE id = '${IDS.tenant}'`);
  expect(await tenant("seat_limit = 7")).toEqual([`tenant_changed ${IDS.tenant}`]);
  expect(await tenant("seat_limit = 7")).toEqual([]);
  expect(await told(`DELETE FROM users WHERE id = '${IDS.renamed}'`)).toEqual([
    `user_changed ${IDS.renamed}`,
  ]);
  await client.query("UNLISTEN user_changed; UNLISTEN tenant_changed");
});

test("a change that is rolled back is not told", async () => {
  expect(await hearing(`BEGIN; ${grant(IDS.role)}; ROLLBACK`)).toEqual([]);
});

test("deleting a user tells of each of their sessions", async () => {
  const session = IDS.session.replace("c1", "c2");
  expect(await hearing(`DELETE FROM users WHERE id = '${IDS.user}'`)).toEqual([
    "api_keys_changed *",
    `session_revoked ${session}`,
    `session_revoked ${session} ${IDS.user}`,
  ]);
});

/** What is still open of a user's one-time tokens after a change, all of them taken back afterwards. */
async function openAfter(change: string, table = "accounts"): Promise<string[]> {
  await client.query("BEGIN");
  await client.query(`
    INSERT INTO accounts (id, email, password_hash) VALUES ('${IDS.fresh}', 'fresh@x.example', 'x');
    INSERT INTO users (id, account_id, email) VALUES ('${IDS.fresh}', '${IDS.fresh}', 'fresh@x.example');
    INSERT INTO one_time_tokens (id, purpose, user_id, token_hash, expires_at)
      SELECT gen_random_uuid(), purpose, '${IDS.fresh}', sha256(purpose::text::bytea), now() + interval '1 hour'
      FROM unnest(ARRAY['reset_password', 'verify_email', 'mfa']::one_time_purpose[]) AS purpose;
    UPDATE ${table} SET ${change} WHERE id = '${IDS.fresh}'`);
  const { rows } = await client.query<{ purpose: string }>(
    `SELECT purpose FROM one_time_tokens WHERE user_id = $1 AND used_at IS NULL ORDER BY purpose::text`,
    [IDS.fresh],
  );
  await client.query("ROLLBACK");
  return rows.map(({ purpose }) => purpose);
}

/** Those of migrations-sql/092_tenant_keys.sql are tried in tests/attacks/tenant-keys.test.ts. */
const TENANT_KEYS = [
  "assert_of_platform",
  "assert_own_roles",
  "assert_own_invitation",
  "assert_own_pool",
  "assert_own_account",
  "assert_own_session",
  "refuse_other_tenant",
];
/** Tried below, and in account-triggers.test.ts. */
const OTHERS = [
  "accounts_copy_to_users",
  "accounts_set_aside",
  "accounts_void_one_time_tokens",
  "session_users_end_mute",
  "session_users_notify_deleted",
  "tenants_notify_changed",
  "users_notify_changed",
  "users_notify_deleted",
  "sessions_record_impersonation_ended",
  "tenants_bring_accounts_back",
  "user_search_replaced",
  "users_account_follows",
  "users_account_goes",
  "users_change_search",
  "users_copy_account",
  "users_enter_search",
  "users_fold_search",
  "users_void_one_time_tokens",
];

test("what the search looks at follows the address and the names, folded", async () => {
  const { rows } = await client.query<{ text: string }>(`
    WITH made AS (INSERT INTO users (id, kind, email, first_name, last_name)
      VALUES (gen_random_uuid(), 'service', 'zoe@service.invalid', 'Zoë', 'Großmann') RETURNING search_text)
    SELECT search_text AS text FROM made`);
  expect(rows[0]?.text).toBe("zoe@service.invalid zoe grossmann");
  const changed = await client.query<{ text: string }>(`
    UPDATE users SET last_name = 'Ångström', search_text = 'x' WHERE email = 'zoe@service.invalid'
    RETURNING search_text AS text`);
  expect(changed.rows[0]?.text).toBe("zoe@service.invalid zoe angstrom");
});

test("R15: a change of address, password or status voids what was sent before it", async () => {
  const all = ["mfa", "reset_password", "verify_email"];
  expect(await openAfter("login_attempts = 3")).toEqual(all);
  expect(await openAfter("first_name = 'A'", "users")).toEqual(all);
  expect(await openAfter("email = email, password_hash = password_hash")).toEqual(all);
  expect(await openAfter("password_hash = 'y'")).toEqual(["verify_email"]);
  expect(await openAfter("password_hash = NULL")).toEqual(["verify_email"]);
  expect(await openAfter("email = 'new@x.example'")).toEqual([]);
  expect(await openAfter("status = 'disabled'", "users")).toEqual([]);
  expect(await openAfter("is_deleted = true, deleted_at = now()", "users")).toEqual([]);
});

const REFUSALS = {
  audit_log_append_only: [
    "UPDATE audit_log SET action = action",
    "DELETE FROM audit_log",
    "INSERT INTO audit_log (id, action, resource_type, created_at) SELECT id, 'a.b', 'c', created_at FROM audit_log ON CONFLICT (id, created_at) DO UPDATE SET action = 'x.y'",
  ],
  audit_log_no_truncate: ["TRUNCATE audit_log", "TRUNCATE users, audit_log CASCADE"],
  audit_seals_append_only: ["UPDATE audit_seals SET hash = hash", "DELETE FROM audit_seals"],
  audit_seals_no_truncate: ["TRUNCATE audit_seals"],
  audit_archives_append_only: ["UPDATE audit_archives SET mac = mac", "DELETE FROM audit_archives"],
  audit_archives_no_truncate: ["TRUNCATE audit_archives"],
  audit_keys_stay: ["DELETE FROM audit_keys"],
  audit_keys_no_truncate: ["TRUNCATE audit_keys"],
};

test("R63: the audit log takes new rows and no change of old ones, from its owner either", async () => {
  for (const sql of Object.values(REFUSALS).flat()) {
    await expect(client.query(sql)).rejects.toMatchObject({
      code: "42501",
      message: expect.stringContaining("append-only"),
    });
  }
  const { rows } = await client.query("SELECT action FROM audit_log");
  expect(rows).toEqual([{ action: "test.done" }]);
});

test("every trigger of the application's tables is tested here", async () => {
  const { rows } = await client.query<{ name: string }>(
    `SELECT DISTINCT tgname AS name FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
     WHERE NOT tgisinternal AND proname <> ALL ($1) ORDER BY name`,
    [TENANT_KEYS],
  );
  const tested = new Set([
    ...CASES.map(({ trigger }) => trigger),
    ...Object.keys(REFUSALS),
    ...OTHERS,
  ]);
  expect(rows.map(({ name }) => name)).toEqual([...tested].sort());
});
