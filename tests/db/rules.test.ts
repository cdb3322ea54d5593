/** What the database itself refuses, whoever writes: one test for each hand-written rule. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import pg from "pg";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { ACCOUNT_RULES } from "./account-rules.ts";
import { AUDIT_RULES } from "./audit-rules.ts";
import { FIXTURE, IDS, ROWS } from "./fixture.ts";
import { IDENTITY_RULES } from "./identity-rules.ts";
import { RULES } from "./rules.ts";

const ALL = [...RULES, ...ACCOUNT_RULES, ...IDENTITY_RULES, ...AUDIT_RULES];

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

/** Tries the row and takes it back; answers the name of the rule that refused it. */
async function insert(table: string, change: Record<string, string>): Promise<string> {
  const row = { ...ROWS[table], ...change };
  await client.query("BEGIN");
  try {
    await client.query(`INSERT INTO ${table} (${Object.keys(row)}) VALUES (${Object.values(row)})`);
    return "accepted";
  } catch (err) {
    return err instanceof pg.DatabaseError ? (err.constraint ?? err.message) : String(err);
  } finally {
    await client.query("ROLLBACK");
  }
}

for (const { table, name, refused, accepted } of ALL) {
  test(`${name} refuses what breaks it, and nothing else does`, async () => {
    expect(refused.length * accepted.length).toBeGreaterThan(0);
    for (const change of refused)
      expect([change, await insert(table, change)]).toEqual([change, name]);
    for (const change of accepted)
      expect([change, await insert(table, change)]).toEqual([change, "accepted"]);
  });
}

test("every CHECK and every unique index of the application's tables is tested here", async () => {
  const { rows } = await client.query<{ name: string }>(`
    SELECT conname AS name FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace
    UNION ALL
    SELECT index.relname FROM pg_index JOIN pg_class AS index ON index.oid = indexrelid
    WHERE indisunique AND NOT indisprimary AND index.relnamespace = 'public'::regnamespace
      -- What keys by id and tenant point to: the primary key alone would refuse as much.
      AND index.relname NOT LIKE '%\\_id\\_tenant\\_id\\_key'
    ORDER BY name`);
  expect(rows.map(({ name }) => name)).toEqual(ALL.map(({ name }) => name).sort());
});

test("the unused token of a session makes way when it is used, and only then", async () => {
  const session = IDS.session.replace("c1", "c2");
  await client.query("BEGIN");
  await client.query("UPDATE refresh_tokens SET used_at = now() WHERE session_id = $1", [session]);
  const row = { ...ROWS.refresh_tokens, session_id: `'${session}'` };
  const insertion = `INSERT INTO refresh_tokens (${Object.keys(row)}) VALUES (${Object.values(row)})`;
  await client.query(insertion);
  await expect(
    client.query(insertion.replace(IDS.fresh, IDS.role).replace("'fresh'", "'other'")),
  ).rejects.toThrow("refresh_tokens_one_unused");
  await client.query("ROLLBACK");
});
