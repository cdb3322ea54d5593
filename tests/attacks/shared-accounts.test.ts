/**
 * R77: somebody is in two tenants with one account, and the owner of one of them is a stranger to the other. Anybody may own
 * a tenant and invite people: whatever that owner does gains nothing in the other tenant, and tells nothing of it.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import {
  type Account,
  createSuperAdmin,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { goTo, joinTenant, type Owner } from "../support/memberships.ts";
import { changesBy, isIn, makeShared, makeVictim, toldOf } from "./victims.ts";

const app = testApp();
let mallory: Owner;
let root: Account;
beforeAll(async () => {
  mallory = await registerOwner(app);
  root = await createSuperAdmin(app);
});

const as = (who: Pick<Account, "accessToken">, route: string, json?: object) =>
  app.as(who, route, json);
const logIn = (email: string, password: string, tenant?: string) =>
  app.call("POST /v1/auth/login", { json: { email, password, ...(tenant && { tenant }) } });

describe("R77: the owner of one of two tenants, of somebody in both,", () => {
  const REFUSED = {
    "starts no reset of the password": (id: string) => [`POST /v1/users/${id}/reset-password`],
    "takes no factor away": (id: string) => [`DELETE /v1/users/${id}/factors`],
    "changes no address": (id: string) => [
      `PATCH /v1/users/${id}`,
      { email: `${randomName()}@mallory.example` },
    ],
  } satisfies Record<string, (id: string) => [string, object?] | [string]>;

  test.each(Object.keys(REFUSED) as (keyof typeof REFUSED)[])("%s", async (what) => {
    const victim = await makeShared(app, mallory);
    const mails = (await app.mail()).length;
    const changes = await changesBy(app, victim, async () => {
      const [route, json] = REFUSED[what](victim.there.id) as [string, object?];
      const { status, body } = await as(mallory, route, json);
      expect([status, body.code]).toEqual([403, "shared_account"]);
    });
    expect([changes, (await app.mail()).length]).toEqual([[], mails]);
  });

  test("changes no address by many at once either", async () => {
    const victim = await makeShared(app, mallory);
    const changes = await changesBy(app, victim, async () => {
      const items = [{ id: victim.there.id, email: `${randomName()}@mallory.example` }];
      const { body } = await as(mallory, "POST /v1/users/bulk", { operation: "update", items });
      expect(body.results).toMatchObject([{ status: 403 }]);
    });
    expect(changes).toEqual([]);
  });

  const ENDED = {
    disables: (id: string) => [`PATCH /v1/users/${id}`, { status: "disabled" }],
    deletes: (id: string) => [`DELETE /v1/users/${id}`],
    "ends the sessions of": (id: string) => [`DELETE /v1/users/${id}/sessions`],
  } satisfies Record<string, (id: string) => [string, object?] | [string]>;

  test.each(Object.keys(ENDED) as (keyof typeof ENDED)[])(
    "%s the user there, and the person works on at home, with the very session",
    async (what) => {
      const victim = await makeShared(app, mallory);
      const [route, json] = ENDED[what](victim.there.id) as [string, object?];
      const changes = await changesBy(app, victim, () => as(mallory, route, json));
      expect(changes).toEqual([]);
      expect([await isIn(app, victim.there), await isIn(app, victim.home)]).toEqual([false, true]);
      const again = await goTo(app, victim.there, victim.home.tenantId);
      expect([await isIn(app, again), again.id]).toEqual([true, victim.home.id]);
    },
  );

  test("erases the user there, and nothing of the account", async () => {
    const victim = await makeShared(app, mallory);
    const { email } = victim.home;
    const changes = await changesBy(app, victim, async () => {
      const erased = await as(mallory, `POST /v1/users/${victim.there.id}/erase`, { email });
      expect(erased.status).toBe(204);
    });
    expect(changes).toEqual([]);
    expect(await isIn(app, victim.home)).toBe(true);
    expect((await logIn(email, PASSWORD)).body).toHaveProperty("mfaToken");
  });

  test("restores whom they deleted, and gets a member back and no more", async () => {
    const victim = await makeShared(app, mallory);
    const changes = await changesBy(app, victim, async () => {
      await as(mallory, `DELETE /v1/users/${victim.there.id}`);
      const { status, body } = await as(mallory, `POST /v1/users/${victim.there.id}/restore`);
      expect([status, body.roles]).toEqual([200, ["member"]]);
      expect(toldOf(victim, body)).toEqual([]);
    });
    expect(changes).toEqual([]);
    // What the session might do there was over, and stays so.
    expect(await isIn(app, victim.there)).toBe(false);
  });

  test("does not bring back who has left", async () => {
    const victim = await makeShared(app, mallory);
    const left = await as(victim.there, `POST /v1/auth/me/tenants/${mallory.tenantId}/leave`);
    const back = await as(mallory, `POST /v1/users/${victim.there.id}/restore`);
    expect([left.status, back.status]).toEqual([204, 404]);
  });

  test("reads of them what they are there: user, roles, profile, sessions, personal data, log", async () => {
    const victim = await makeShared(app, mallory);
    const { id } = victim.there;
    // What happens at home, and to the account.
    await as(victim.home, "PATCH /v1/auth/me/profile", { phone: "+4930123456" });
    const newPassword = `${PASSWORD} 2`;
    const json = { currentPassword: PASSWORD, newPassword };
    expect((await as(victim.home, "POST /v1/auth/change-password", json)).status).toBe(204);
    for (const path of [
      ...[`/v1/users/${id}`, `/v1/users/${id}/roles`, `/v1/users/${id}/profile`],
      ...[`/v1/users/${id}/sessions`, `/v1/users/${id}/personal-data`],
      ...["/v1/users?limit=100", "/v1/audit-logs?limit=100", `/v1/audit-logs?actorId=${id}`],
      ...["/v1/users/export", "/v1/audit-logs/export", "/v1/invitations"],
    ]) {
      const { status, body } = await as(mallory, `GET ${path}`);
      expect([path, status, toldOf(victim, body)]).toEqual([path, 200, []]);
      expect([path, JSON.stringify(body).includes("4930123456")]).toEqual([path, false]);
    }
    const { body } = await as(mallory, `GET /v1/users/${id}/personal-data`);
    expect(body).toMatchObject({
      account: { password: null, failedLogIns: null, lockedUntil: null },
      ...{ memberships: [], passkeys: [], authenticatorApps: [], recoveryCodes: [] },
    });
  });

  test("hears that the password was changed, and not where, by what, or by whom else", async () => {
    const victim = await makeShared(app, mallory);
    const { id } = victim.there;
    const json = { currentPassword: PASSWORD, newPassword: `${PASSWORD} 2` };
    await as(victim.home, "POST /v1/auth/change-password", json);
    const { body } = await as(mallory, `GET /v1/audit-logs?resourceId=${id}&limit=100`);
    const rows = body.items.filter(({ action }: { action: string }) => /password/.test(action));
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ ip: null, userAgent: null, sessionId: null });
    expect([null, undefined, {}]).toContainEqual(rows[0].details);
  });

  test("sees no session of home, and ends none by its id", async () => {
    const victim = await makeShared(app, mallory);
    const claims = await app.deps.accessTokens.verify(victim.home.accessToken);
    const { id } = victim.there;
    const { body } = await as(mallory, `GET /v1/users/${id}/sessions`);
    const ids = body.items.map((session: { id: string }) => session.id);
    expect([ids.length, ids.includes(claims.sessionId)]).toEqual([1, false]);
    const changes = await changesBy(app, victim, async () => {
      const path = `DELETE /v1/users/${id}/sessions/${claims.sessionId}`;
      expect((await as(mallory, path)).status).toBe(404);
    });
    expect(changes).toEqual([]);
  });

  test("does not see when they are at work at home, though the session is the same", async () => {
    const victim = await makeShared(app, mallory);
    const paths = ["sessions", "personal-data"].map(
      (what) => `GET /v1/users/${victim.there.id}/${what}`,
    );
    const read = async () => {
      const [sessions, data] = await Promise.all(paths.map((path) => as(mallory, path)));
      return [sessions?.body.items, data?.body.sessions];
    };
    const before = await read();
    expect(before.map((list) => list.length)).toEqual([1, 1]);
    await Bun.sleep(5);
    await goTo(app, victim.there, victim.home.tenantId);
    expect(await read()).toEqual(before);
  });

  test("reaches nobody by who they are at home", async () => {
    const victim = await makeShared(app, mallory);
    for (const route of [
      ...[`GET /v1/users/${victim.home.id}`, `DELETE /v1/users/${victim.home.id}`],
      ...[`GET /v1/users/${victim.home.id}/sessions`, `DELETE /v1/users/${victim.home.id}/factors`],
    ])
      expect([route, (await as(mallory, route)).status]).toEqual([route, 404]);
  });

  test("acts as nobody, and a super admin who acts as the user there is nobody at home", async () => {
    const victim = await makeShared(app, mallory);
    const { id } = victim.there;
    const json = { reason: "Ticket 4711" };
    expect((await as(mallory, `POST /v1/users/${id}/impersonate`, json)).status).toBe(403);
    const { status, body } = await as(root, `POST /v1/users/${id}/impersonate`, json);
    expect([status, body.refreshToken]).toEqual([200, undefined]);
    const changes = await changesBy(app, victim, async () => {
      for (const [route, given] of [
        [`POST /v1/auth/me/tenants/${victim.home.tenantId}/leave`],
        ["POST /v1/tenants/own", { name: randomName(), slug: randomName() }],
        ["POST /v1/auth/logout-all"],
        ["DELETE /v1/auth/sessions"],
      ] as [string, object?][]) {
        const answer = await as(body, route, given);
        expect([route, answer.status, answer.body.code]).toEqual([
          ...[route, 403, "impersonation_forbidden"],
        ]);
      }
    });
    expect(changes).toEqual([]);
  });

  test("who moves their tenant to a pool of its own gains no power over who is shared", async () => {
    const victim = await makeShared(app, mallory);
    const path = `PATCH /v1/tenants/${mallory.tenantId}`;
    const settings = { userPool: "isolated" };
    const answer = await as(mallory, path, { settings });
    expect([403, 422]).toContain(answer.status);
    const set = (sql: string) => app.deps.pool.query(sql, [mallory.tenantId]);
    await set(`UPDATE tenants SET settings = settings || '{"userPool":"isolated"}' WHERE id = $1`);
    try {
      const changes = await changesBy(app, victim, async () => {
        const { status, body } = await as(mallory, `DELETE /v1/users/${victim.there.id}/factors`);
        expect([status, body.code]).toEqual([403, "shared_account"]);
      });
      expect(changes).toEqual([]);
    } finally {
      await set("UPDATE tenants SET settings = settings - 'userPool' WHERE id = $1");
    }
  });

  test("whose tenant asks for a second factor, or is suspended, turns nobody away at home", async () => {
    const owner = await registerOwner(app);
    const victim = await makeVictim(app);
    const { body } = await logIn(victim.home.email, PASSWORD);
    const { email, id } = victim.home;
    const there = await joinTenant(app, { email, id, tenantId: null, ...body }, owner);
    const changes = await changesBy(app, victim, async () => {
      await as(root, `PATCH /v1/tenants/${owner.tenantId}`, { settings: { mfaRequired: true } });
      await as(root, `POST /v1/tenants/${owner.tenantId}/suspend`);
    });
    expect(changes.filter((part) => part !== "platform")).toEqual([]);
    expect([await isIn(app, there), await isIn(app, victim.home)]).toEqual([false, true]);
    const again = await goTo(app, there, victim.home.tenantId);
    expect(await isIn(app, again)).toBe(true);
  });
});

test("R77: an owner at home is a member in the other tenant, and nobody of home is there", async () => {
  const victim = await makeShared(app, mallory);
  const { body } = await as(victim.there, "GET /v1/auth/me");
  expect([body.user.roles, body.tenant.id]).toEqual([["member"], mallory.tenantId]);
  const { home, there } = victim;
  expect((await as(there, `GET /v1/users/${home.id}`)).status).toBe(404);
  expect((await as(home, `GET /v1/users/${there.id}`)).status).toBe(404);
  expect((await as(there, "GET /v1/audit-logs")).status).toBe(403);
});
