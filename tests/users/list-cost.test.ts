/** A page of a large tenant reads the page, though most tenants are small and PostgreSQL believes that of each. */
import { expect, test } from "bun:test";
import { executing } from "../../src/operations/performance/plan.ts";
import { registerOwner, testApp } from "../support/app.ts";
import { statementsOf } from "../support/statements.ts";

const TENANTS = 1000;
const USERS_EACH = 10;
const USERS_OF_THE_LARGEST = 5000;

const app = testApp();

async function fill(largest: string): Promise<void> {
  const client = await app.deps.pool.connect();
  const tenant = (n: string) => `('00000000-0000-7000-8000-' || lpad((${n})::text, 12, '0'))::uuid`;
  await client.query(`
    SET session_replication_role = replica;
    INSERT INTO tenants (id, slug, name)
      SELECT ${tenant("n")}, 'tenant-' || n, 'Tenant' FROM generate_series(1, ${TENANTS}) AS n;
    INSERT INTO users (id, tenant_id, account_id, email, created_at)
      SELECT id, CASE WHEN n <= ${USERS_OF_THE_LARGEST} THEN '${largest}' ELSE ${tenant(`1 + n % ${TENANTS}`)} END,
        id, 'user' || n || '@example.com', now() - n * interval '1 second'
      FROM generate_series(1, ${USERS_OF_THE_LARGEST + TENANTS * USERS_EACH}) AS n, LATERAL (SELECT gen_random_uuid() AS id, n AS of) AS ids;
    RESET session_replication_role;
    ANALYZE tenants, users;`);
  client.release();
}

type Plan = {
  "Relation Name"?: string;
  "Actual Rows": number;
  "Actual Loops": number;
  Plans?: Plan[];
};

function rowsOfUsers(plan: Plan): number {
  const own = plan["Relation Name"] === "users" ? plan["Actual Rows"] * plan["Actual Loops"] : 0;
  return (plan.Plans ?? []).reduce((total, below) => total + rowsOfUsers(below), own);
}

test("a page of 20 in a tenant of 5,000 reads some dozens of users, beside a thousand tenants of ten", async () => {
  const owner = await registerOwner(app);
  await fill(owner.tenantId);
  const sent = await statementsOf(() => app.as(owner, "GET /v1/users?limit=20"));
  const page = sent.find(({ text }) => text.includes(") AS page"));
  if (!page) throw new Error("no statement reads a page");
  const client = await app.deps.pool.connect();
  await client.query(`PREPARE page AS ${page.text}`);
  const { rows } = await client.query(
    `EXPLAIN (ANALYZE, FORMAT JSON) ${executing(page.values).replace(/\bstatement\b/, "page")}`,
  );
  await client.query("DEALLOCATE page");
  client.release();
  const read = rowsOfUsers(rows[0]["QUERY PLAN"][0].Plan);
  expect(read).toBeGreaterThanOrEqual(20);
  expect(read).toBeLessThan(100);
});
