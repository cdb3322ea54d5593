/** The log-in of somebody who belongs to several tenants: which one is asked for once everything else was shown. */
import { beforeAll, beforeEach, describe, expect, test } from "bun:test";
import {
  type Account,
  createSuperAdmin,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../../support/app.ts";
import { createAuthenticator } from "../../support/authenticator.ts";
import { claimsOf, enrolPasskey, enrolTotp, stopClock, totpCode } from "../../support/factors.ts";
import { followLink, tokenIn } from "../mails/mails.ts";
import { addMembership, enter, inTwoTenants, type Owner, select } from "./memberships.ts";

const app = testApp({ DATABASE_POOL_SIZE: "20" });
let root: Account;
/** Owns a tenant, and is a member of the other one. */
let person: Owner;
let other: Owner;
let memberId: string;

beforeAll(async () => {
  root = await createSuperAdmin(app);
  stopClock();
});
beforeEach(async () => {
  ({ person, other, memberId } = await inTwoTenants(app));
});

async function choose(): Promise<string> {
  return (await enter(app, person.email)).body.selectionToken;
}

const SESSIONS = () => app.deps.db.session.count({ where: { accountId: person.id } });
const codeOf = ({ status, body }: { status: number; body: { code?: string } }) => ({
  status,
  code: body.code,
});

/** What a choice says. */
function choiceOf(body: { tenantSelection?: { tenant: { id: string } }[] }) {
  return body.tenantSelection?.map(({ tenant }) => tenant.id).sort();
}

test("R82: the tenants are named once the password was right, and no session begins", async () => {
  const before = await SESSIONS();
  const { status, body } = await enter(app, person.email);
  const tenantOf = ({ tenantId: id, slug }: Owner) => ({ id, slug, name: slug, status: "active" });
  expect([status, body]).toEqual([
    200,
    {
      selectionToken: expect.any(String),
      expiresIn: 300,
      tenantSelection: expect.arrayContaining([
        { tenant: tenantOf(person), userId: person.id, roles: ["owner"], status: "active" },
        { tenant: tenantOf(other), userId: memberId, roles: ["member"], status: "active" },
      ]),
    },
  ]);
  expect(body.tenantSelection).toHaveLength(2);
  expect(await SESSIONS()).toBe(before);
});

test("R82: a wrong password is answered as that of an address that nobody has", async () => {
  const refusalOf = async (email: string) => {
    const answer = await app.call("POST /v1/auth/login", { json: { email, password: "wrong" } });
    const { instance: _, ...problem } = answer.body;
    return { status: answer.status, problem };
  };
  expect(await refusalOf(person.email)).toEqual(await refusalOf(`${randomName()}@example.com`));
});

test("the choice begins a session there, as the user there, and in no other tenant", async () => {
  for (const [tenant, id] of [
    [other, memberId],
    [person, person.id],
  ] as const) {
    const { status, body } = await select(app, await choose(), tenant.tenantId);
    expect([status, body.user.id, body.user.tenantId]).toEqual([200, id, tenant.tenantId]);
    expect(claimsOf(body.accessToken)).toMatchObject({ sub: id, tid: tenant.tenantId });
    const me = await app.as(body, "GET /v1/auth/me");
    expect([me.status, me.body.tenant.id]).toEqual([200, tenant.tenantId]);
    const sessionId = String(claimsOf(body.accessToken).sid);
    const spoken = await app.deps.db.sessionUser.findMany({ where: { sessionId } });
    expect(spoken).toMatchObject([{ userId: id, tenantId: tenant.tenantId }]);
    const rows = await app.deps.db.auditLog.findMany({ where: { resourceId: sessionId } });
    expect(rows).toMatchObject([
      { action: "auth.logged_in", tenantId: tenant.tenantId, actorId: id },
    ]);
  }
});

test("whoever names the tenant goes straight in, to either", async () => {
  for (const [{ slug }, id] of [
    [other, memberId],
    [person, person.id],
  ] as const) {
    const { status, body } = await enter(app, person.email, slug);
    expect([status, body.user.id]).toEqual([200, id]);
  }
});

test("a page that keeps its refresh token in the cookie gets it with the choice, and no sooner", async () => {
  const headers = { "tenantry-tokens": "cookie" };
  const json = { email: person.email, password: PASSWORD };
  const first = await app.call("POST /v1/auth/login", { json, headers });
  expect(first.headers.get("set-cookie")).toBeNull();
  const { selectionToken } = first.body;
  const {
    status,
    headers: given,
    body,
  } = await app.call("POST /v1/auth/select-tenant", {
    json: { selectionToken, tenantId: other.tenantId },
    headers,
  });
  expect([status, body.refreshToken]).toEqual([200, undefined]);
  expect(given.get("set-cookie")).toStartWith("__Host-tenantry_refresh=");
});

describe("who is not asked", () => {
  const LEFT: Record<string, () => Promise<unknown>> = {
    "is disabled in all the others": () =>
      app.deps.db.user.update({ where: { id: memberId }, data: { status: "disabled" } }),
    "was deleted in all the others": () =>
      app.call(`DELETE /v1/users/${memberId}`, { token: other.accessToken }),
    "has nothing but suspended tenants beside": () =>
      app.call(`POST /v1/tenants/${other.tenantId}/suspend`, { token: root.accessToken }),
    "has nothing but deleted tenants beside": () =>
      app.call(`DELETE /v1/tenants/${other.tenantId}`, { token: root.accessToken }),
  };
  for (const [name, leave] of Object.entries(LEFT)) {
    test(`whoever ${name} goes straight in`, async () => {
      // Not even when they were there last.
      await app.deps.pool.query("UPDATE users SET last_login_at = now() WHERE id = $1", [memberId]);
      await leave();
      const { status, body } = await enter(app, person.email);
      expect([status, body.user?.id]).toEqual([200, person.id]);
    });
  }

  test("whoever works for the platform too goes there; a tenant has to be named", async () => {
    const id = await addMembership(app, person, null);
    expect((await enter(app, person.email)).body.user.id).toBe(id);
    expect((await enter(app, person.email, other.slug)).body.user.id).toBe(memberId);
  });

  test("whoever may work in no tenant is refused, as with a wrong password", async () => {
    await app.deps.pool.query("UPDATE users SET status = 'disabled' WHERE account_id = $1", [
      person.id,
    ]);
    expect(codeOf(await enter(app, person.email))).toEqual({
      status: 401,
      code: "invalid_credentials",
    });
  });
});

describe("of three tenants", () => {
  let third: Owner;
  let thirdId: string;
  beforeEach(async () => {
    third = await registerOwner(app);
    thirdId = await addMembership(app, person, third.tenantId);
  });

  test("those are named in which one may work, the one that was used last first", async () => {
    await app.deps.pool.query("UPDATE users SET last_login_at = now() WHERE id = $1", [thirdId]);
    await app.deps.db.user.update({ where: { id: memberId }, data: { status: "disabled" } });
    const { tenantSelection } = (await enter(app, person.email)).body;
    expect(tenantSelection.map(({ tenant }: { tenant: { id: string } }) => tenant.id)).toEqual([
      third.tenantId,
      person.tenantId,
    ]);
  });

  const GONE: Record<string, () => Promise<unknown>> = {
    "of somebody else": async () => {},
    "in which one was disabled meanwhile": () =>
      app.deps.db.user.update({ where: { id: thirdId }, data: { status: "disabled" } }),
    "that one was deleted in meanwhile": () =>
      app.call(`DELETE /v1/users/${thirdId}`, { token: third.accessToken }),
    "that was suspended meanwhile": () =>
      app.call(`POST /v1/tenants/${third.tenantId}/suspend`, { token: root.accessToken }),
    "that was deleted meanwhile": () =>
      app.call(`DELETE /v1/tenants/${third.tenantId}`, { token: root.accessToken }),
  };
  for (const [name, go] of Object.entries(GONE)) {
    test(`a tenant ${name} is not found, and the token still good for another`, async () => {
      const strange = name === "of somebody else" ? await registerOwner(app) : third;
      // The token is in the name of whom one was last, which is not the tenant that goes.
      await enter(app, person.email, person.slug);
      const token = await choose();
      await go();
      const before = await SESSIONS();
      expect(codeOf(await select(app, token, strange.tenantId))).toEqual({
        status: 404,
        code: "not_found",
      });
      expect(await SESSIONS()).toBe(before);
      expect((await select(app, token, other.tenantId)).status).toBe(200);
    });
  }
});

describe("R82: the choice comes after all that is asked for", () => {
  test("after the second factor, which counts in the tenant that is chosen", async () => {
    const { secret } = await enrolTotp(app, person);
    const { body: first } = await enter(app, person.email);
    expect(Object.keys(first).sort()).toEqual(["expiresIn", "methods", "mfaRequired", "mfaToken"]);
    const json = { mfaToken: first.mfaToken, method: "totp", code: totpCode(secret) };
    const { status, body: second } = await app.call("POST /v1/auth/mfa/verify", { json });
    expect([status, choiceOf(second)]).toEqual([200, [person.tenantId, other.tenantId].sort()]);
    const { body } = await select(app, second.selectionToken, other.tenantId);
    expect(body.user.id).toBe(memberId);
    expect(claimsOf(body.accessToken).amr).toEqual(["pwd", "otp", "mfa"]);
  });

  test("after the second factor nothing is asked of whom has named the tenant", async () => {
    const { secret } = await enrolTotp(app, person);
    const { body: first } = await enter(app, person.email, other.slug);
    const json = { mfaToken: first.mfaToken, method: "totp", code: totpCode(secret) };
    expect((await app.call("POST /v1/auth/mfa/verify", { json })).body.user.id).toBe(memberId);
  });

  test("after a passkey, whatever strangers guess meanwhile", async () => {
    const { authenticator } = await enrolPasskey(app, person, createAuthenticator());
    const { body: options } = await app.call("POST /v1/auth/passkey/options");
    const json = { response: authenticator.assert(options) };
    const { status, body } = await app.call("POST /v1/auth/passkey/login", { json });
    expect([status, choiceOf(body)]).toEqual([200, [person.tenantId, other.tenantId].sort()]);
    await app.deps.db.account.update({
      where: { id: person.id },
      data: { loginAttempts: 60, lockedUntil: new Date(Date.now() + 60_000) },
    });
    const { body: chosen } = await select(app, body.selectionToken, other.tenantId);
    expect(claimsOf(chosen.accessToken)).toMatchObject({
      sub: memberId,
      amr: ["swk", "user", "mfa"],
    });
  });

  test("after a mail that was asked for without a tenant, and not of whoever has named one", async () => {
    await app.call("POST /v1/auth/magic-link", { json: { email: person.email } });
    const unnamed = await followLink(app, {
      token: tokenIn(await app.lastMailTo(person.email)),
    });
    expect(choiceOf(unnamed.body)).toEqual([person.tenantId, other.tenantId].sort());
    const json = { email: person.email, tenant: other.slug };
    await app.call("POST /v1/auth/magic-link", { json });
    const named = await followLink(app, { token: tokenIn(await app.lastMailTo(person.email)) });
    expect([named.status, named.body.user.id]).toEqual([200, memberId]);
  });
});

test("what the chosen tenant asks for holds, and not what another one does", async () => {
  await app.deps.pool.query(
    "UPDATE tenants SET settings = '{\"mfaRequired\": true}' WHERE id = $1",
    [other.tenantId],
  );
  const strict = await select(app, await choose(), other.tenantId);
  const lax = await select(app, await choose(), person.tenantId);
  expect((await app.as(strict.body, "GET /v1/users")).body.code).toBe("mfa_enrollment_required");
  expect((await app.as(lax.body, "GET /v1/users")).status).toBe(200);
});

test("logging in again from within a session stays in its tenant", async () => {
  const { body } = await enter(app, person.email, other.slug);
  const again = await app.as(body, "POST /v1/auth/reauthenticate", { password: PASSWORD });
  expect([again.status, again.body.user.id]).toEqual([200, memberId]);
  expect((await app.as(body, "GET /v1/auth/me")).status).toBe(401);
});
