import { describe, expect, test } from "bun:test";
import { hashToken } from "../../src/crypto/secret.ts";
import { userSelect } from "../../src/users/public-user.ts";
import { PASSWORD, proveAddress, registerOwner, testApp } from "../support/app.ts";
import { expectRefused, refresh, sessionOf } from "./refreshes.ts";

const app = testApp({ DATABASE_POOL_SIZE: "25" });

/** Moves the use of a token back in time. */
async function ageUse(refreshToken: string, seconds: number) {
  const { rowCount } = await app.deps.pool.query(
    "UPDATE refresh_tokens SET used_at = used_at - make_interval(secs => $2) WHERE token_hash = $1 AND used_at IS NOT NULL",
    [hashToken(refreshToken), seconds],
  );
  expect(rowCount).toBe(1);
}

test("a refresh answers what a login answers, with new tokens", async () => {
  const owner = await registerOwner(app);
  const { status, body, headers } = await refresh(app, owner.refreshToken);
  expect(status).toBe(200);
  expect(headers.get("cache-control")).toBe("no-store");
  const login = await app.call("POST /v1/auth/login", {
    json: { email: owner.email, password: PASSWORD },
  });
  expect(Object.keys(body)).toEqual(Object.keys(login.body));
  expect(body).toMatchObject({
    tokenType: "Bearer",
    expiresIn: 600,
    user: { id: owner.id, roles: ["owner"] },
  });
  expect([owner.accessToken, owner.refreshToken]).not.toContainAnyValues([
    body.accessToken,
    body.refreshToken,
  ]);
  expect((await app.call("GET /v1/auth/me", { token: body.accessToken })).status).toBe(200);
});

test("the user in the answer is the one that Prisma reads: no column of the hand-written SQL differs", async () => {
  const owner = await registerOwner(app);
  await app.deps.db.user.update({
    where: { id: owner.id },
    data: {
      firstName: "Ada",
      lastName: "Lovelace",
      emailVerifiedAt: new Date("2026-03-04T05:06:07.089Z"),
      version: 7,
    },
  });
  await app.call("POST /v1/auth/login", { json: { email: owner.email, password: PASSWORD } });
  const row = await app.deps.db.user.findUniqueOrThrow({
    where: { id: owner.id },
    select: userSelect,
  });
  const { body } = await refresh(app, owner.refreshToken);
  expect(body.user).toEqual({ ...JSON.parse(JSON.stringify(row)), roles: ["owner"] });
  const retried = await refresh(app, owner.refreshToken);
  expect(retried.body.user).toEqual(body.user);
});

describe("R33, R34: rotation", () => {
  test("of fifty refreshes of one token at once all get the one successor", async () => {
    const { refreshToken } = await registerOwner(app);
    const session = await sessionOf(app, refreshToken);
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(app, refreshToken)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const successors = new Set(answers.map(({ body }) => body.refreshToken));
    expect(successors.size).toBe(1);
    const rows = await app.deps.db.refreshToken.findMany({ where: { sessionId: session.id } });
    expect(rows.map(({ usedAt }) => usedAt === null).sort()).toEqual([false, true]);
    const audited = await app.deps.db.auditLog.groupBy({
      by: ["action"],
      where: { sessionId: session.id },
      _count: true,
    });
    expect(audited.toSorted((a, b) => a.action.localeCompare(b.action))).toEqual([
      { action: "auth.refresh_retried", _count: 49 },
      { action: "auth.refreshed", _count: 1 },
    ]);
    await refresh(app, [...successors][0] ?? "").then(({ status }) => expect(status).toBe(200));
  });

  test("a retry within the grace window gets the same successor, also when that was used since", async () => {
    const { refreshToken } = await registerOwner(app);
    const next = (await refresh(app, refreshToken)).body.refreshToken;
    await ageUse(refreshToken, 59);
    expect((await refresh(app, refreshToken)).body.refreshToken).toBe(next);
    const last = (await refresh(app, next)).body.refreshToken;
    expect((await refresh(app, refreshToken)).body.refreshToken).toBe(next);
    expect((await refresh(app, next)).body.refreshToken).toBe(last);
  });

  test("a replay after the grace window ends the session, is audited, and no token of it works any more", async () => {
    const owner = await registerOwner(app);
    const other = (
      await app.call("POST /v1/auth/login", { json: { email: owner.email, password: PASSWORD } })
    ).body;
    const session = await sessionOf(app, owner.refreshToken);
    const next = (await refresh(app, owner.refreshToken)).body;
    await ageUse(owner.refreshToken, 61);

    await expectRefused(app, owner.refreshToken);
    await expectRefused(app, next.refreshToken);
    for (const token of [owner.accessToken, next.accessToken]) {
      expect((await app.call("GET /v1/auth/me", { token })).status).toBe(401);
    }
    expect(await sessionOf(app, next.refreshToken)).toMatchObject({
      revokedReason: "refresh_token_reuse",
    });
    const audited = await app.deps.db.auditLog.findMany({
      where: { action: "auth.refresh_token_reused", resourceId: session.id },
    });
    expect(audited).toMatchObject([
      {
        outcome: "failure",
        tenantId: owner.tenantId,
        details: { userId: owner.id, successorUsed: false },
      },
    ]);

    expect((await refresh(app, other.refreshToken)).status).toBe(200);
  });

  test("the mail of a late replay speaks of a theft where the successor was used too, and else of a lost answer", async () => {
    for (const [used, subject] of [
      [false, "You were logged out on a device"],
      [true, "A session was ended because it may be stolen"],
    ] as const) {
      const owner = await registerOwner(app);
      await proveAddress(app, owner);
      const next = (await refresh(app, owner.refreshToken)).body.refreshToken;
      if (used) await refresh(app, next);
      await ageUse(owner.refreshToken, 61);
      await expectRefused(app, owner.refreshToken);
      const mail = await app.lastMailTo(owner.email);
      expect(mail.subject).toBe(subject);
      expect(/stolen|copied|theft/i.test(`${mail.subject} ${mail.text}`)).toBe(used);
      const row = { action: "auth.refresh_token_reused", actorId: null, tenantId: owner.tenantId };
      const audited = await app.deps.db.auditLog.findMany({ where: row });
      expect(audited.map(({ details }) => details)).toEqual([
        { userId: owner.id, successorUsed: used },
      ]);
    }
  });

  test("fifty replays at once after the grace window end the session once", async () => {
    const { refreshToken } = await registerOwner(app);
    const session = await sessionOf(app, refreshToken);
    await refresh(app, refreshToken);
    await ageUse(refreshToken, 61);
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(app, refreshToken)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    const reused = { action: "auth.refresh_token_reused", resourceId: session.id };
    expect(await app.deps.db.auditLog.count({ where: reused })).toBe(1);
  });

  test("R35: each refresh prolongs the idle expiry, never past the end of the session", async () => {
    const { refreshToken } = await registerOwner(app);
    const { id, expiresAt } = await sessionOf(app, refreshToken);
    const soon = new Date(Date.now() + 60_000);
    await app.deps.db.session.update({ where: { id }, data: { idleExpiresAt: soon } });
    const next = (await refresh(app, refreshToken)).body.refreshToken;
    const prolonged = await sessionOf(app, next);
    expect(prolonged.idleExpiresAt.getTime()).toBeWithin(
      Date.now() + 29 * 86_400_000,
      Date.now() + 31 * 86_400_000,
    );
    expect(prolonged.expiresAt).toEqual(expiresAt);

    await app.deps.db.session.update({
      where: { id },
      data: { expiresAt: soon, idleExpiresAt: soon },
    });
    const last = await sessionOf(app, (await refresh(app, next)).body.refreshToken);
    expect([last.idleExpiresAt, last.expiresAt]).toEqual([soon, soon]);
  });
});

test("an access token is no refresh token, nor the other way round", async () => {
  const { accessToken, refreshToken } = await registerOwner(app);
  const { status } = await app.call("POST /v1/auth/refresh", {
    json: { refreshToken: accessToken.slice(0, 512) },
  });
  expect(status).toBe(401);
  expect((await app.call("GET /v1/auth/me", { token: refreshToken })).status).toBe(401);
});

test.each([
  [{ refreshToken: "" }],
  [{ refreshToken: 5 }],
  [{ refreshToken: "x".repeat(513) }],
  [{ refreshToken: "x", sid: "y" }],
])("input that cannot be a refresh is a 422: %j", async (json) =>
  expect((await app.call("POST /v1/auth/refresh", { json })).status).toBe(422),
);
