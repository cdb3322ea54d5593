/** One session, several tenants: for which of them a refresh answers a token, and what it costs when it does not. */
import { describe, expect, test } from "bun:test";
import { hashToken } from "../../src/crypto/secret.ts";
import { newId } from "../../src/db/id.ts";
import { goTo, join, stateOf, type TwoTenants, twoTenants } from "../sessions/joined.ts";
import { createSuperAdmin, logIn, registerOwner, testApp } from "../support/app.ts";
import { expectRefused } from "./refreshes.ts";

const app = testApp({ DATABASE_POOL_SIZE: "25" });

function refresh(refreshToken: string, tenantId?: string) {
  return app.call("POST /v1/auth/refresh", { json: { refreshToken, tenantId } });
}

const statusOf = async (token: string) => (await app.call("GET /v1/auth/me", { token })).status;

async function sessionIdOf(accessToken: string) {
  return (await app.deps.accessTokens.verify(accessToken)).sessionId;
}

function set(sql: string, values: unknown[]) {
  return app.deps.pool.query(sql, values);
}

function setTenant(tenantId: string, settings: object) {
  return set("UPDATE tenants SET settings = $2 WHERE id = $1", [tenantId, settings]);
}

describe("R79: a tenant that is named", () => {
  test("gets a token for the user there, of the same session, and is the one from then on", async () => {
    const { person, other, there } = await twoTenants(app);
    const { body } = await refresh(person.refreshToken, other.tenantId);
    expect(body.user).toMatchObject({ id: there, tenantId: other.tenantId, roles: ["member"] });
    const claims = await app.deps.accessTokens.verify(body.accessToken);
    expect(claims).toMatchObject({ userId: there, tenantId: other.tenantId });
    expect(claims.sessionId).toBe(await sessionIdOf(person.accessToken));
    const me = await app.call("GET /v1/auth/me", { token: body.accessToken });
    expect(me.body.tenant.id).toBe(other.tenantId);

    const again = await refresh(body.refreshToken);
    expect(again.body.user.id).toBe(there);
    const home = await refresh(again.body.refreshToken, person.tenantId);
    expect(home.body.user.id).toBe(person.id);
    expect((await refresh(home.body.refreshToken)).body.user.id).toBe(person.id);
    // Two tabs, each in its tenant: neither token ends the other.
    expect(
      await Promise.all([person, home.body, body].map((one) => statusOf(one.accessToken))),
    ).toEqual([200, 200, 200]);
  });

  test("has the refresh in its log, by its own user, and the other tenant has not", async () => {
    const { person, other, there } = await twoTenants(app);
    await goTo(app, person.refreshToken, other.tenantId);
    const rows = await app.deps.db.auditLog.findMany({
      where: { action: "auth.refreshed", actorId: { in: [person.id, there] } },
      select: { tenantId: true, actorId: true },
    });
    expect(rows).toEqual([{ tenantId: other.tenantId, actorId: there }]);
  });

  test("may be the only one there is", async () => {
    const owner = await registerOwner(app);
    expect((await refresh(owner.refreshToken, owner.tenantId)).body.user.id).toBe(owner.id);
  });

  test("has its own idle time, and asks for its own second factor in the token", async () => {
    const { person, other } = await twoTenants(app);
    await setTenant(other.tenantId, { sessionIdleSeconds: 600 });
    const there = await goTo(app, person.refreshToken, other.tenantId);
    const [before] = await app.deps.db.session.findMany({ where: { accountId: person.id } });
    expect(Number(before?.idleExpiresAt) - Number(before?.lastUsedAt)).toBe(600_000);
    await goTo(app, there.refreshToken, person.tenantId);
    const [after] = await app.deps.db.session.findMany({ where: { accountId: person.id } });
    expect(Number(after?.idleExpiresAt)).toBeGreaterThan(Number(before?.idleExpiresAt));
  });
});

describe("R79: one that is none of the account's is a 404 like none at all, and nothing is spent:", () => {
  const reasons: Record<string, (two: TwoTenants) => Promise<unknown>> = {
    "a stranger's": async () => (await registerOwner(app)).tenantId,
    "one that there is not": async () => newId(),
    "one where the user is disabled": ({ there }) =>
      set("UPDATE users SET status = 'disabled' WHERE id = $1", [there]),
    "one where the user is deleted": ({ there }) =>
      set("UPDATE users SET is_deleted = true, deleted_at = now() WHERE id = $1", [there]),
    "one that is suspended": ({ other }) =>
      set("UPDATE tenants SET status = 'suspended' WHERE id = $1", [other.tenantId]),
    "one that is deleted": ({ other }) =>
      set("UPDATE tenants SET is_deleted = true, deleted_at = now() WHERE id = $1", [
        other.tenantId,
      ]),
    "one in which the session was ended": async ({ person, there, other }) =>
      set(
        `INSERT INTO session_users (session_id, user_id, tenant_id, revoked_at, revoked_reason)
         VALUES ($1, $2, $3, now(), 'ended_by_admin')`,
        [await sessionIdOf(person.accessToken), there, other.tenantId],
      ),
  };
  test.each(Object.entries(reasons))("%s", async (_, reason) => {
    const two = await twoTenants(app);
    const named = await reason(two);
    const tenantId = typeof named === "string" ? named : two.other.tenantId;
    const before = await stateOf(app, two);
    const [refused, absent] = [
      await refresh(two.person.refreshToken, tenantId),
      await refresh(two.person.refreshToken, newId()),
    ];
    expect(refused).toMatchObject({ status: 404, body: { code: "not_found" } });
    const { instance: _a, ...body } = refused.body;
    const { instance: _b, ...none } = absent.body;
    expect(body).toEqual(none);
    expect(await stateOf(app, two)).toEqual(before);
    // Within the grace window too.
    const { body: next } = await refresh(two.person.refreshToken);
    expect(next.user.id).toBe(two.person.id);
    expect((await refresh(two.person.refreshToken, tenantId)).status).toBe(404);
    expect((await refresh(two.person.refreshToken)).body.refreshToken).toBe(next.refreshToken);
  });
});

describe("R79: without one that is named", () => {
  test("it goes on where it may: in the oldest that is left, once the last one is no more", async () => {
    const { person, other, there } = await twoTenants(app);
    const third = await registerOwner(app);
    await join(app, person, third);
    const last = await goTo(app, person.refreshToken, other.tenantId);
    const path = `/v1/users/${there}`;
    await app.as(other, `PATCH ${path}`, { status: "disabled" });
    expect(await statusOf(last.accessToken)).toBe(401);
    const { body } = await refresh(last.refreshToken);
    expect(body.user.id).toBe(person.id);
    expect(await statusOf(body.accessToken)).toBe(200);
    // Enabled again it may log in, and this session speaks for it no more.
    await app.as(other, `PATCH ${path}`, { status: "active" });
    expect((await refresh(body.refreshToken, other.tenantId)).status).toBe(404);
  });

  test("it ends with the last one", async () => {
    const { person, other, there } = await twoTenants(app);
    const last = await goTo(app, person.refreshToken, other.tenantId);
    await app.as(other, `PATCH /v1/users/${there}`, { status: "disabled" });
    const root = await createSuperAdmin(app);
    await app.as(root, `DELETE /v1/users/${person.id}/sessions`);
    await expectRefused(app, last.refreshToken);
    const [session] = await app.deps.db.session.findMany({ where: { accountId: person.id } });
    expect(session?.revokedAt).not.toBeNull();
  });
});

describe("R33, R34: rotation", () => {
  test("of fifty refreshes at once for two tenants all get the one successor, each for its tenant", async () => {
    const { person, other, there } = await twoTenants(app);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        refresh(person.refreshToken, n % 2 === 0 ? person.tenantId : other.tenantId),
      ),
    );
    expect(answers.map(({ status, body }) => [status, body.user?.id])).toEqual(
      answers.map((_, n) => [200, n % 2 === 0 ? person.id : there]),
    );
    expect(new Set(answers.map(({ body }) => body.refreshToken)).size).toBe(1);
    const { rows } = await set(
      "SELECT count(*)::int AS unused FROM refresh_tokens JOIN sessions ON sessions.id = session_id WHERE account_id = $1 AND used_at IS NULL",
      [person.id],
    );
    expect(rows).toEqual([{ unused: 1 }]);
  });

  test("a retry that names another tenant gets the same successor, and a token for its tenant", async () => {
    const { person, other, there } = await twoTenants(app);
    const first = await refresh(person.refreshToken);
    const retry = await refresh(person.refreshToken, other.tenantId);
    expect(retry.body).toMatchObject({
      refreshToken: first.body.refreshToken,
      user: { id: there },
    });
    expect(await statusOf(retry.body.accessToken)).toBe(200);
    expect((await refresh(first.body.refreshToken)).body.user.id).toBe(there);
  });

  test("a replay after the window ends the session in all tenants, whatever tenant it names", async () => {
    for (const name of [undefined, "own", "other", "strange"]) {
      const { person, other } = await twoTenants(app);
      const there = await goTo(app, person.refreshToken, other.tenantId);
      await set(
        "UPDATE refresh_tokens SET used_at = used_at - interval '1 hour' WHERE token_hash = $1",
        [hashToken(person.refreshToken)],
      );
      const tenants = { own: person.tenantId, other: other.tenantId, strange: newId() };
      const replay = await refresh(person.refreshToken, name && tenants[name as "own"]);
      expect([name, replay.status, replay.body.code]).toEqual([name, 401, "invalid_refresh_token"]);
      expect(await Promise.all([person, there].map((one) => statusOf(one.accessToken)))).toEqual([
        401, 401,
      ]);
      await expectRefused(app, there.refreshToken);
      const rows = await app.deps.db.auditLog.findMany({
        where: {
          action: "auth.refresh_token_reused",
          tenantId: { in: [person.tenantId, other.tenantId] },
        },
      });
      expect(rows.map(({ tenantId }) => tenantId)).toEqual([other.tenantId]);
    }
  });

  test("a token that is no good names nobody's tenants", async () => {
    const { person, other } = await twoTenants(app);
    await app.as(person, "POST /v1/auth/logout");
    for (const token of [person.refreshToken, "never-was"])
      for (const tenantId of [person.tenantId, other.tenantId, newId()]) {
        const { status, body } = await refresh(token, tenantId);
        expect([status, body.code]).toEqual([401, "invalid_refresh_token"]);
      }
  });
});

test("somebody who logs in again with several has sessions that know nothing of each other", async () => {
  const { person, other, there } = await twoTenants(app);
  const { body } = await app.call("POST /v1/auth/login", {
    json: { email: person.email, password: "correct horse battery staple", tenant: other.slug },
  });
  expect(body.user.id).toBe(there);
  await app.as(other, `DELETE /v1/users/${there}/sessions`);
  expect(await statusOf(body.accessToken)).toBe(401);
  expect((await refresh(person.refreshToken, other.tenantId)).status).toBe(200);
  expect(await logIn(app, other.email)).toMatchObject({ id: other.id });
});
