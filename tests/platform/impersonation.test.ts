/** R62: acting as a user is on the record, marked, short, and ends with the super admin's own session. */
import { beforeAll, expect, test } from "bun:test";
import { decodeJwt } from "jose";
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
} from "../support/app.ts";
import { actAs, REASON, statusOf } from "./impersonation.ts";

const app = testApp();
let owner: Account & { tenantId: string };
let root: Account;
beforeAll(async () => {
  [owner, root] = await Promise.all([registerOwner(app), createSuperAdmin(app)]);
});

const me = (accessToken: string) => app.call("GET /v1/auth/me", { token: accessToken });
const rowsOf = (sessionId: string) =>
  app.deps.db.auditLog.findMany({
    where: { OR: [{ sessionId }, { resourceId: sessionId }] },
    orderBy: { id: "asc" },
  });

test("R62: the token says for whom and by whom, and /me tells the banner", async () => {
  const member = await createMember(app, owner);
  const answer = await app.call(`POST /v1/users/${member.id}/impersonate`, {
    token: root.accessToken,
    json: REASON,
  });
  expect(answer.status).toBe(200);
  expect(Object.keys(answer.body).sort()).toEqual([
    "accessToken",
    "expiresIn",
    "tokenType",
    "user",
  ]);
  expect(answer.headers.has("set-cookie")).toBe(false);
  const claims = decodeJwt(answer.body.accessToken);
  expect(claims).toMatchObject({ sub: member.id, tid: owner.tenantId, act: { sub: root.id } });
  expect(answer.body.expiresIn).toBe(600);
  expect(Number(claims.exp) - Number(claims.iat)).toBe(600);

  const { body } = await me(answer.body.accessToken);
  expect(body).toMatchObject({
    user: { id: member.id },
    tenant: { id: owner.tenantId },
    roles: ["member"],
    impersonation: { by: { id: root.id, email: root.email }, reason: "Ticket 4711" },
  });
  const left = new Date(body.impersonation.expiresAt).getTime() - Date.now();
  expect(left).toBeGreaterThan(590_000);
  expect(left).toBeLessThanOrEqual(600_000);
  expect((await me(member.accessToken)).body.impersonation).toBeNull();
});

test("R62: fifteen minutes at most, however long access tokens last", async () => {
  const long = await createTestApp({ ACCESS_TOKEN_TTL_SECONDS: "3600" });
  const acting = await actAs(long, await createSuperAdmin(long), await registerOwner(long));
  expect(acting.expiresIn).toBe(900);
  const session = await long.deps.db.session.findUniqueOrThrow({ where: { id: acting.sessionId } });
  expect(Number(session.expiresAt) - Number(session.createdAt)).toBe(900_000);
  expect(session.idleExpiresAt).toEqual(session.expiresAt);
  expect(await long.deps.db.refreshToken.count({ where: { sessionId: acting.sessionId } })).toBe(0);
  await long.close();
});

test("R62, R63: what is done in it is on the record, of the user and of who acted", async () => {
  const acting = await actAs(app, root, owner);
  const token = acting.accessToken;
  await app.call("POST /v1/users", { token, json: { email: "made@acting.example" } });
  await app.call("PATCH /v1/auth/me/profile", { token, json: { language: "de" } });
  await app.call("POST /v1/auth/logout", { token });
  const rows = await rowsOf(acting.sessionId);
  // The last two are of one moment, in two clocks: the database's and the server's.
  if (rows[3]?.action === "auth.logged_out") rows.push(...rows.splice(3, 1));
  expect(rows.map((row) => [row.action, row.actorId, row.impersonatorId, row.tenantId])).toEqual([
    ["platform.impersonation_started", root.id, null, owner.tenantId],
    ["user.created", owner.id, root.id, owner.tenantId],
    ["user.profile_updated", owner.id, root.id, owner.tenantId],
    ["platform.impersonation_ended", owner.id, root.id, owner.tenantId],
    ["auth.logged_out", owner.id, root.id, owner.tenantId],
  ]);
  expect(rows[0]?.details).toMatchObject({ userId: owner.id, reason: "Ticket 4711" });
  expect(rows[3]?.details).toEqual({ reason: "logout" });
});

test("R19: the user is told, in their language and in nobody else's words", async () => {
  const member = await createMember(app, owner);
  await proveAddress(app, member);
  await app.call("PATCH /v1/auth/me/profile", {
    token: member.accessToken,
    json: { language: "de" },
  });
  await actAs(app, root, member);
  const mail = await app.lastMailTo(member.email);
  expect(mail.subject).toBe("Der Support handelt in Ihrem Namen");
  expect(mail.text).not.toContain("Ticket 4711");
});

test("R37: it stands among the user's sessions with a mark, and the user can end it", async () => {
  const member = await createMember(app, owner);
  const acting = await actAs(app, root, member);
  const { body } = await app.call("GET /v1/auth/sessions", { token: member.accessToken });
  const marks = body.items.map((row: { id: string; impersonated: boolean }) => [
    row.id === acting.sessionId,
    row.impersonated,
  ]);
  expect(marks).toEqual([
    [true, true],
    [false, false],
  ]);
  const ended = await app.call(`DELETE /v1/auth/sessions/${acting.sessionId}`, {
    token: member.accessToken,
  });
  expect([ended.status, await statusOf(app, acting)]).toEqual([204, 401]);
  expect(await statusOf(app, member)).toBe(200);
});

test("R36: it ends with whatever ends it, for the user or for the super admin", async () => {
  const ends: Record<string, (who: Account, user: Account) => Promise<unknown>> = {
    "the super admin logs out": (who) =>
      app.call("POST /v1/auth/logout", { token: who.accessToken }),
    "the super admin ends all sessions": (who) =>
      app.call("POST /v1/auth/logout-all", { token: who.accessToken }),
    "the super admin is disabled": (who) =>
      app.call(`PATCH /v1/users/${who.id}`, {
        token: root.accessToken,
        json: { status: "disabled" },
      }),
    "the super admin is deleted": (who) =>
      app.call(`DELETE /v1/users/${who.id}`, { token: root.accessToken }),
    "the super admin is none any more": (who) =>
      app.call(`PUT /v1/users/${who.id}/roles`, { token: root.accessToken, json: { roles: [] } }),
    "the user is disabled": (_, user) =>
      app.call(`PATCH /v1/users/${user.id}`, {
        token: owner.accessToken,
        json: { status: "disabled" },
      }),
    "an admin ends the user's sessions": (_, user) =>
      app.call(`DELETE /v1/users/${user.id}/sessions`, { token: owner.accessToken }),
    "the user changes the password": (_, user) =>
      app.call("POST /v1/auth/change-password", {
        token: user.accessToken,
        json: { currentPassword: PASSWORD, newPassword: `${PASSWORD} anew` },
      }),
    "it is begun again": (who, user) => actAs(app, who, user),
  };
  for (const [name, end] of Object.entries(ends)) {
    const [who, user] = [await createSuperAdmin(app), await createMember(app, owner)];
    const acting = await actAs(app, who, user);
    expect([name, await statusOf(app, acting)]).toEqual([name, 200]);
    await end(who, user);
    const deadline = Date.now() + 1000;
    while ((await statusOf(app, acting)) === 200 && Date.now() < deadline) await Bun.sleep(5);
    expect([name, await statusOf(app, acting)]).toEqual([name, 401]);
    const ended = (await rowsOf(acting.sessionId)).filter(
      (row) => row.action === "platform.impersonation_ended",
    );
    expect([name, ended.map((row) => [row.tenantId, row.impersonatorId])]).toEqual([
      name,
      [[owner.tenantId, who.id]],
    ]);
  }
});

test("R36: twenty begun while the super admin logs out: none goes on", async () => {
  const who = await createSuperAdmin(app);
  const users = await Promise.all(Array.from({ length: 20 }, () => createMember(app, owner)));
  const begun = users.map(({ id }) =>
    app.call(`POST /v1/users/${id}/impersonate`, { token: who.accessToken, json: REASON }),
  );
  const logout = app.call("POST /v1/auth/logout", { token: who.accessToken });
  const answers = await Promise.all(begun);
  expect((await logout).status).toBe(204);
  for (const { status } of answers) expect([200, 401]).toContain(status);
  const live = await app.deps.db.session.count({
    where: { impersonatorId: who.id, revokedAt: null },
  });
  expect(live).toBe(0);
});

test("no session of the user makes way for it, nor does it for theirs", async () => {
  const small = await createTestApp({ SESSION_LIMIT: "1" });
  const [user, who] = [await registerOwner(small), await createSuperAdmin(small)];
  const acting = await actAs(small, who, user);
  expect(await statusOf(small, user)).toBe(200);
  const again = await logIn(small, user.email);
  expect(await Promise.all([user, again, acting].map((one) => statusOf(small, one)))).toEqual([
    401, 200, 200,
  ]);
  await small.close();
});

test("R19: the super admin's device and network do not become known ones of the user", async () => {
  const proxied = await createTestApp({ TRUSTED_PROXY_HOPS: "1" });
  const [user, who] = [await registerOwner(proxied), await createSuperAdmin(proxied)];
  await proveAddress(proxied, user);
  const headers = { "x-forwarded-for": "203.0.113.9", "user-agent": "support/1" };
  const begun = await proxied.call(`POST /v1/users/${user.id}/impersonate`, {
    token: who.accessToken,
    json: REASON,
    headers,
  });
  expect(begun.status).toBe(200);
  const json = { email: user.email, password: PASSWORD };
  await proxied.call("POST /v1/auth/login", { json, headers });
  expect((await proxied.lastMailTo(user.email)).subject).toContain("New log-in");
  await proxied.close();
});
