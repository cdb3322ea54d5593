/** Taking the deletion of one's own account back, while there is time; and what is left once there is none. */
import { beforeAll, describe, expect, test } from "bun:test";
import { cleanUp } from "../../../src/clean-up.ts";
import { inBackground } from "../../../src/db/scope.ts";
import { createKey, use } from "../../api-keys/keys.ts";
import { accept, invited } from "../../invitations/invitations.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  createTestApp,
  logIn,
  PASSWORD,
  proveAddress,
  registerOwner,
  testApp,
} from "../../support/app.ts";
import { enrolTotp } from "../../support/factors.ts";
import { auditOf, registration } from "../mails/mails.ts";
import { guest, leaveForGood, restore, restoreAccount, undoToken } from "./accounts.ts";

const app = testApp({ TENANT_GRACE_DAYS: "10", DATABASE_POOL_SIZE: "20" });
let root: Account;
beforeAll(async () => {
  root = await createSuperAdmin(app);
});

/** A member of one tenant, whose address is proved, with an account that ended so long ago. */
async function gone(daysAgo = 0) {
  const owner = await registerOwner(app);
  const member = await createMember(app, owner, ["admin"]);
  await proveAddress(app, member);
  await leaveForGood(app, member);
  const token = await undoToken(app, member.email);
  await app.deps.pool.query(
    `WITH ended AS (UPDATE accounts SET ended_at = ended_at - make_interval(days => $2) WHERE id = $1)
     UPDATE users SET deleted_at = deleted_at - make_interval(days => $2) WHERE account_id = $1`,
    [member.id, daysAgo],
  );
  return { owner, member, token };
}

async function memberships(id: string): Promise<(string | null)[]> {
  const users = await app.deps.db.user.findMany({ where: { accountId: id, isDeleted: false } });
  return users.map(({ tenantId }) => tenantId).sort();
}

describe("the link of the mail", () => {
  test("brings back all of it but sessions and keys, and logs nobody in", async () => {
    const { home, host, person, there } = await guest(app);
    const key = await createKey(app, there);
    await leaveForGood(app, person);
    const { status, body } = await restore(app, await undoToken(app, person.email));
    expect([status, body]).toEqual([204, ""]);
    expect(await memberships(person.id)).toEqual([home.tenantId, host.tenantId].sort());
    expect((await app.as(person, "GET /v1/auth/me")).status).toBe(401);
    expect(await use(app, key)).toBe(401);
    const json = { email: person.email, password: PASSWORD, tenant: host.slug };
    const again = await app.call("POST /v1/auth/login", { json });
    expect([again.status, again.body.user.id, again.body.user.roles]).toEqual([
      ...[200, there.id, ["admin"]],
    ]);
    const rows = await app.deps.db.auditLog.findMany({
      where: { action: "user.account_restored", resourceId: { in: [person.id, there.id] } },
    });
    expect(rows.map(({ tenantId }) => tenantId).sort()).toEqual(
      [home.tenantId, host.tenantId, null].sort(),
    );
  });

  test("leaves the second factor asked for", async () => {
    const owner = await registerOwner(app);
    const member = await createMember(app, owner);
    await proveAddress(app, member);
    await enrolTotp(app, member);
    await app.mail();
    await leaveForGood(app, member);
    await restoreAccount(app, member.email);
    const json = { email: member.email, password: PASSWORD };
    const { body } = await app.call("POST /v1/auth/login", { json });
    expect(body.mfaRequired).toBe(true);
  });

  test("works once, and of fifty at once for one", async () => {
    const { token, member } = await gone();
    const answers = await Promise.all(Array.from({ length: 50 }, () => restore(app, token)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([204, ...Array<number>(49).fill(400)]);
    expect((await logIn(app, member.email)).id).toBe(member.id);
    expect(await auditOf(app, "user.account_restored", member.id)).toHaveLength(1);
  });

  test("works until the time is over, and not after", async () => {
    expect((await restore(app, (await gone(9)).token)).status).toBe(204);
    const { status, body } = await restore(app, (await gone(11)).token);
    expect([status, body.code]).toEqual([400, "invalid_one_time_token"]);
    expect((await restore(app, "A".repeat(43))).status).toBe(400);
  });

  test("is of no use where there is no time at all, and is not sent", async () => {
    const none = await createTestApp({ TENANT_GRACE_DAYS: "0" });
    try {
      const member = await createMember(none, await registerOwner(none));
      await leaveForGood(none, member);
      const { text } = await none.lastMailTo(member.email);
      expect(text).not.toContain("#token");
      expect(text).toContain("gone for good");
    } finally {
      await none.close();
    }
  });

  test("is refused while the address has another account", async () => {
    const { token, member } = await gone();
    const json = { ...registration(), email: member.email };
    const again = await app.call("POST /v1/auth/register", { json });
    expect(again.status).toBe(201);
    const { status, body } = await restore(app, token);
    expect([status, body.code]).toEqual([409, "email_taken"]);
    expect((await logIn(app, member.email)).id).toBe(again.body.user.id);
  });

  test("does not bring back into a tenant that they had left before, that is gone, full, or has somebody with the address", async () => {
    const { home, host, person } = await guest(app);
    const left = await app.as(person, `POST /v1/auth/me/tenants/${host.tenantId}/leave`);
    expect(left.status).toBe(204);
    await leaveForGood(app, person);
    await restoreAccount(app, person.email);
    expect(await memberships(person.id)).toEqual([home.tenantId]);

    for (const hinder of [deleteTenant, fillSeats, addAgain]) {
      const tenants = await guest(app);
      await leaveForGood(app, tenants.person);
      const token = await undoToken(app, tenants.person.email);
      await hinder(tenants.host, tenants.person.email);
      expect((await restore(app, token)).status).toBe(204);
      expect(await memberships(tenants.person.id)).toEqual([tenants.home.tenantId]);
      expect((await logIn(app, tenants.person.email)).id).toBe(tenants.person.id);
    }
  });

  test("says so where no tenant has a seat, and works once there is one", async () => {
    const { owner, member, token } = await gone();
    await fillSeats(owner);
    const { status, body } = await restore(app, token);
    expect([status, body.code]).toEqual([409, "seat_limit"]);
    await app.as(root, `PATCH /v1/tenants/${owner.tenantId}`, { seatLimit: 5 });
    expect((await restore(app, token)).status).toBe(204);
    expect((await logIn(app, member.email)).id).toBe(member.id);
  });

  test("finds nothing where the only tenant is gone", async () => {
    const { owner, token } = await gone();
    await deleteTenant(owner);
    expect((await restore(app, token)).status).toBe(400);
  });

  const deleteTenant = async (owner: Account) =>
    expect((await app.as(owner, `DELETE /v1/tenants/${owner.tenantId}`)).status).toBe(204);
  const fillSeats = async ({ tenantId }: Pick<Account, "tenantId">) =>
    expect((await app.as(root, `PATCH /v1/tenants/${tenantId}`, { seatLimit: 1 })).status).toBe(
      200,
    );
  const addAgain = async (owner: Account, email: string) =>
    expect((await app.as(owner, "POST /v1/users", { email })).status).toBe(201);
});

describe("the clean-up", () => {
  test("erases whom nobody brings back, in every tenant; ids and the log stay", async () => {
    const { home, host, person, there } = await guest(app);
    await app.as(there, "PATCH /v1/auth/me/profile", { phone: "+4930123456" });
    await leaveForGood(app, person);
    await app.deps.pool.query(
      "UPDATE accounts SET ended_at = ended_at - interval '11 days' WHERE id = $1",
      [person.id],
    );
    await inBackground(() => cleanUp(app.served));

    expect(await app.deps.db.account.count({ where: { id: person.id } })).toBe(0);
    for (const [{ tenantId }, { id }] of [
      [home, person],
      [host, there],
    ] as const) {
      const user = await app.deps.db.user.findUniqueOrThrow({ where: { id } });
      expect(user).toMatchObject({
        ...{ tenantId, isDeleted: true, accountId: null, firstName: null, lastName: null },
        email: `erased-${id}@erased.invalid`,
      });
      const [row, ...more] = await auditOf(app, "user.erased", id);
      expect(row).toMatchObject({
        tenantId,
        actorId: null,
        details: { reason: "account_deleted" },
      });
      expect(more).toEqual([]);
    }
    const { rows } = await app.deps.pool.query(
      `SELECT to_jsonb(users)::text || coalesce((SELECT string_agg(to_jsonb(user_profiles)::text, '') FROM user_profiles
         WHERE user_id = users.id), '') AS kept FROM users WHERE id = ANY ($1)`,
      [[person.id, there.id]],
    );
    for (const { kept } of rows) {
      expect(kept).not.toContain(person.email);
      expect(kept).not.toContain("+4930123456");
    }
  });

  test("lets those be who still have time", async () => {
    const { member, token } = await gone(9);
    await inBackground(() => cleanUp(app.served));
    expect((await restore(app, token)).status).toBe(204);
    expect((await logIn(app, member.email)).id).toBe(member.id);
  });

  test("takes nothing from whoever has the address by then", async () => {
    const { owner, member } = await gone(11);
    const { token } = await invited(app, owner, { email: member.email });
    await inBackground(() => cleanUp(app.served));
    expect(await auditOf(app, "user.erased", member.id)).toHaveLength(1);
    const { status, body } = await accept(app, token);
    expect(status).toBe(201);
    expect((await logIn(app, member.email)).id).toBe(body.user.id);
  });
});
