/** Accepting an invitation with an account: its person belongs to the tenant that invites too, with nothing of the other one. */
import { describe, expect, setSystemTime, test } from "bun:test";
import { createKey, use } from "../api-keys/keys.ts";
import { auditOf, reset, resetToken } from "../auth/mails/mails.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  createTestApp,
  logIn,
  PASSWORD,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { enrolTotp, forgetSteps, stopClock, totpCode } from "../support/factors.ts";
import { limitSeats, set } from "../tenants/tenants.ts";
import { inspect, invited, join } from "./invitations.ts";

const app = testApp();

/** Somebody of one tenant whom another one invites. */
async function guests(roles = ["admin"]) {
  const [home, host] = [await registerOwner(app), await registerOwner(app)];
  const guest = await createMember(app, home, roles);
  const invitation = await invited(app, host, { email: guest.email, roles: ["auditor"] });
  return { home, host, guest, invitation };
}

/** The same person once they have a password that their tenant does not know, logged in with it. */
async function withOwnPassword({ email }: Account): Promise<Account> {
  await reset(app, await resetToken(app, email), PASSWORD);
  return logIn(app, email);
}

async function inTenant({ refreshToken }: Account, tenantId: string): Promise<Account> {
  const json = { refreshToken, tenantId };
  const { body } = await app.call("POST /v1/auth/refresh", { json });
  return { ...body.user, accessToken: body.accessToken, refreshToken: body.refreshToken };
}

test("R59, R78: they belong to both, with one account, its password and factors; roles and keys are each tenant's own", async () => {
  const { home, host, guest, invitation } = await guests();
  Object.assign(guest, await withOwnPassword(guest));
  const key = await createKey(app, guest);
  stopClock();
  const { secret } = await enrolTotp(app, guest);
  const joined = await join(app, guest, invitation.token);
  expect(joined).toMatchObject({
    status: 200,
    body: {
      tenant: { id: host.tenantId, slug: host.slug, name: host.slug, status: "active" },
      roles: ["auditor"],
      status: "active",
    },
  });
  expect(joined.body.userId).not.toBe(guest.id);

  // Where they were, nothing has changed.
  expect((await app.as(guest, "GET /v1/auth/me")).body.user).toMatchObject({
    ...{ id: guest.id, tenantId: home.tenantId, roles: ["admin"] },
  });
  expect(await use(app, key)).toBe(200);
  const there = await inTenant(guest, host.tenantId);
  expect((await app.as(there, "GET /v1/auth/me")).body.user).toMatchObject({
    ...{ id: joined.body.userId, tenantId: host.tenantId, roles: ["auditor"] },
    emailVerifiedAt: expect.any(String),
  });
  const email = "made@by.example";
  expect((await app.as(there, "POST /v1/users", { email })).status).toBe(403);
  expect((await app.as(guest, "POST /v1/users", { email })).status).toBe(201);

  const json = { email: guest.email, password: PASSWORD, tenant: host.slug };
  const { mfaToken } = (await app.call("POST /v1/auth/login", { json })).body;
  await forgetSteps(app, guest);
  const { body } = await app.call("POST /v1/auth/mfa/verify", {
    json: { mfaToken, method: "totp", code: totpCode(secret) },
  });
  setSystemTime();
  expect(body.user.tenantId).toBe(host.tenantId);
  expect((await inspect(app, invitation.token)).status).toBe(400);
});

test("R59: neither tenant learns of the other: no key, device, address, role, id or answer", async () => {
  const { home, host, guest, invitation } = await guests();
  await createKey(app, guest);
  await app.deps.pool.query(
    "UPDATE sessions SET ip = '192.0.2.77', user_agent = 'Old/1.0', device_name = 'Old' WHERE account_id = $1",
    [guest.id],
  );
  const { body: joined } = await join(app, guest, invitation.token);
  const { status, body } = await app.as(host, `GET /v1/users/${joined.userId}/personal-data`);
  expect(status).toBe(200);
  expect([body.apiKeys, body.sessions, body.memberships, body.passkeys]).toEqual([[], [], [], []]);
  expect(body.account.password).toBeNull();
  const seen = JSON.stringify([
    body,
    (await app.as(host, "GET /v1/audit-logs")).body,
    (await app.as(host, "GET /v1/users")).body,
    (await app.as(host, `GET /v1/users/${joined.userId}/sessions`)).body,
  ]);
  for (const secret of [home.tenantId, guest.id, home.slug, "192.0.2.77", "Old/1.0"])
    expect(seen).not.toContain(secret);
  expect((await app.as(host, `GET /v1/users/${guest.id}`)).status).toBe(404);
  const back = JSON.stringify([
    (await app.as(home, "GET /v1/audit-logs")).body,
    (await app.as(home, `GET /v1/users/${guest.id}/personal-data`)).body,
  ]);
  for (const secret of [host.tenantId, joined.userId, host.slug])
    expect(back).not.toContain(secret);
});

test("R63: the tenant that invited has it on record, by who they are there; the other one nothing", async () => {
  const { home, guest, host, invitation } = await guests();
  const { body } = await join(app, guest, invitation.token);
  const [accepted] = await auditOf(app, "invitation.accepted", invitation.id);
  expect(accepted).toMatchObject({
    ...{ tenantId: host.tenantId, actorId: body.userId },
    details: { userId: body.userId },
  });
  const read = await app.as(host, `GET /v1/invitations/${invitation.id}`);
  expect(read.body).toMatchObject({ status: "accepted", acceptedBy: body.userId });
  const rows = await app.deps.db.auditLog.findMany({
    where: { tenantId: home.tenantId, action: { in: ["user.left_tenant", "invitation.accepted"] } },
  });
  expect(rows).toEqual([]);
});

test("R78: accepted again, and by twenty at once, it leads to the tenant, and makes one user", async () => {
  const { host, guest, invitation } = await guests();
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => join(app, guest, invitation.token)),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(new Set(answers.map(({ body }) => body.userId)).size).toBe(1);
  expect((await join(app, guest, invitation.token)).body).toEqual(answers[0]?.body);
  const where = { tenantId: host.tenantId, email: guest.email };
  expect(await app.deps.db.user.count({ where })).toBe(1);
});

test("whoever was deleted is invited anew, and comes as somebody new", async () => {
  const { host, guest, invitation } = await guests();
  const first = (await join(app, guest, invitation.token)).body;
  await app.as(host, `DELETE /v1/users/${first.userId}`);
  expect((await join(app, guest, invitation.token)).status).toBe(400);
  const again = await invited(app, host, { email: guest.email, roles: ["member"] });
  const second = await join(app, guest, again.token);
  expect(second).toMatchObject({ status: 200, body: { roles: ["member"] } });
  expect(second.body.userId).not.toBe(first.userId);
});

test("a password that the tenant had set goes, since it would open the other one too", async () => {
  const { host, guest, invitation } = await guests();
  expect((await join(app, guest, invitation.token)).status).toBe(200);
  const json = { email: guest.email, password: PASSWORD };
  for (const tenant of [undefined, host.slug])
    expect((await app.call("POST /v1/auth/login", { json: { ...json, tenant } })).status).toBe(401);
  expect((await app.as(guest, "GET /v1/auth/me")).status).toBe(200);
});

describe("nobody joins", () => {
  test("R64: on an invitation to somebody else, which still works for them", async () => {
    const { home, guest, invitation } = await guests();
    const other = await createMember(app, home);
    const answer = await join(app, other, invitation.token);
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_one_time_token" } });
    expect((await join(app, guest, invitation.token)).status).toBe(200);
    // Nor by one that somebody else has accepted.
    expect((await join(app, other, invitation.token)).status).toBe(400);
  });

  test("without a fresh log-in", async () => {
    const { guest, invitation } = await guests();
    const { accessTokens } = app.deps;
    const claims = await accessTokens.verify(guest.accessToken);
    const authenticatedAt = claims.authenticatedAt - 601;
    const { token } = await accessTokens.sign({ ...claims, authenticatedAt });
    const answer = await join(app, { ...guest, accessToken: token }, invitation.token);
    expect(answer.body.code).toBe("reauthentication_required");
  });

  test("who is a platform account", async () => {
    const { invitation } = await guests();
    const root = await createSuperAdmin(app);
    expect((await join(app, root, invitation.token)).status).toBe(403);
  });

  test("when whoever invited was disabled meanwhile, or the domain is not let in any more", async () => {
    const { host, guest, invitation } = await guests();
    await set(app, host, { allowedEmailDomains: ["acme.example"] });
    expect((await join(app, guest, invitation.token)).status).toBe(422);
    await set(app, host, { allowedEmailDomains: null });
    await app.deps.db.user.update({ where: { id: host.id }, data: { status: "disabled" } });
    expect((await join(app, guest, invitation.token)).status).toBe(400);
    expect((await app.as(guest, "GET /v1/auth/me/tenants")).body.items).toHaveLength(1);
  });

  test("where tenants keep their own accounts: a new one is made there", async () => {
    const apart = await createTestApp({ EMAIL_SCOPE: "tenant" });
    const [home, host] = [await registerOwner(apart), await registerOwner(apart)];
    const { token } = await invited(apart, host, { email: home.email });
    const answer = await join(apart, home, token);
    expect(answer).toMatchObject({ status: 403, body: { code: "permission_denied" } });
    expect(answer.body.detail).toContain("with a new account");
    expect((await inspect(apart, token)).status).toBe(200);
    await apart.close();
  });
});

test("the seat is the one that the invitation held", async () => {
  const { host, guest, invitation } = await guests();
  await limitSeats(app, await createSuperAdmin(app), host.tenantId, 1);
  expect((await join(app, guest, invitation.token)).status).toBe(200);
  const { body } = await app.as(host, "GET /v1/tenants/current/usage");
  expect(body.seats).toEqual({ taken: 2, limit: 1 });
});

test("a purge of one of their tenants takes nothing from them in the other", async () => {
  const { home, host, guest, invitation } = await guests();
  const own = await withOwnPassword(guest);
  await join(app, own, invitation.token);
  const there = await inTenant(own, host.tenantId);
  await app.as(home, `DELETE /v1/tenants/${home.tenantId}`);
  const root = await createSuperAdmin(app);
  const purged = await app.as(root, `POST /v1/tenants/${home.tenantId}/purge`, { slug: home.slug });
  expect(purged.status).toBe(204);
  expect((await app.as(there, "GET /v1/auth/me")).status).toBe(200);
  expect((await app.as(own, "GET /v1/auth/me")).status).toBe(401);
  expect((await logIn(app, guest.email)).tenantId).toBe(host.tenantId);
});
