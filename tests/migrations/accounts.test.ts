/** Accounts under people who are there: what the server of before writes meanwhile comes along, and the way back is one. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { shippedMigrations } from "../../src/health/readiness.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

const FOLDER = join(import.meta.dir, "..", "..", "prisma", "migrations");
const [EXPAND, FILL, CONTRACT] = [
  "20261130200000_expand_accounts",
  "20261130200001_fill_accounts",
  "20261130200008_contract_accounts",
] as const;

const id = (end: string) => `00000000-0000-7000-8000-0000000000${end}`;
const [A, B] = [id("a1"), id("b1")];
const [OWN, VOUCHED, ADDED, PLACEHOLDER, ISOLATED, GONE, ERASED, MACHINE, ROOT, LATE] = [
  "11",
  "12",
  "13",
  "14",
  "15",
  "16",
  "17",
  "18",
  "19",
  "20",
].map(id) as [string, string, string, string, string, string, string, string, string, string];
const [SESSION, ENDED, LATER] = [id("e1"), id("e2"), id("e3")];

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createDatabase({ template: false });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  for (const migration of shippedMigrations(FOLDER).filter((name) => name < EXPAND))
    await apply(migration);
  await client.query(`
    SET tenantry.scope = 'platform';
    INSERT INTO tenants (id, slug, name) VALUES ('${A}', 'aa', 'A'), ('${B}', 'bb', 'B');
    INSERT INTO users (id, tenant_id, email, email_scope, password_hash, password_origin, email_verified_at, login_attempts) VALUES
      ('${OWN}', '${A}', 'own@x.example', NULL, 'hash of own', 'own', now(), 3),
      ('${VOUCHED}', '${A}', 'vouched@x.example', NULL, 'hash', 'vouched', NULL, 0),
      ('${ADDED}', '${A}', 'added@x.example', NULL, 'hash', 'tenant', NULL, 0),
      ('${PLACEHOLDER}', '${B}', 'own@x.example', '${B}', 'hash', 'tenant', NULL, 0),
      ('${ISOLATED}', '${B}', 'isolated@x.example', '${B}', 'hash', 'own', now(), 0),
      ('${ROOT}', NULL, 'root@x.example', NULL, 'hash', 'own', now(), 0);
    INSERT INTO users (id, tenant_id, email, is_deleted, deleted_at) VALUES
      ('${GONE}', '${A}', 'gone@x.example', true, now()),
      ('${ERASED}', '${A}', 'erased-${ERASED}@erased.invalid', true, now());
    INSERT INTO users (id, tenant_id, kind, email) VALUES ('${MACHINE}', '${A}', 'service', '${MACHINE}@service.invalid');
    INSERT INTO sessions (id, user_id, tenant_id, amr, ip, idle_expires_at, expires_at, revoked_at, revoked_reason) VALUES
      ('${SESSION}', '${OWN}', '${A}', '{pwd}', '192.0.2.1', now() + interval '1 day', now() + interval '1 day', NULL, NULL),
      ('${ENDED}', '${OWN}', '${A}', '{pwd}', NULL, now() + interval '1 day', now() + interval '1 day', now(), 'logout');
    INSERT INTO refresh_tokens (id, session_id, tenant_id, token_hash, expires_at)
      VALUES (gen_random_uuid(), '${SESSION}', '${A}', sha256('x'), now() + interval '1 day');
    INSERT INTO totp_factors (id, user_id, tenant_id, secret, confirmed_at) VALUES (gen_random_uuid(), '${OWN}', '${A}', 'x', now());`);
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

async function apply(migration: string, file = "migration.sql"): Promise<void> {
  await client.query(readFileSync(join(FOLDER, migration, file), "utf8"));
  await client.query("SET tenantry.scope = 'platform'");
}

async function rows(sql: string): Promise<unknown[]> {
  return (await client.query({ text: sql, rowMode: "array" })).rows;
}

const accounts = () =>
  rows(`SELECT accounts.id, pool_id, accounts.email, accounts.password_hash, accounts.login_attempts, accounts.is_deleted, users.id
    FROM accounts LEFT JOIN users ON users.account_id = accounts.id ORDER BY accounts.id`);

const filled = [
  [OWN, null, "own@x.example", "hash of own", 3, false, OWN],
  [VOUCHED, null, "vouched@x.example", "hash", 0, false, VOUCHED],
  [ADDED, A, "added@x.example", "hash", 0, false, ADDED],
  [PLACEHOLDER, B, "own@x.example", "hash", 0, false, PLACEHOLDER],
  [ISOLATED, B, "isolated@x.example", "hash", 0, false, ISOLATED],
  [GONE, A, "gone@x.example", null, 0, true, GONE],
  [ROOT, null, "root@x.example", "hash", 0, false, ROOT],
];

test("what the server of before writes between the steps is carried over", async () => {
  await apply(EXPAND);
  await client.query(`
    INSERT INTO users (id, tenant_id, email, password_hash, password_origin) VALUES ('${LATE}', '${A}', 'late@x.example', 'hash', 'own');
    INSERT INTO sessions (id, user_id, tenant_id, amr, idle_expires_at, expires_at)
      VALUES ('${LATER}', '${LATE}', '${A}', '{pwd}', now() + interval '1 day', now() + interval '1 day');
    INSERT INTO recovery_codes (id, user_id, tenant_id, code_hash) VALUES (gen_random_uuid(), '${LATE}', '${A}', sha256('x'));
    UPDATE users SET login_attempts = 7, email = 'later@x.example' WHERE id = '${LATE}';
    UPDATE sessions SET revoked_at = now(), revoked_reason = 'logout' WHERE id = '${LATER}';`);
  expect(await accounts()).toEqual([[LATE, null, "later@x.example", "hash", 7, false, LATE]]);
  expect(
    await rows(`SELECT sessions.account_id, user_id, spoken.tenant_id, spoken.revoked_reason
      FROM sessions JOIN session_users AS spoken USING (user_id) WHERE sessions.id = session_id`),
  ).toEqual([[LATE, LATE, A, "logout"]]);
  expect(await rows("SELECT account_id FROM recovery_codes")).toEqual([[LATE]]);
  await client.query(`DELETE FROM users WHERE id = '${LATE}'`);
  expect(await accounts()).toEqual([]);
});

test("everybody who logs in has an account in the pool that is theirs, with what they log in with", async () => {
  await apply(FILL);
  expect(await accounts()).toEqual(filled);
  expect(await rows("SELECT id FROM users WHERE account_id IS NULL ORDER BY id")).toEqual([
    [ERASED],
    [MACHINE],
  ]);
  // Again, as after a break in the middle.
  await apply(FILL, "rollback.sql");
  await apply(FILL);
  expect(await accounts()).toEqual(filled);
});

test("then the old columns go, and sessions and factors are the account's", async () => {
  for (const migration of shippedMigrations(FOLDER).filter(
    (name) => name > FILL && name <= CONTRACT,
  ))
    await apply(migration);
  expect(await accounts()).toEqual(filled);
  expect(
    await rows(`SELECT sessions.id, account_id, user_id, tenant_id, host(spoken.ip), spoken.revoked_reason
      FROM sessions JOIN session_users AS spoken ON session_id = sessions.id ORDER BY sessions.id`),
  ).toEqual([
    [SESSION, OWN, OWN, A, "192.0.2.1", null],
    [ENDED, OWN, OWN, A, null, "logout"],
  ]);
  expect(await rows("SELECT account_id FROM totp_factors")).toEqual([[OWN]]);
});

test("the way back brings what the server of before looks for, and somebody's second tenant as one nobody logs in to", async () => {
  const second = id("31");
  await client.query(`
    INSERT INTO tenants (id, slug, name) VALUES ('${id("c1")}', 'cc', 'C');
    INSERT INTO users (id, tenant_id, account_id, email, created_at)
      VALUES ('${second}', '${id("c1")}', '${OWN}', 'own@x.example', now() + interval '1 second');
    INSERT INTO session_users (session_id, user_id, tenant_id, last_used_at)
      VALUES ('${SESSION}', '${second}', '${id("c1")}', now() - interval '1 hour');`);
  await apply(CONTRACT, "rollback.sql");
  expect(
    await rows(`SELECT id, tenant_id, email_scope, password_hash, login_attempts FROM users
      WHERE email = 'own@x.example' OR id IN ('${ADDED}', '${ISOLATED}') ORDER BY id`),
  ).toEqual([
    [OWN, A, null, "hash of own", 3],
    [ADDED, A, null, "hash", 0],
    [PLACEHOLDER, B, B, "hash", 0],
    [ISOLATED, B, B, "hash", 0],
    [second, id("c1"), id("c1"), "hash of own", 3],
  ]);
  expect(await rows("SELECT id, user_id, tenant_id FROM sessions ORDER BY id")).toEqual([
    [SESSION, OWN, A],
    [ENDED, OWN, A],
  ]);
  expect(await rows("SELECT user_id, tenant_id FROM totp_factors")).toEqual([[OWN, A]]);
  expect(await rows("SELECT tenant_id FROM refresh_tokens")).toEqual([[A]]);
});
