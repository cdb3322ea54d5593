/** Making a user reads some rows, however many accounts the tenant has: whatever PostgreSQL believes of them. */
import { beforeAll, expect, test } from "bun:test";
import pg from "pg";
import { sendAddedMailsLately } from "../../src/invitations/tell-added.ts";
import { type Account, registerOwner, testApp } from "../support/app.ts";
import { statementsOf } from "../support/statements.ts";

const ACCOUNTS = 5000;
/** Of accounts and users together, for one user and the job that may write to them. */
const ROWS_AT_MOST = 200;

const app = testApp();
let owner: Account & { tenantId: string };
beforeAll(async () => {
  owner = await registerOwner(app);
});

/** Of all that is counted; every server process tells of its part a second later, perhaps. */
async function counted() {
  const { rows } = await app.deps.pool.query(
    `SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int AS read, sum(n_tup_ins)::int AS made
     FROM pg_stat_user_tables WHERE relname IN ('accounts', 'users')`,
  );
  return rows[0] as { read: number; made: number };
}

async function settled(made: number) {
  for (let tries = 0; tries < 200; tries += 1) {
    const now = await counted();
    if (now.made >= made) return now;
    await Bun.sleep(50);
  }
  throw new Error("the counters do not move");
}

async function insertUsers(tenantId: string, poolId: string | null): Promise<void> {
  const client = await app.deps.pool.connect();
  await client.query("SET session_replication_role = replica");
  await client.query(
    `WITH made AS (
       INSERT INTO accounts (id, pool_id, email, password_origin)
       SELECT gen_random_uuid(), $2, 'a' || n || '@x.example', 'tenant' FROM generate_series(1, $3::int) AS n RETURNING id, email
     ) INSERT INTO users (id, tenant_id, account_id, email) SELECT id, $1, id, email FROM made`,
    [tenantId, poolId, ACCOUNTS],
  );
  await client.query("RESET session_replication_role");
  client.release();
}

test("one more of 5,000 accounts in a tenant's own pool costs what the first one did", async () => {
  await app.as(owner, "POST /v1/users", { email: "first@x.example" });
  await app.mail();
  const other = await registerOwner(app);
  await insertUsers(other.tenantId, null);
  await app.deps.pool.query("ANALYZE accounts");
  // Not analysed any more: to PostgreSQL no account is of a tenant's own pool.
  await insertUsers(owner.tenantId, owner.tenantId);
  await app.deps.pool.query("ANALYZE users");
  await Bun.sleep(1200);
  const before = await settled(4 * ACCOUNTS);
  const { status } = await app.as(owner, "POST /v1/users", { email: "last@x.example" });
  expect(status).toBe(201);
  await app.mail();
  await Bun.sleep(1200);
  // Each process that took part has another transaction to tell of it with.
  await Promise.all(Array.from({ length: 10 }, () => app.as(owner, "GET /v1/auth/me/profile")));
  const after = await settled(before.made + 2);
  expect(after.read - before.read).toBeLessThan(ROWS_AT_MOST);
});

test("nor does it matter that nobody has counted a tenant's users yet, nor when the statement was planned", async () => {
  const growing = await registerOwner(app);
  // Planned while there is next to nobody, as on a new installation.
  for (let n = 0; n < 8; n += 1)
    await app.as(growing, "POST /v1/users", { email: `n${n}@x.example` });
  await app.mail();
  await Bun.sleep(1200);
  const { made } = await counted();
  await insertUsers(growing.tenantId, growing.tenantId);
  await Bun.sleep(1200);
  const before = await settled(made + 2 * ACCOUNTS);
  expect((await app.as(growing, "POST /v1/users", { email: "z@x.example" })).status).toBe(201);
  await app.mail();
  await Bun.sleep(1200);
  // No request of ours, which might read the tenant for reasons of its own.
  await Promise.all(Array.from({ length: 10 }, () => app.deps.pool.query("SELECT pg_sleep(0.1)")));
  const after = await settled(before.made + 2);
  expect(after.read - before.read).toBeLessThan(ROWS_AT_MOST);
});

test("what is read before it is planned once, though most tenants are smaller than the average one", async () => {
  const [small, large] = [await registerOwner(app), await registerOwner(app)];
  await insertUsers(large.tenantId, large.tenantId);
  await app.deps.pool.query("ANALYZE users");
  const sent = await statementsOf(() =>
    app.as(small, "POST /v1/users", { email: "one@x.example" }),
  );
  const read = sent.find(({ text }) => text.includes('AS "freeSeats"'));
  const client = new pg.Client({ connectionString: app.database.appUrl });
  await client.connect();
  await client.query(`SET tenantry.scope = '${small.tenantId}'`);
  for (let n = 0; n < 8; n += 1)
    await client.query({ name: "read", text: read?.text ?? "", values: [...(read?.values ?? [])] });
  const { rows } = await client.query(
    "SELECT custom_plans::int, generic_plans::int FROM pg_prepared_statements",
  );
  await client.end();
  expect(rows).toEqual([{ custom_plans: 5, generic_plans: 3 }]);
});

test("the job that looks for all whom somebody has made lately reads them, and not their tenant", async () => {
  const large = await registerOwner(app);
  await insertUsers(large.tenantId, large.tenantId);
  await app.deps.pool.query(
    "UPDATE users SET created_at = now() - interval '1 day' WHERE email LIKE 'a%@x.example'",
  );
  await app.deps.pool.query("ANALYZE users");
  const made = { tenantId: large.tenantId, createdBy: large.id };
  const ctx = { ...app.deps, origin: {} as never };
  const [looking] = await statementsOf(() => sendAddedMailsLately(ctx, made, new Date()));
  const { rows } = await app.deps.pool.query(`EXPLAIN ${looking?.text}`, [
    ...(looking?.values ?? []),
  ]);
  expect(rows.map((row) => row["QUERY PLAN"]).join("\n")).toContain("users_live_created");
});
