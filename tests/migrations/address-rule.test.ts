/** Addresses from before the one rule: what the API has written stays, anything else stops the deploy and is named. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { shippedMigrations } from "../../src/health/readiness.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

const FOLDER = join(import.meta.dir, "..", "..", "prisma", "migrations");
const RULE = "20261130150000_add_address_rule";
const VALIDATE = "20261130150001_validate_address_rule";
const WIDER = ["20261130160000_widen_address_rule", "20261130160001_validate_wider_address_rule"];
const [TENANT, STRAY] = ["a1", "b1"].map((end) => `00000000-0000-7000-8000-0000000000${end}`);

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createDatabase({ template: false });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  for (const migration of shippedMigrations(FOLDER).filter((name) => name < RULE))
    await apply(migration);
  await client.query(`
    INSERT INTO tenants (id, slug, name) VALUES ('${TENANT}', 'aa', 'A');
    INSERT INTO users (id, tenant_id, email, kind) VALUES
      (gen_random_uuid(), '${TENANT}', '${"a".repeat(64)}@sub.x-y.example', 'person'),
      (gen_random_uuid(), '${TENANT}', 'o''brien+b@x.example', 'person'),
      (gen_random_uuid(), '${TENANT}', 'u@example-.com', 'person'),
      (gen_random_uuid(), '${TENANT}', 'u@${"b".repeat(64)}.example', 'person'),
      (gen_random_uuid(), '${TENANT}', '${TENANT}@service.invalid', 'service'),
      (gen_random_uuid(), '${TENANT}', 'erased-${TENANT}@erased.invalid', 'person');
    -- What nobody but somebody at a prompt has written.
    INSERT INTO users (id, tenant_id, email) VALUES ('${STRAY}', '${TENANT}', 'ada@büro.example');`);
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

async function apply(migration: string): Promise<void> {
  await client.query(readFileSync(join(FOLDER, migration, "migration.sql"), "utf8"));
}

test("the rule comes while such a row is there, and holds for new ones; the look at the old ones names it", async () => {
  await apply(RULE);
  await expect(
    client.query(
      `INSERT INTO users (id, tenant_id, email) VALUES (gen_random_uuid(), '${TENANT}', 'bob@büro.example')`,
    ),
  ).rejects.toMatchObject({ code: "23514", constraint: "users_email_format_check" });
  await expect(apply(VALIDATE)).rejects.toMatchObject({
    message: `rows hold addresses that the API would refuse: users ${STRAY}`,
    hint: expect.stringContaining(`resolve --rolled-back ${VALIDATE}`),
  });
});

test("with another address there, what the API has written passes", async () => {
  await client.query(`UPDATE users SET email = 'ada@x.example' WHERE id = '${STRAY}'`);
  await apply(VALIDATE);
  const { rows } = await client.query("SELECT FROM pg_constraint WHERE NOT convalidated");
  expect(rows).toEqual([]);
});

test("the wider rule passes every row, and rows of before can be changed below it", async () => {
  for (const migration of WIDER) await apply(migration);
  const { rows } = await client.query("SELECT FROM pg_constraint WHERE NOT convalidated");
  expect(rows).toEqual([]);
  // Labels that no DNS has: the server takes no new ones, and such rows can still be changed.
  await client.query("UPDATE users SET version = version + 1 WHERE email LIKE 'u@%'");
  await client.query(
    `UPDATE users SET email = 'a&b/c=d@xn--bcher-kva.xn--p1ai' WHERE id = '${STRAY}'`,
  );
});
