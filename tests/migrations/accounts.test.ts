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
  "20261130200010_contract_accounts",
] as const;

const id = (end: string) => `00000000-0000-7000-8000-0000000000${end}`;
const [A, B, C] = [id("a1"), id("b1"), id("c1")];
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
  // As whoever owns the tables in production: policies hold them, as they do not hold a superuser.
  await client.query(`CREATE ROLE ${database.name} CREATEROLE; ALTER DATABASE ${database.name} OWNER TO ${database.name};
    ALTER SCHEMA public OWNER TO ${database.name}; SET ROLE ${database.name};`);
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
  await client.query(`RESET ROLE; REASSIGN OWNED BY ${database.name} TO CURRENT_USER;
    DROP OWNED BY ${database.name}; DROP ROLE ${database.name}`);
  await client.end();
  await database.drop();
});

async function apply(migration: string, file = "migration.sql"): Promise<void> {
  await client.query("RESET tenantry.scope");
  await client.query(readFileSync(join(FOLDER, migration, file), "utf8"));
  await client.query("SET tenantry.scope = 'platform'");
}

/** The same beside somebody who has changed a user, and goes on to that user's sessions: neither may wait for the other. */
async function applyBeside(migration: string): Promise<void> {
  const server = new pg.Client({ connectionString: database.url });
  await server.connect();
  try {
    await server.query(
      `BEGIN; SELECT FROM users WHERE id = '${OWN}' FOR UPDATE; UPDATE users SET first_name = 'X' WHERE id = '${OWN}'`,
    );
    const applied = apply(migration);
    await Bun.sleep(100);
    await server.query(`UPDATE sessions SET last_used_at = last_used_at WHERE id = '${SESSION}';
      UPDATE users SET first_name = 'X' WHERE id = '${ISOLATED}'; COMMIT`);
    await applied;
  } finally {
    await server.end();
  }
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
  await applyBeside(EXPAND);
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
  await applyBeside(FILL);
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
    (name) => name > FILL && name < CONTRACT,
  ))
    await apply(migration);
  await applyBeside(CONTRACT);
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

test("the way back brings what the server of before looks for, and somebody's second tenant as another account", async () => {
  // Who has a second factor, who has none, and a super admin who is somebody in a tenant too.
  const [second, other, root] = [id("31"), id("32"), id("33")];
  await client.query(`
    INSERT INTO tenants (id, slug, name) VALUES ('${C}', 'cc', 'C');
    INSERT INTO users (id, tenant_id, account_id, email, created_at) VALUES
      ('${second}', '${C}', '${OWN}', 'own@x.example', now() + interval '1 second'),
      ('${other}', '${C}', '${VOUCHED}', 'vouched@x.example', now() + interval '1 second'),
      ('${root}', '${C}', '${ROOT}', 'root@x.example', '2000-01-01');
    INSERT INTO session_users (session_id, user_id, tenant_id, last_used_at) VALUES
      ('${SESSION}', '${second}', '${C}', now() - interval '1 hour');
    INSERT INTO sessions (id, account_id, amr, idle_expires_at, expires_at)
      VALUES ('${LATER}', '${VOUCHED}', '{pwd}', now() + interval '1 day', now() + interval '1 day');
    INSERT INTO session_users (session_id, user_id, tenant_id, last_used_at) VALUES
      ('${LATER}', '${VOUCHED}', '${A}', now() - interval '1 hour'), ('${LATER}', '${other}', '${C}', now());
    INSERT INTO one_time_tokens (id, purpose, user_id, tenant_id, token_hash, expires_at)
      VALUES (gen_random_uuid(), 'select_tenant', '${OWN}', '${A}', sha256('x'), now() + interval '1 hour');`);
  await apply(CONTRACT, "rollback.sql");
  expect(
    await rows(`SELECT id, tenant_id, email_scope, password_hash, login_attempts, account_id = id FROM users
      WHERE kind = 'person' AND NOT is_deleted ORDER BY id`),
  ).toEqual([
    [OWN, A, null, "hash of own", 3, true],
    [VOUCHED, A, null, "hash", 0, true],
    [ADDED, A, null, "hash", 0, true],
    [PLACEHOLDER, B, B, "hash", 0, true],
    [ISOLATED, B, B, "hash", 0, true],
    [ROOT, null, null, "hash", 0, true],
    // The second factor is the first user's: without it, no password opens the second.
    [second, C, C, null, 3, false],
    [other, C, C, "hash", 0, false],
    [root, C, C, "hash", 0, false],
  ]);
  expect(
    await rows(`SELECT sessions.id, sessions.user_id, sessions.tenant_id, users.account_id = sessions.account_id, spoken.user_id
      FROM sessions JOIN users ON users.id = sessions.user_id JOIN session_users AS spoken ON session_id = sessions.id ORDER BY sessions.id`),
  ).toEqual([
    [SESSION, OWN, A, true, OWN],
    [ENDED, OWN, A, true, OWN],
    [LATER, other, C, true, other],
  ]);
  expect(await rows("SELECT user_id, tenant_id FROM totp_factors")).toEqual([[OWN, A]]);
  expect(await rows("SELECT tenant_id FROM refresh_tokens")).toEqual([[A]]);
  expect(await rows("SELECT purpose FROM one_time_tokens")).toEqual([]);

  // Each is carried over alone again.
  await client.query(
    `UPDATE users SET login_attempts = 9 WHERE id = '${second}'; DELETE FROM users WHERE id = '${root}'`,
  );
  expect(
    await rows(`SELECT users.id, accounts.login_attempts, pool_id FROM accounts JOIN users ON account_id = accounts.id
      WHERE users.id IN ('${OWN}', '${second}', '${ROOT}') ORDER BY users.id`),
  ).toEqual([
    [OWN, 3, null],
    [ROOT, 0, null],
    [second, 9, C],
  ]);
  await client.query(`DELETE FROM users WHERE id IN ('${second}', '${other}')`);
});

test("all the way back, and there again, nobody has lost anything", async () => {
  const steps = shippedMigrations(FOLDER).filter((name) => name >= EXPAND && name <= CONTRACT);
  for (const migration of steps.filter((name) => name < CONTRACT).reverse())
    await apply(migration, "rollback.sql");
  for (const migration of steps) await apply(migration);
  expect(await accounts()).toEqual(filled);
  expect(await rows("SELECT account_id FROM totp_factors")).toEqual([[OWN]]);
  expect(await rows("SELECT session_id, user_id FROM session_users ORDER BY session_id")).toEqual([
    [SESSION, OWN],
    [ENDED, OWN],
  ]);
});
