/** How many sessions a user may have at once: SESSION_LIMIT. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  type Account,
  createTestApp,
  logIn,
  PASSWORD,
  registerOwner,
  type TestApp,
} from "../support/app.ts";

let app: TestApp;
let second: TestApp;
beforeAll(async () => {
  const env = { SESSION_LIMIT: "3", DATABASE_POOL_SIZE: "10" };
  app = await createTestApp(env);
  second = await createTestApp({
    ...env,
    DATABASE_URL: app.database.appUrl,
    SECRET_KEY: app.deps.config.secretKey.toString("base64"),
  });
});
afterAll(async () => {
  await second.close();
  await app.close();
});

async function me(on: TestApp, { accessToken }: Account): Promise<number> {
  return (await on.call("GET /v1/auth/me", { token: accessToken })).status;
}

/** Asks until the other instance has heard of it. */
async function untilRefused(on: TestApp, account: Account) {
  for (const end = Date.now() + 1000; (await me(on, account)) !== 401; await Bun.sleep(5))
    if (Date.now() > end) throw new Error("not within a second");
}

function liveSessions({ id: accountId }: Account) {
  return app.deps.db.session.findMany({ where: { accountId, revokedAt: null } });
}

/** Puts the last use of the caller's session so many minutes back. */
async function useBefore({ accessToken }: Account, minutes: number) {
  const { sid } = JSON.parse(Buffer.from(accessToken.split(".")[1] ?? "", "base64url").toString());
  const { rowCount } = await app.deps.pool.query(
    "UPDATE sessions SET last_used_at = now() - make_interval(mins => $2) WHERE id = $1",
    [sid, minutes],
  );
  expect(rowCount).toBe(1);
}

describe("R38: with SESSION_LIMIT=3", () => {
  test("the fourth log-in ends the session that was used longest ago, at once and on every instance", async () => {
    const first = await registerOwner(app);
    const [stale, third] = [await logIn(app, first.email), await logIn(second, first.email)];
    await useBefore(first, 1);
    await useBefore(stale, 2);
    expect([await me(app, stale), await me(second, stale)]).toEqual([200, 200]);

    const fourth = await logIn(app, first.email);
    expect(await me(app, stale)).toBe(401);
    await untilRefused(second, stale);
    const refreshed = await app.call("POST /v1/auth/refresh", {
      json: { refreshToken: stale.refreshToken },
    });
    expect(refreshed.status).toBe(401);
    for (const kept of [first, third, fourth]) expect(await me(second, kept)).toBe(200);
    const ended = await app.deps.db.session.findMany({
      where: { accountId: first.id, revokedAt: { not: null } },
    });
    expect(ended.map(({ revokedReason }) => revokedReason)).toEqual(["session_limit"]);
  });

  test("a refresh is a use", async () => {
    const first = await registerOwner(app);
    const other = await logIn(app, first.email);
    await logIn(app, first.email);
    await useBefore(first, 2);
    await useBefore(other, 1);
    await app.call("POST /v1/auth/refresh", { json: { refreshToken: first.refreshToken } });
    await logIn(app, first.email);
    expect([await me(app, first), await me(app, other)]).toEqual([200, 401]);
  });

  test("twenty log-ins at once, at two instances, leave three", async () => {
    const owner = await registerOwner(app);
    const accounts = await Promise.all(
      Array.from({ length: 20 }, (_, n) => logIn(n % 2 ? app : second, owner.email)),
    );
    expect(await liveSessions(owner)).toHaveLength(3);
    const live = async () =>
      (await Promise.all(accounts.map((account) => me(app, account)))).filter(
        (status) => status === 200,
      ).length;
    // What was ended at the other instance is heard of within a second.
    for (const end = Date.now() + 1000; (await live()) > 3 && Date.now() < end; )
      await Bun.sleep(5);
    expect(await live()).toBe(3);
  });

  test("the new session is never the one that goes, though another clock runs ahead", async () => {
    const owner = await registerOwner(app);
    for (const account of [owner, await logIn(app, owner.email), await logIn(app, owner.email)])
      await useBefore(account, -5);
    expect(await me(app, await logIn(app, owner.email))).toBe(200);
    expect(await liveSessions(owner)).toHaveLength(3);
  });

  test("proving again who one is takes the place of one's own session and of no other", async () => {
    const owner = await registerOwner(app);
    const others = [await logIn(app, owner.email), await logIn(app, owner.email)];
    const { status } = await app.call("POST /v1/auth/reauthenticate", {
      token: owner.accessToken,
      json: { password: PASSWORD },
    });
    expect(status).toBe(200);
    expect(await Promise.all([owner, ...others].map((account) => me(app, account)))).toEqual([
      401, 200, 200,
    ]);
    expect(await liveSessions(owner)).toHaveLength(3);
  });

  test("sessions that have ended do not count", async () => {
    const owner = await registerOwner(app);
    const [ended, idle] = [await logIn(app, owner.email), await logIn(app, owner.email)];
    await app.call("POST /v1/auth/logout", { token: ended.accessToken });
    await app.deps.pool.query(
      "UPDATE sessions SET created_at = now() - interval '1 day', idle_expires_at = now() WHERE account_id = $1 AND id <> ALL ($2)",
      [
        owner.id,
        (await liveSessions(owner))
          .map(({ id }) => id)
          .toSorted()
          .slice(0, 1),
      ],
    );
    expect(await me(app, idle)).toBe(200);
    await logIn(app, owner.email);
    await logIn(app, owner.email);
    expect(await me(app, owner)).toBe(200);
  });
});

test("R38: SESSION_LIMIT=0 is no limit, and the limit is 20 where nothing is said", async () => {
  for (const [env, log, left] of [
    [{ SESSION_LIMIT: "0" }, 24, 25],
    [{}, 22, 20],
  ] as const) {
    const other = await createTestApp(env);
    try {
      const owner = await registerOwner(other);
      for (let n = 0; n < log; n++) await logIn(other, owner.email);
      const live = { accountId: owner.id, revokedAt: null };
      expect(await other.deps.db.session.count({ where: live })).toBe(left);
    } finally {
      await other.close();
    }
  }
});
