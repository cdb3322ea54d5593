/** What triggers do with accounts: copy, follow, and end sessions that speak for nobody. */
import { afterAll, beforeAll, expect, test } from "bun:test";
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

/** Answers a query after changes that are taken back. */
async function after(changes: string, query: string): Promise<unknown[]> {
  await client.query("BEGIN");
  try {
    await client.query(`
      INSERT INTO tenants (id, slug, name) VALUES ('${IDS.apiKey}', 'other', 'Other');
      INSERT INTO accounts (id, email) VALUES ('${IDS.fresh}', 'fresh@x.example');
      INSERT INTO users (id, tenant_id, account_id, email) VALUES
        ('${IDS.fresh}', '${IDS.tenant}', '${IDS.fresh}', 'wrong@x.example'),
        ('${IDS.apiKey}', '${IDS.apiKey}', '${IDS.fresh}', 'wrong@x.example');
      ${changes}`);
    return (await client.query({ text: query, rowMode: "array" })).rows;
  } finally {
    await client.query("ROLLBACK");
  }
}

test("what a user has of their account is copied, in every tenant, and where they are there alone", async () => {
  const users = `SELECT email, pending_email FROM users WHERE account_id = '${IDS.fresh}' ORDER BY id`;
  expect(await after("", users)).toEqual([
    ["fresh@x.example", null],
    ["fresh@x.example", null],
  ]);
  const change = `UPDATE accounts SET email = 'newer@x.example', pending_email = 'p@x.example' WHERE id = '${IDS.fresh}';`;
  const gone = `UPDATE users SET is_deleted = true, deleted_at = now() WHERE id = '${IDS.apiKey}';`;
  const newer = ["newer@x.example", "p@x.example"];
  expect(await after(change, users)).toEqual([newer, newer]);
  expect(await after(gone + change, users)).toEqual([["fresh@x.example", null], newer]);
  const back = `UPDATE users SET is_deleted = false, deleted_at = NULL WHERE id = '${IDS.apiKey}';`;
  expect(await after(gone + change + back, users)).toEqual([newer, newer]);
});

test("an account is there while a tenant has a user of it", async () => {
  const account = `SELECT is_deleted FROM accounts WHERE id = '${IDS.fresh}'`;
  const drop = (id: string) =>
    `UPDATE users SET is_deleted = true, deleted_at = now() WHERE id = '${id}';`;
  const one = drop(IDS.fresh);
  const both = one + drop(IDS.apiKey);
  expect(await after(one, account)).toEqual([[false]]);
  expect(await after(both, account)).toEqual([[true]]);
  const back = `UPDATE users SET is_deleted = false, deleted_at = NULL WHERE id = '${IDS.fresh}';`;
  expect(await after(both + back, account)).toEqual([[false]]);
  const gone = `DELETE FROM users WHERE id = '${IDS.fresh}';`;
  expect(await after(gone, account)).toEqual([[false]]);
  expect(await after(`${gone} DELETE FROM users WHERE id = '${IDS.apiKey}';`, account)).toEqual([]);
});

test("a session ends with the last user for whom it may speak, and who acts in it is on record", async () => {
  const session = `SELECT revoked_reason FROM sessions WHERE id = '${IDS.role}'`;
  const begun = (impersonator: string) => `
    INSERT INTO sessions (id, account_id, impersonator_id, amr, idle_expires_at, expires_at)
      VALUES ('${IDS.role}', '${IDS.fresh}', ${impersonator}, '{pwd}', now() + interval '1 day', now() + interval '1 day');
    INSERT INTO session_users (session_id, user_id, tenant_id) VALUES ('${IDS.role}', '${IDS.fresh}', '${IDS.tenant}');`;
  const end = (id: string, tenant: string) => `
    INSERT INTO session_users (session_id, user_id, tenant_id) VALUES ('${IDS.role}', '${id}', '${tenant}') ON CONFLICT DO NOTHING;
    UPDATE session_users SET revoked_at = now(), revoked_reason = 'user_disabled' WHERE user_id = '${id}';`;
  const here = begun("NULL") + end(IDS.fresh, IDS.tenant);
  expect(await after(here, session)).toEqual([[null]]);
  expect(await after(here + end(IDS.apiKey, IDS.apiKey), session)).toEqual([["user_disabled"]]);
  const acting = begun(`'${IDS.deleted}'`) + end(IDS.fresh, IDS.tenant);
  expect(await after(acting, session)).toEqual([["user_disabled"]]);
  expect(
    await after(
      acting,
      "SELECT tenant_id, actor_id, impersonator_id FROM audit_log WHERE action = 'platform.impersonation_ended'",
    ),
  ).toEqual([[IDS.tenant, IDS.fresh, IDS.deleted]]);
});
