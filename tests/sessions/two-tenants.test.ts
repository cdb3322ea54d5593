/** A session of somebody in two tenants: what either of them sees of it and may end, and what holds for all of it. */
import { beforeAll, describe, expect, test } from "bun:test";
import {
  type Account,
  createSuperAdmin,
  createTestApp,
  logIn,
  PASSWORD,
  testApp,
} from "../support/app.ts";
import { goTo, join, type TwoTenants, twoTenants } from "./joined.ts";

const app = testApp({ TRUSTED_PROXY_HOPS: "1" });
let root: Account;
beforeAll(async () => {
  root = await createSuperAdmin(app);
});

const statusOf = async (token: string) => (await app.call("GET /v1/auth/me", { token })).status;

const from = (address: string) => ({ "x-forwarded-for": address });

async function sessionsSeen(who: Account, userId: string) {
  return (await app.as(who, `GET /v1/users/${userId}/sessions`)).body.items;
}

/** The session of the first tenant, in the second one. */
async function both(): Promise<TwoTenants & { here: Account; gone: Account }> {
  const two = await twoTenants(app);
  const gone = await goTo(app, two.person.refreshToken, two.other.tenantId);
  return { ...two, here: two.person, gone };
}

describe("R37: the administrators of a tenant", () => {
  test("see a session once it has spoken for their tenant, and not where it does so elsewhere", async () => {
    const { person, other, there } = await twoTenants(app);
    expect(await sessionsSeen(other, there)).toEqual([]);
    const refresh = (json: object, address: string) =>
      app.call("POST /v1/auth/refresh", { json, headers: from(address) });
    const { body } = await refresh(
      { refreshToken: person.refreshToken, tenantId: other.tenantId },
      "192.0.2.1",
    );
    const [seen] = await sessionsSeen(other, there);
    expect(seen).toMatchObject({ ip: "192.0.2.1", current: false, impersonated: false });
    await refresh({ refreshToken: body.refreshToken, tenantId: person.tenantId }, "198.51.100.1");
    expect(await sessionsSeen(other, there)).toEqual([seen]);
    const [own] = (await app.as(person, "GET /v1/auth/sessions")).body.items;
    expect(own).toMatchObject({ id: seen.id, ip: "198.51.100.1", current: true });
    expect(own.lastUsedAt > seen.lastUsedAt).toBe(true);
  });

  test("end what it may do there, and nothing else of it", async () => {
    const { here, gone, other, there } = await both();
    const [{ id }] = await sessionsSeen(other, there);
    expect((await app.as(other, `DELETE /v1/users/${there}/sessions/${id}`)).status).toBe(204);
    expect([await statusOf(here.accessToken), await statusOf(gone.accessToken)]).toEqual([
      200, 401,
    ]);
    expect(await sessionsSeen(other, there)).toEqual([]);
    expect((await app.as(other, `DELETE /v1/users/${there}/sessions/${id}`)).status).toBe(404);
    expect((await app.as(here, "GET /v1/auth/sessions")).body.items).toMatchObject([{ id }]);
    expect((await goTo(app, gone.refreshToken, here.tenantId as string)).id).toBe(here.id);
  });

  test("neither see nor end one that has spoken for the other tenant alone", async () => {
    const { person, other, there } = await twoTenants(app);
    const [{ id }] = (await app.as(person, "GET /v1/auth/sessions")).body.items;
    for (const userId of [there, person.id])
      expect((await app.as(other, `DELETE /v1/users/${userId}/sessions/${id}`)).status).toBe(404);
    expect((await app.as(other, `DELETE /v1/users/${there}/sessions`)).status).toBe(204);
    expect(await statusOf(person.accessToken)).toBe(200);
    expect((await goTo(app, person.refreshToken, other.tenantId)).id).toBe(there);
  });
});

describe("R80: within a second, on every instance, the token of one tenant is refused and the other's not, after", () => {
  const ends: Record<string, (two: TwoTenants) => Promise<{ status: number }>> = {
    "an end by an administrator": ({ other, there }) =>
      app.as(other, `DELETE /v1/users/${there}/sessions`),
    "a disabling": ({ other, there }) =>
      app.as(other, `PATCH /v1/users/${there}`, { status: "disabled" }),
    "a deletion of the user": ({ other, there }) => app.as(other, `DELETE /v1/users/${there}`),
    "a suspension": ({ other }) => app.as(root, `POST /v1/tenants/${other.tenantId}/suspend`),
    "a deletion of the tenant": ({ other }) => app.as(root, `DELETE /v1/tenants/${other.tenantId}`),
    "a second factor that is asked for": ({ other }) =>
      app.as(root, `PATCH /v1/tenants/${other.tenantId}`, { settings: { mfaRequired: true } }),
  };

  test("each way", async () => {
    const second = await createTestApp({
      DATABASE_URL: app.database.appUrl,
      SECRET_KEY: app.deps.config.secretKey.toString("base64"),
    });
    const onBoth = ({ accessToken: token }: Account) =>
      Promise.all(
        [app, second].map(async (on) => (await on.call("GET /v1/auth/me", { token })).status),
      );
    for (const [name, end] of Object.entries(ends)) {
      const { here, gone, ...two } = await both();
      expect([name, await onBoth(gone)]).toEqual([name, [200, 200]]);
      expect([name, (await end(two)).status]).toEqual([name, expect.any(Number)]);
      const until = Date.now() + 1000;
      while ((await onBoth(gone)).some((status) => status !== 401))
        if (Date.now() > until) throw new Error(`not within a second: ${name}`);
      expect([name, await onBoth(here)]).toEqual([name, [200, 200]]);
    }
    await second.close();
  });
});

describe("what ends a session ends it for all tenants:", () => {
  const ends: Record<string, (here: Account) => Promise<{ status: number }>> = {
    "a log-out": (here) => app.as(here, "POST /v1/auth/logout"),
    "a log-out everywhere": (here) => app.as(here, "POST /v1/auth/logout-all"),
  };
  test.each(Object.entries(ends))("%s", async (_, end) => {
    const { here, gone } = await both();
    expect((await end(here)).status).toBe(204);
    expect([await statusOf(here.accessToken), await statusOf(gone.accessToken)]).toEqual([
      401, 401,
    ]);
    const { refreshToken } = gone;
    expect((await app.call("POST /v1/auth/refresh", { json: { refreshToken } })).status).toBe(401);
  });

  test("a log-out by token alone, in the log of the tenant that it used last", async () => {
    const { gone, there } = await both();
    const { refreshToken } = gone;
    expect((await app.call("POST /v1/auth/logout", { json: { refreshToken } })).status).toBe(204);
    expect(await statusOf(gone.accessToken)).toBe(401);
    const rows = await app.deps.db.auditLog.findMany({
      where: { action: "auth.logged_out", actorId: there },
    });
    expect(rows).toMatchObject([{ tenantId: gone.tenantId }]);
  });

  test("the person, from their own list, whatever tenant they look from", async () => {
    const { here, gone } = await both();
    const again = await app.call("POST /v1/auth/login", {
      json: { email: here.email, password: PASSWORD, tenant: (here as TwoTenants["person"]).slug },
    });
    const { accessToken } = again.body;
    const { items } = (await app.call("GET /v1/auth/sessions", { token: accessToken })).body;
    expect(items).toHaveLength(2);
    expect((await app.call("DELETE /v1/auth/sessions", { token: accessToken })).status).toBe(204);
    expect(
      await Promise.all([here.accessToken, gone.accessToken, accessToken].map(statusOf)),
    ).toEqual([401, 401, 200]);
  });
});

test("the tenants count each what was used for them", async () => {
  const { person, other, there } = await twoTenants(app);
  const count = async (who: Account) =>
    (await app.as(who, "GET /v1/tenants/current/usage")).body.activeSessions;
  expect([await count(person), await count(other)]).toEqual([1, 1]);
  await goTo(app, person.refreshToken, other.tenantId);
  expect([await count(person), await count(other)]).toEqual([1, 2]);
  await app.as(other, `DELETE /v1/users/${there}/sessions`);
  expect([await count(person), await count(other)]).toEqual([1, 1]);
});

test("a super admin who acts as the user is in that tenant alone, whatever else the account has", async () => {
  const { person, other, there } = await twoTenants(app);
  const reason = { reason: "Ticket 4711" };
  const acting = (await app.as(root, `POST /v1/users/${there}/impersonate`, reason)).body;
  const home = (await app.as(root, `POST /v1/users/${person.id}/impersonate`, reason)).body;
  // Acting as the same account's other user is not acting as this one again.
  expect(await Promise.all([acting, home].map((one) => statusOf(one.accessToken)))).toEqual([
    200, 200,
  ]);
  expect(acting.refreshToken).toBeUndefined();
  expect(await sessionsSeen(other, there)).toMatchObject([{ impersonated: true }]);
  expect(await sessionsSeen(person, person.id)).toMatchObject([
    { impersonated: true },
    { impersonated: false },
  ]);
  await app.as(other, `DELETE /v1/users/${there}/sessions`);
  expect(await Promise.all([acting, home].map((one) => statusOf(one.accessToken)))).toEqual([
    401, 200,
  ]);
  const ended = await app.deps.db.auditLog.findMany({
    where: {
      action: "platform.impersonation_ended",
      tenantId: { in: [person.tenantId, other.tenantId] },
    },
  });
  expect(ended.map(({ tenantId, actorId }) => [tenantId, actorId])).toEqual([
    [other.tenantId, there],
  ]);
});

test("the limit of sessions is the account's, and so is what is a new device", async () => {
  const small = await createTestApp({ SESSION_LIMIT: "2" });
  const { person, other } = await twoTenants(small);
  const logInTo = async (tenant: string) =>
    (
      await small.call("POST /v1/auth/login", {
        json: { email: person.email, password: PASSWORD, tenant },
      })
    ).body;
  const there = await logInTo(other.slug);
  expect((await logInTo(person.slug)).user.id).toBe(person.id);
  const lives = async (token: string) => (await small.call("GET /v1/auth/me", { token })).status;
  expect([await lives(person.accessToken), await lives(there.accessToken)]).toEqual([401, 200]);
  const warnings = (await small.mail()).filter(
    ({ to, subject }) => to === person.email && /device|gerät/i.test(subject ?? ""),
  );
  expect(warnings).toEqual([]);
  expect(await logIn(small, other.email)).toMatchObject({ id: other.id });
  await small.close();
});

test("somebody who joins a tenant needs no new log-in, and who is in three chooses each time", async () => {
  const { person, other, there } = await twoTenants(app);
  const { other: third } = await twoTenants(app);
  const inThird = await join(app, person, third);
  let { refreshToken } = person;
  for (const [tenantId, id] of [
    [third.tenantId, inThird],
    [other.tenantId, there],
    [person.tenantId, person.id],
  ] as const) {
    const at = await goTo(app, refreshToken, tenantId);
    expect(at.id).toBe(id);
    ({ refreshToken } = at);
  }
});
