/** Deleting one's own account, in all of its tenants at once. */
import { beforeAll, describe, expect, test } from "bun:test";
import { createKey, use } from "../../api-keys/keys.ts";
import { invited } from "../../invitations/invitations.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  createTestApp,
  logIn,
  PASSWORD,
  proveAddress,
  randomName,
  registerOwner,
  testApp,
} from "../../support/app.ts";
import { goTo, joinTenant } from "../../support/memberships.ts";
import { ageLogIn } from "../../support/stale.ts";
import { auditOf, mailsTo, passwordLogin, registration, tokenIn } from "../mails/mails.ts";
import { guest, leaveForGood, restoreAccount } from "./accounts.ts";

const DAY_MILLIS = 86_400_000;

const app = testApp({ DATABASE_POOL_SIZE: "20" });
let root: Account;
beforeAll(async () => {
  root = await createSuperAdmin(app);
});

const isIn = async (who: Pick<Account, "accessToken">) =>
  (await app.as(who, "GET /v1/auth/me")).status === 200;

test("it ends everywhere at once: users, sessions, keys, links; and the address is free", async () => {
  const { host, home, person, there } = await guest(app);
  const elsewhere = await logInTo(person.email, host.slug);
  const keys = [await createKey(app, there), await createKey(app, person)];
  await app.call("POST /v1/auth/forgot-password", { json: { email: person.email } });
  const resetToken = tokenIn(await app.lastMailTo(person.email));

  const { status, body } = await app.as(person, "DELETE /v1/auth/me");
  expect([status, body]).toEqual([204, ""]);
  expect(await Promise.all([person, there, elsewhere].map(isIn))).toEqual([false, false, false]);
  for (const { refreshToken } of [there, elsewhere]) {
    const { status: refreshed } = await app.call("POST /v1/auth/refresh", {
      json: { refreshToken },
    });
    expect(refreshed).toBe(401);
  }
  const sessions = await app.deps.db.session.findMany({ where: { accountId: person.id } });
  expect(new Set(sessions.map(({ revokedReason }) => revokedReason))).toEqual(
    new Set(["account_deleted"]),
  );
  expect(await Promise.all(keys.map((key) => use(app, key)))).toEqual([401, 401]);
  const json = { token: resetToken, newPassword: "a wholly different long phrase" };
  expect((await app.call("POST /v1/auth/reset-password", { json })).status).toBe(400);
  expect(await passwordLogin(app, person.email)).toBe(401);
  for (const [owner, { id }] of [
    [host, there],
    [home, person],
  ] as const)
    expect((await app.as(owner, `GET /v1/users/${id}`)).status).toBe(404);
  const again = { ...registration(), email: person.email };
  expect((await app.call("POST /v1/auth/register", { json: again })).status).toBe(201);
});

test("no tenant brings them back", async () => {
  const { host, there, person } = await guest(app);
  await leaveForGood(app, person);
  for (const who of [host, root])
    expect((await app.as(who, `POST /v1/users/${there.id}/restore`)).status).toBe(404);
});

test("whom a tenant had deleted before comes back there without the account", async () => {
  const { host, there, person } = await guest(app);
  expect((await app.as(host, `DELETE /v1/users/${there.id}`)).status).toBe(204);
  await leaveForGood(app, person);
  expect((await app.as(host, `POST /v1/users/${there.id}/restore`)).status).toBe(200);
  const user = await app.deps.db.user.findUniqueOrThrow({
    where: { id: there.id },
    include: { account: true },
  });
  expect(user.account).toMatchObject({ poolId: host.tenantId, passwordHash: null });
  expect(await passwordLogin(app, person.email)).toBe(401);
});

test("a mail says until when it can be taken back, and how", async () => {
  const { person } = await guest(app);
  const before = Date.now();
  await leaveForGood(app, person);
  const { subject, text } = await app.lastMailTo(person.email);
  expect(subject).toBe("Your account is deleted");
  const date = new Intl.DateTimeFormat("en", { dateStyle: "long", timeZone: "UTC" });
  expect(text).toContain(date.format(before + 30 * DAY_MILLIS));
  expect(text).toContain("/restore-account#token=");
});

test("R63, R83: each tenant reads of its own user, and nothing of the other; the platform all", async () => {
  const { host, home, person, there } = await guest(app);
  await leaveForGood(app, person);
  const rows = await app.deps.db.auditLog.findMany({
    where: { action: "user.account_deleted", resourceId: { in: [person.id, there.id] } },
  });
  const seen = rows.map(({ tenantId, resourceId, actorId }) => [tenantId, resourceId, actorId]);
  expect(seen).toHaveLength(3);
  expect(seen).toContainEqual([host.tenantId, there.id, there.id]);
  expect(seen).toContainEqual([home.tenantId, person.id, person.id]);
  expect(seen).toContainEqual([null, person.id, person.id]);
  const { body } = await app.as(host, "GET /v1/audit-logs?limit=100");
  for (const secret of [home.tenantId, person.id])
    expect(JSON.stringify(body)).not.toContain(secret);
});

test("a platform account ends so too, and nobody acts in its name any more", async () => {
  const operator = await createSuperAdmin(app);
  const user = await createMember(app, await registerOwner(app));
  const json = { reason: "a ticket" };
  const acting = await app.as(operator, `POST /v1/users/${user.id}/impersonate`, json);
  expect(acting.status).toBe(200);
  const { status } = await app.as(operator, "DELETE /v1/auth/me");
  expect(status).toBe(204);
  expect(await isIn({ accessToken: acting.body.accessToken })).toBe(false);
  expect(await isIn(operator)).toBe(false);
});

test("an account of a tenant's own pool ends by the same request", async () => {
  const owner = await registerOwner(app);
  const isolated = { userPool: "isolated" };
  const moved = await app.as(root, `POST /v1/tenants/${owner.tenantId}/user-pool`, isolated);
  expect(moved.status).toBe(200);
  const email = `${randomName()}@members.example`;
  const here = await logInTo(owner.email, owner.slug);
  expect((await app.as(here, "POST /v1/users", { email, password: PASSWORD })).status).toBe(201);
  const member = await logInTo(email, owner.slug);
  expect((await app.as(member, "DELETE /v1/auth/me")).status).toBe(204);
  expect(await isIn(member)).toBe(false);
  expect(await mailsTo(app, email)).toBe(1);
  await restoreAccount(app, email);
  expect((await logInTo(email, owner.slug)).id).toBe(member.id);
});

describe("it is refused", () => {
  test("to the last owner of a tenant, with the names of all such tenants", async () => {
    const [one, two, three] = [
      await registerOwner(app),
      await registerOwner(app),
      await registerOwner(app),
    ];
    await proveAddress(app, one);
    await joinTenant(app, one, three);
    const there = await joinTenant(app, await logInTo(one.email, one.slug), two, ["owner"]);
    expect((await app.as(two, "DELETE /v1/auth/me")).status).toBe(204);
    const { status, body } = await app.as(there, "DELETE /v1/auth/me");
    expect([status, body.code]).toEqual([409, "last_owner"]);
    for (const { slug } of [one, two]) expect(body.detail).toContain(`${slug} (${slug})`);
    expect(body.detail).not.toContain(three.slug);
    expect(await isIn(there)).toBe(true);
    // A tenant that is deleted needs no owner.
    const home = await goTo(app, there, one.tenantId);
    expect((await app.as(home, `DELETE /v1/tenants/${one.tenantId}`)).status).toBe(204);
    const left = await logIn(app, one.email).catch(() => logInTo(one.email, two.slug));
    await createMember(app, left, ["owner"]);
    expect((await app.as(left, "DELETE /v1/auth/me")).status).toBe(204);
  });

  test("to the last super admin", async () => {
    const alone = await createTestApp();
    try {
      const only = await createSuperAdmin(alone);
      const { status, body } = await alone.as(only, "DELETE /v1/auth/me");
      expect([status, body.code]).toEqual([409, "last_super_admin"]);
    } finally {
      await alone.close();
    }
  });

  test("R67: to a log-in of long ago, to a key, and to whoever acts as the person", async () => {
    const { host, person, there } = await guest(app);
    const key = await createKey(app, there);
    const json = { reason: "a ticket" };
    const acting = await app.as(root, `POST /v1/users/${there.id}/impersonate`, json);
    const stale = await ageLogIn(app, person);
    const answers = await Promise.all(
      [stale.accessToken, key.key, acting.body.accessToken].map((token) =>
        app.call("DELETE /v1/auth/me", { token }),
      ),
    );
    expect(answers.map(({ body }) => body.code)).toEqual([
      "reauthentication_required",
      "session_required",
      "impersonation_forbidden",
    ]);
    expect((await app.as(host, `GET /v1/users/${there.id}`)).status).toBe(200);
  });
});

describe("at once", () => {
  test("of fifty requests one does it, and the others find the session ended", async () => {
    const { person } = await guest(app);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => app.as(person, "DELETE /v1/auth/me")),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([204, ...Array<number>(49).fill(401)]);
    expect(await auditOf(app, "user.account_deleted", person.id)).toHaveLength(2);
  });

  test("R62: of two owners who go one stays", async () => {
    const owner = await registerOwner(app);
    const second = await createMember(app, owner, ["owner"]);
    const answers = await Promise.all(
      [owner, second].map((who) => app.as(who, "DELETE /v1/auth/me")),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 409]);
  });

  test("whoever joins another tenant meanwhile is gone from that too, or was never there", async () => {
    for (let n = 0; n < 5; n++) {
      const { person } = await guest(app);
      const other = await registerOwner(app);
      const { token } = await invited(app, other, { email: person.email });
      const [gone, joined] = await Promise.all([
        app.as(person, "DELETE /v1/auth/me"),
        app.as(person, "POST /v1/invitations/join", { token }),
      ]);
      expect([gone.status, [200, 401].includes(joined.status)]).toEqual([204, true]);
      const users = { email: person.email, isDeleted: false };
      expect(await app.deps.db.user.count({ where: users })).toBe(0);
    }
  });

  test("whom a tenant deletes meanwhile is deleted once", async () => {
    for (let n = 0; n < 5; n++) {
      const { host, person, there } = await guest(app);
      const [gone, deleted] = await Promise.all([
        app.as(person, "DELETE /v1/auth/me"),
        app.as(host, `DELETE /v1/users/${there.id}`),
      ]);
      expect([gone.status, [204, 404].includes(deleted.status)]).toEqual([204, true]);
      const account = await app.deps.db.account.findUniqueOrThrow({ where: { id: person.id } });
      expect(account).toMatchObject({ isDeleted: true, endedAt: expect.any(Date) });
    }
  });
});

async function logInTo(email: string, tenant: string): Promise<Account> {
  const json = { email, password: PASSWORD, tenant };
  const { body } = await app.call("POST /v1/auth/login", { json });
  return { ...body.user, accessToken: body.accessToken, refreshToken: body.refreshToken };
}
