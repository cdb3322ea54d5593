/** What a tenant uses: what is counted, and that it is found by indexes however many others there are. */
import { beforeAll, expect, test } from "bun:test";
import pg from "pg";
import { createKey, createService } from "../api-keys/keys.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  logIn,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { statementsOf } from "../support/statements.ts";
import { limitSeats } from "./tenants.ts";

const USERS = 100_000;

const app = testApp();
let root: Account;
beforeAll(async () => {
  root = await createSuperAdmin(app);
});

test("counts what there is of the tenant, and nothing of another one", async () => {
  const owner = await registerOwner(app);
  const stranger = await registerOwner(app);
  await createMember(app, stranger);
  const [disabled, deleted, kept] = [
    await createMember(app, owner),
    await createMember(app, owner),
    await createMember(app, owner),
  ];
  await app.as(owner, `PATCH /v1/users/${disabled.id}`, { status: "disabled" });
  await app.as(owner, `DELETE /v1/users/${deleted.id}`);
  const machine = await createService(app, owner);
  const gone = await createService(app, owner);
  await createKey(app, owner, { userId: machine.id });
  const revoked = await createKey(app, owner, { userId: machine.id });
  await app.as(owner, `DELETE /v1/api-keys/${revoked.id}`);
  await app.as(owner, `DELETE /v1/service-accounts/${gone.id}`);
  await app.as(owner, "POST /v1/invitations", { email: "one@usage.example" });
  const taken = await app.as(owner, "POST /v1/invitations", { email: "two@usage.example" });
  await app.as(owner, `DELETE /v1/invitations/${taken.body.id}`);
  await logIn(app, kept.email);
  await limitSeats(app, root, owner.tenantId, 50);

  const { body } = await app.as(owner, "GET /v1/tenants/current/usage");
  expect(body).toEqual({
    users: { active: 2, disabled: 1, deleted: 1 },
    serviceAccounts: 1,
    pendingInvitations: 1,
    seats: { taken: 4, limit: 50 },
    activeSessions: 3,
    apiKeys: 1,
    lastActivityAt: expect.any(String),
  });
  expect(Date.now() - new Date(body.lastActivityAt).getTime()).toBeLessThan(60_000);
  expect((await app.as(root, `GET /v1/tenants/${owner.tenantId}/usage`)).body).toEqual(body);
  const empty = await app.as(root, "POST /v1/tenants", { name: "Empty", slug: "empty-usage" });
  expect((await app.as(root, `GET /v1/tenants/${empty.body.id}/usage`)).body).toMatchObject({
    users: { active: 0 },
    seats: { taken: 0, limit: null },
    lastActivityAt: null,
  });
});

test("among 100,000 users of others it reads by the tenant's indexes", async () => {
  const owner = await registerOwner(app);
  const client = new pg.Client({ connectionString: app.database.url });
  await client.connect();
  await client.query(`
    SET session_replication_role = replica;
    INSERT INTO tenants (id, slug, name) SELECT uuidv7(), 'usage-' || n, 'Tenant' FROM generate_series(1, 100) AS n;
    INSERT INTO users (id, account_id, tenant_id, email)
      SELECT id, id, tenant_id, email FROM (SELECT uuidv7() AS id, t.id AS tenant_id, 'u' || n || '@' || t.slug || '.example' AS email
        FROM tenants t, generate_series(1, ${USERS / 100}) AS n WHERE t.slug LIKE 'usage-%') AS made;
    INSERT INTO sessions (id, account_id, amr, idle_expires_at, expires_at)
      SELECT id, account_id, '{pwd}', now() + interval '1 day', now() + interval '2 days' FROM users WHERE account_id IS NOT NULL;
    INSERT INTO session_users (session_id, user_id, tenant_id) SELECT id, id, tenant_id FROM users WHERE account_id IS NOT NULL;
    INSERT INTO invitations (id, tenant_id, email, role_ids, token_hash, expires_at)
      SELECT uuidv7(), tenant_id, email, ARRAY[id], sha256(id::text::bytea), now() + interval '1 day' FROM users
      WHERE tenant_id IS NOT NULL;
    ANALYZE tenants, users, sessions, session_users, invitations`);
  const sent = await statementsOf(() => app.as(owner, "GET /v1/tenants/current/usage"));
  const usage = sent.find(({ text }) => text.includes("of_sessions"));
  const { rows } = await client.query(`EXPLAIN (COSTS OFF) ${usage?.text}`, usage?.values);
  await client.end();
  const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
  for (const table of ["users", "sessions", "session_users", "invitations"]) {
    expect(plan).not.toContain(`Seq Scan on ${table}`);
    expect(plan).toMatch(new RegExp(`Scan (using \\S+ )?on ${table}`));
  }
}, 120_000);
