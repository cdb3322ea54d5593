/** What becomes of a deleted tenant: it comes back within its time of grace, or goes for good. */
import { beforeAll, describe, expect, test } from "bun:test";
import { createJobHandlers } from "../../src/job-handlers.ts";
import { purgeDeletedTenants } from "../../src/tenants/purge.ts";
import { createKey, use } from "../api-keys/keys.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  logIn,
  PASSWORD,
  proveAddress,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { enrolTotp } from "../support/factors.ts";
import { joinTenant } from "../support/memberships.ts";
import { createMemberWith } from "../users/routes.ts";

const app = testApp({ TENANT_GRACE_DAYS: "10" });
let root: Account;
beforeAll(async () => {
  root = await createSuperAdmin(app);
});

const purge = (tenantId: string, slug: string) =>
  app.as(root, `POST /v1/tenants/${tenantId}/purge`, { slug });

/** A tenant with something in every table that a tenant has rows in, deleted. */
async function deletedTenant(daysAgo = 0) {
  const owner = await registerOwner(app);
  const member = await createMemberWith(app, owner);
  await app.as(member, "PATCH /v1/auth/me/profile", { language: "de" });
  await enrolTotp(app, member);
  await app.call("POST /v1/auth/forgot-password", { json: { email: member.email } });
  await app.mail();
  const key = await createKey(app, owner);
  await app.as(owner, "POST /v1/invitations", { email: `${randomName()}@a.example` });
  await app.as(owner, `DELETE /v1/users/${(await createMember(app, owner)).id}`);
  await app.as(owner, `DELETE /v1/tenants/${owner.tenantId}`);
  await app.deps.pool.query(
    "UPDATE tenants SET deleted_at = now() - make_interval(days => $2) WHERE id = $1",
    [owner.tenantId, daysAgo],
  );
  return { owner, member, key, tenantId: owner.tenantId, slug: owner.slug };
}

/** The tables that still have rows of the tenant. */
async function tablesWith(tenantId: string): Promise<string[]> {
  const { rows } = await app.deps.pool.query(
    `SELECT DISTINCT table_name AS name, column_name AS holder FROM information_schema.columns
     JOIN information_schema.tables USING (table_schema, table_name)
     WHERE table_schema = 'public' AND column_name IN ('tenant_id', 'pool_id') AND table_type = 'BASE TABLE'`,
  );
  const found: string[] = [];
  for (const { name, holder } of rows) {
    const count = await app.deps.pool.query(`SELECT FROM ${name} WHERE ${holder} = $1`, [tenantId]);
    if (count.rowCount) found.push(name);
  }
  return found.filter((name) => !name.startsWith("audit_")).sort();
}

describe("restoring", () => {
  test("within the time of grace it brings back people and machines, but no session and no invitation", async () => {
    const { owner, key, tenantId } = await deletedTenant(9);
    expect(await use(app, key)).toBe(401);
    const listed = await app.as(root, "GET /v1/tenants?deleted=true&limit=100");
    expect(listed.body.items.map(({ id }: { id: string }) => id)).toContain(tenantId);
    const restored = await app.as(root, `POST /v1/tenants/${tenantId}/restore`);
    expect(restored).toMatchObject({ status: 200, body: { id: tenantId, deletedAt: null } });
    expect((await app.as(owner, "GET /v1/auth/me")).status).toBe(401);
    const again = await logIn(app, owner.email);
    expect(await use(app, key)).toBe(200);
    const invitations = await app.as(again, "GET /v1/invitations?status=pending");
    expect(invitations.body.items).toEqual([]);
    expect((await app.as(root, `POST /v1/tenants/${tenantId}/restore`)).status).toBe(404);
    const row = { action: "tenant.restored", resourceId: tenantId, actorId: root.id };
    expect(await app.deps.db.auditLog.count({ where: row })).toBe(1);
  });

  test("afterwards it is too late, and R59: no tenant restores another one", async () => {
    const { tenantId } = await deletedTenant(11);
    expect((await app.as(root, `POST /v1/tenants/${tenantId}/restore`)).status).toBe(404);
    const fresh = await deletedTenant();
    const mighty = await createMemberWith(app, await registerOwner(app));
    const path = `/v1/tenants/${fresh.tenantId}`;
    expect((await app.as(mighty, `POST ${path}/restore`)).status).toBe(404);
    expect((await app.as(mighty, `POST ${path}/purge`, { slug: fresh.slug })).status).toBe(404);
  });
});

describe("purging", () => {
  test("leaves nothing but the audit log; addresses and slug are free again", async () => {
    const { owner, member, tenantId, slug } = await deletedTenant();
    expect((await tablesWith(tenantId)).length).toBeGreaterThan(8);
    expect((await purge(tenantId, slug)).status).toBe(204);
    expect(await tablesWith(tenantId)).toEqual([]);
    const orphans = await app.deps.pool.query(
      "SELECT FROM sessions WHERE account_id = ANY($1) UNION ALL SELECT FROM user_profiles WHERE user_id = ANY($1)",
      [[owner.id, member.id]],
    );
    expect(orphans.rowCount).toBe(0);
    const rows = await app.as(root, `GET /v1/audit-logs?tenantId=${tenantId}&limit=100`);
    const actions = rows.body.items.map(({ action }: { action: string }) => action);
    expect(actions[0]).toBe("tenant.purged");
    expect(actions).toContain("auth.registered");
    expect((await purge(tenantId, slug)).status).toBe(404);

    const json = { email: owner.email, password: PASSWORD, tenant: { name: "Heir", slug } };
    const heir = await app.call("POST /v1/auth/register", { json });
    expect(heir.status).toBe(201);
    expect(heir.body.user.tenantId).not.toBe(tenantId);
  });

  test("accounts go with the last of their users; those of other tenants stay, with all that they have", async () => {
    const [home, host] = [await registerOwner(app), await registerOwner(app)];
    await proveAddress(app, home);
    const added = await createMember(app, host);
    const there = await joinTenant(app, home, host);
    await enrolTotp(app, there);
    await app.as(host, `DELETE /v1/tenants/${host.tenantId}`);
    expect((await purge(host.tenantId, host.slug)).status).toBe(204);
    const ids = [home.id, host.id, added.id];
    const accounts = await app.deps.db.account.findMany({ where: { id: { in: ids } } });
    expect(accounts).toMatchObject([{ id: home.id, isDeleted: false, poolId: null }]);
    expect(await app.deps.db.totpFactor.count({ where: { accountId: home.id } })).toBe(1);
    expect((await app.as(home, "GET /v1/auth/me")).status).toBe(200);
    const { items } = (await app.as(home, "GET /v1/auth/me/tenants")).body;
    expect(items).toMatchObject([{ tenant: { id: home.tenantId } }]);
  });

  test("asks for the slug, and for a tenant that is deleted", async () => {
    const { tenantId, slug } = await deletedTenant();
    const wrong = await purge(tenantId, "other");
    expect(wrong).toMatchObject({ status: 422, body: { errors: [{ path: "slug" }] } });
    await app.as(root, `POST /v1/tenants/${tenantId}/restore`);
    expect((await purge(tenantId, slug)).status).toBe(404);
    expect((await tablesWith(tenantId)).length).toBeGreaterThan(8);
  });

  test("of many at once none fails, and what was begun is not restored", async () => {
    const { tenantId, slug } = await deletedTenant();
    const answers = await Promise.all([
      ...Array.from({ length: 5 }, () => purge(tenantId, slug)),
      app.as(root, `POST /v1/tenants/${tenantId}/restore`),
    ]);
    const statuses = answers.map(({ status }) => status);
    expect(statuses.every((status) => [200, 204, 404].includes(status))).toBe(true);
    // Whichever came first: either everything is there, or nothing.
    const left = await tablesWith(tenantId);
    if (statuses.at(-1) === 200) expect(left.length).toBeGreaterThan(7);
    else expect(left).toEqual([]);
  });

  test("the clean-up purges those whose time of grace is over, and no other", async () => {
    const [over, kept, live] = [
      await deletedTenant(11),
      await deletedTenant(9),
      await registerOwner(app),
    ];
    await app.deps.jobs.send("clean_up", null);
    await app.deps.jobs.drain(createJobHandlers(app.served));
    expect(await tablesWith(over.tenantId)).toEqual([]);
    expect((await tablesWith(kept.tenantId)).length).toBeGreaterThan(8);
    expect((await app.as(live, "GET /v1/auth/me")).status).toBe(200);
    const [row] = await app.deps.db.auditLog.findMany({
      where: { action: "tenant.purged", resourceId: over.tenantId },
    });
    expect(row).toMatchObject({ tenantId: over.tenantId, actorId: null, outcome: "success" });
  });

  test("broken off between two batches it is gone on with, and not restored", async () => {
    const { tenantId, slug } = await deletedTenant();
    // The last step fails, as in a crash.
    await app.deps.pool.query(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
      CREATE TRIGGER refuse BEFORE DELETE ON tenants FOR EACH ROW EXECUTE FUNCTION refuse()`);
    expect((await purge(tenantId, slug)).status).toBe(500);
    await app.deps.pool.query("DROP TRIGGER refuse ON tenants; DROP FUNCTION refuse()");
    expect((await app.as(root, `POST /v1/tenants/${tenantId}/restore`)).status).toBe(404);
    await purgeDeletedTenants(app.deps);
    expect(await tablesWith(tenantId)).toEqual([]);
  });

  test("a tenant of many people goes in batches, with each of them", async () => {
    const owner = await registerOwner(app);
    await app.deps.pool.query(
      `WITH made AS (
         INSERT INTO accounts (id, pool_id, email)
         SELECT uuidv7(), $1::uuid, 'many' || n || '@many.example' FROM generate_series(1, 1000) AS n RETURNING id, email)
       INSERT INTO users (id, tenant_id, account_id, email) SELECT id, $1, id, email FROM made`,
      [owner.tenantId],
    );
    await app.as(owner, `DELETE /v1/tenants/${owner.tenantId}`);
    expect((await purge(owner.tenantId, owner.slug)).status).toBe(204);
    expect(await tablesWith(owner.tenantId)).toEqual([]);
  });
});
