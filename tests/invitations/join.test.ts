/** Accepting an invitation with an account: its owner moves to the tenant that invites, with nothing of the old one. */
import { describe, expect, setSystemTime, test } from "bun:test";
import { createKey, use } from "../api-keys/keys.ts";
import { auditOf, reset, resetToken } from "../auth/mails/mails.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
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
async function movers(roles = ["admin"]) {
  const [from, to] = [await registerOwner(app), await registerOwner(app)];
  const mover = await createMember(app, from, roles);
  const invitation = await invited(app, to, { email: mover.email, roles: ["auditor"] });
  return { from, to, mover, invitation };
}

/** The same person once they have a password that their tenant does not know, logged in with it. */
async function withOwnPassword({ email }: Account): Promise<Account> {
  await reset(app, await resetToken(app, email), PASSWORD);
  return logIn(app, email);
}

test("R59: roles, sessions and keys stay behind; the account, its password and its factors move", async () => {
  const { from, to, mover, invitation } = await movers();
  Object.assign(mover, await withOwnPassword(mover));
  const key = await createKey(app, mover);
  await app.as(mover, "PATCH /v1/auth/me/profile", { language: "de" });
  stopClock();
  const { secret } = await enrolTotp(app, mover);
  expect(await join(app, mover, invitation.token)).toMatchObject({ status: 204 });

  expect((await app.as(mover, "GET /v1/auth/me")).status).toBe(401);
  const { refreshToken } = mover;
  expect((await app.call("POST /v1/auth/refresh", { json: { refreshToken } })).status).toBe(401);
  expect(await use(app, key)).toBe(401);
  const json = { email: mover.email, password: PASSWORD };
  const { mfaToken } = (await app.call("POST /v1/auth/login", { json })).body;
  await forgetSteps(app, mover);
  const { body } = await app.call("POST /v1/auth/mfa/verify", {
    json: { mfaToken, method: "totp", code: totpCode(secret) },
  });
  setSystemTime();
  expect(body.user).toMatchObject({
    ...{ id: mover.id, tenantId: to.tenantId, roles: ["auditor"] },
    emailVerifiedAt: expect.any(String),
  });
  const me = await app.call("GET /v1/auth/me/profile", { token: body.accessToken });
  expect(me.body.language).toBe("de");
  const role = await app.call("POST /v1/users", { token: body.accessToken, json });
  expect(role.status).toBe(403);

  expect((await app.as(from, `GET /v1/users/${mover.id}`)).status).toBe(404);
  expect((await app.as(to, `GET /v1/users/${mover.id}`)).status).toBe(200);
  expect((await inspect(app, invitation.token)).status).toBe(400);
});

test("R59: the tenant that they come to learns of no key, device, address or answer of the one before", async () => {
  const { to, mover, invitation } = await movers();
  await createKey(app, mover);
  await app.deps.pool.query(
    "UPDATE sessions SET ip = '192.0.2.77', user_agent = 'Old/1.0', device_name = 'Old' WHERE user_id = $1",
    [mover.id],
  );
  // The request that moves them has such an answer of its own.
  await app.call("POST /v1/invitations/join", {
    token: mover.accessToken,
    json: { token: invitation.token },
    headers: { "idempotency-key": "join-once" },
  });
  const { status, body } = await app.as(to, `GET /v1/users/${mover.id}/personal-data`);
  expect(status).toBe(200);
  expect(body.apiKeys).toEqual([]);
  for (const session of body.sessions)
    expect(session).toMatchObject({ ip: null, userAgent: null, deviceName: null });
  const { rows } = await app.deps.pool.query(
    "SELECT FROM idempotency_keys WHERE user_id = $1 UNION ALL SELECT FROM one_time_tokens WHERE user_id = $1",
    [mover.id],
  );
  expect(rows).toEqual([]);
});

test("R63: both tenants have it on record, each its own side", async () => {
  const { from, to, mover, invitation } = await movers();
  await join(app, mover, invitation.token);
  const [left] = await auditOf(app, "user.left_tenant", mover.id);
  expect(left).toMatchObject({ tenantId: from.tenantId, actorId: mover.id, outcome: "success" });
  expect(JSON.stringify(left?.details)).not.toContain(to.tenantId);
  const [accepted] = await auditOf(app, "invitation.accepted", invitation.id);
  expect(accepted).toMatchObject({ tenantId: to.tenantId, details: { userId: mover.id } });
  expect(JSON.stringify(accepted?.details)).not.toContain(from.tenantId);
});

test("R62: the last owner does not leave their tenant without one, however often they ask at once", async () => {
  const { from, to } = await movers();
  const second = await createMember(app, from, ["owner"]);
  const tokens: [Account, string][] = [];
  for (const who of [from, second])
    tokens.push([who, (await invited(app, to, { email: who.email })).token]);
  const answers = await Promise.all(tokens.map(([who, token]) => join(app, who, token)));
  expect(answers.map(({ status }) => status).sort()).toEqual([204, 409]);
  expect(answers.find(({ status }) => status === 409)?.body.code).toBe("last_owner");
  const owners = { tenantId: from.tenantId, role: { name: "owner" } };
  expect(await app.deps.db.userRole.count({ where: owners })).toBe(1);
});

test("of many acceptances at once one moves the account, once", async () => {
  const { to, mover, invitation } = await movers();
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => join(app, mover, invitation.token)),
  );
  expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
  const roles = await app.deps.db.userRole.findMany({ where: { userId: mover.id } });
  expect(roles.map(({ tenantId }) => tenantId)).toEqual([to.tenantId]);
  expect(await auditOf(app, "user.left_tenant", mover.id)).toHaveLength(1);
});

describe("nobody moves", () => {
  test("R64: on an invitation to somebody else, which still works for them", async () => {
    const { from, mover, invitation } = await movers();
    const other = await createMember(app, from);
    const answer = await join(app, other, invitation.token);
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_one_time_token" } });
    expect((await join(app, mover, invitation.token)).status).toBe(204);
  });

  test("without a fresh log-in", async () => {
    const { mover, invitation } = await movers();
    const { accessTokens } = app.deps;
    const claims = await accessTokens.verify(mover.accessToken);
    const authenticatedAt = claims.authenticatedAt - 601;
    const { token } = await accessTokens.sign({ ...claims, authenticatedAt });
    const answer = await join(app, { ...mover, accessToken: token }, invitation.token);
    expect(answer.body.code).toBe("reauthentication_required");
  });

  test("who is a platform account, or in the tenant already", async () => {
    const { to, mover, invitation } = await movers();
    const root = await createSuperAdmin(app);
    expect((await join(app, root, invitation.token)).status).toBe(403);
    await app.deps.db.user.update({ where: { id: mover.id }, data: { email: "x@moved.example" } });
    const made = await createMember(app, to, ["member"], "there");
    await app.deps.db.invitation.updateMany({
      where: { id: invitation.id },
      data: { email: made.email },
    });
    expect((await join(app, made, invitation.token)).body.code).toBe("email_taken");
  });

  test("when whoever invited was disabled meanwhile, or the domain is not let in any more", async () => {
    const { to, mover, invitation } = await movers();
    await set(app, to, { allowedEmailDomains: ["acme.example"] });
    expect((await join(app, mover, invitation.token)).status).toBe(422);
    await set(app, to, { allowedEmailDomains: null });
    await app.deps.db.user.update({ where: { id: to.id }, data: { status: "disabled" } });
    expect((await join(app, mover, invitation.token)).status).toBe(400);
    expect((await app.as(mover, "GET /v1/auth/me")).body.user.roles).toEqual(["admin"]);
  });
});

test("the seat is the one that the invitation held", async () => {
  const { to, mover, invitation } = await movers();
  await limitSeats(app, await createSuperAdmin(app), to.tenantId, 1);
  expect((await join(app, mover, invitation.token)).status).toBe(204);
  const { body } = await app.as(to, "GET /v1/tenants/current/usage");
  expect(body.seats).toEqual({ taken: 2, limit: 1 });
});

test("a purge of the tenant that they left takes nothing from them", async () => {
  const { from, mover, invitation } = await movers();
  await join(app, await withOwnPassword(mover), invitation.token);
  const moved = await logIn(app, mover.email);
  await app.as(from, `DELETE /v1/tenants/${from.tenantId}`);
  const root = await createSuperAdmin(app);
  const purged = await app.as(root, `POST /v1/tenants/${from.tenantId}/purge`, { slug: from.slug });
  expect(purged.status).toBe(204);
  expect((await app.as(moved, "GET /v1/auth/me")).status).toBe(200);
  const left = { userId: mover.id, tenantId: from.tenantId };
  expect(await app.deps.db.session.count({ where: left })).toBe(0);
});
