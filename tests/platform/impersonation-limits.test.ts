/** R62: who may act as whom, and what nobody does in another's name. */
import { beforeAll, describe, expect, test } from "bun:test";
import { newId } from "../../src/db/id.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  createTestApp,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { createMemberWith } from "../users/routes.ts";
import { type Acting, actAs, REASON, statusOf } from "./impersonation.ts";

const app = testApp();
let owner: Account & { tenantId: string };
let root: Account;
let member: Account;
let acting: Acting;
beforeAll(async () => {
  [owner, root] = await Promise.all([registerOwner(app), createSuperAdmin(app)]);
  member = await createMember(app, owner);
  acting = await actAs(app, root, owner);
});

const impersonate = (who: { accessToken: string }, id: string, json: unknown = REASON) =>
  app.call(`POST /v1/users/${id}/impersonate`, { token: who.accessToken, json });

test("R52: 401 without a token, 403 without the permission, for an API key and for a tenant's own user", async () => {
  const path = `POST /v1/users/${member.id}/impersonate`;
  expect((await app.call(path, { json: REASON })).body.code).toBe("not_authenticated");
  expect((await app.call(path, { token: "a.b.c", json: REASON })).body.code).toBe("invalid_token");
  expect(await impersonate(owner, member.id)).toMatchObject({
    status: 403,
    body: { code: "permission_denied", detail: expect.stringContaining("user:impersonate") },
  });
  // Every permission there is, as no tenant can give them: it takes a platform account all the same.
  const mighty = await createMemberWith(app, owner);
  expect((await impersonate(mighty, member.id)).body.code).toBe("permission_denied");
  const key = await app.call("POST /v1/api-keys", {
    token: root.accessToken,
    json: { name: "x", scopes: ["user:impersonate"] },
  });
  expect((await impersonate({ accessToken: key.body.key }, member.id)).body.code).toBe(
    "session_required",
  );
});

test("the reason is one line of text", async () => {
  for (const json of [
    {},
    [],
    null,
    ...["", "  ", "a\nb", "x".repeat(201), 1].map((reason) => ({ reason })),
    { ...REASON, seconds: 9 },
  ]) {
    const { status } = await impersonate(root, member.id, json);
    expect([JSON.stringify(json), status]).toEqual([JSON.stringify(json), 422]);
  }
});

test("R62: never as a platform account, as a machine, or as somebody who could not log in", async () => {
  const other = await createSuperAdmin(app);
  const machine = await app.call("POST /v1/service-accounts", {
    token: owner.accessToken,
    json: { name: "x" },
  });
  const [disabled, deleted] = [await createMember(app, owner), await createMember(app, owner)];
  await app.call(`PATCH /v1/users/${disabled.id}`, {
    token: owner.accessToken,
    json: { status: "disabled" },
  });
  await app.call(`DELETE /v1/users/${deleted.id}`, { token: owner.accessToken });
  const suspended = await registerOwner(app);
  await app.call(`POST /v1/tenants/${suspended.tenantId}/suspend`, { token: root.accessToken });
  const expected: [string, string, number][] = [
    ["another super admin", other.id, 403],
    ["themselves", root.id, 403],
    ["disabled", disabled.id, 403],
    ["of a suspended tenant", suspended.id, 403],
    ["a machine", machine.body.id, 404],
    ["deleted", deleted.id, 404],
    ["nobody", newId(), 404],
    ["malformed", "x", 404],
  ];
  const before = await app.deps.db.session.count();
  for (const [name, id, status] of expected)
    expect([name, (await impersonate(root, id)).status]).toEqual([name, status]);
  expect(await app.deps.db.session.count()).toBe(before);
});

test("R24: it takes a recent log-in, and the second factor of whoever has one", async () => {
  const who = await createSuperAdmin(app);
  const { db } = app.deps;
  await db.totpFactor.create({
    data: { id: newId(), accountId: who.id, secret: new Uint8Array(1), confirmedAt: new Date() },
  });
  const stepUp = { status: 401, body: { code: "reauthentication_required" } };
  expect(await impersonate(who, member.id)).toMatchObject(stepUp);
  await db.totpFactor.deleteMany({ where: { accountId: who.id } });
  expect((await impersonate(who, member.id)).status).toBe(200);

  const strict = await createTestApp({ STEP_UP_SECONDS: "30" });
  const late = await createSuperAdmin(strict);
  const claims = await strict.deps.accessTokens.verify(late.accessToken);
  const { token } = await strict.deps.accessTokens.sign({
    ...claims,
    authenticatedAt: claims.authenticatedAt - 31,
  });
  const tenant = await registerOwner(strict);
  const answer = await strict.call(`POST /v1/users/${tenant.id}/impersonate`, {
    token,
    json: REASON,
  });
  expect(answer).toMatchObject(stepUp);
  await strict.close();
});

describe("R62: in the user's name nobody", () => {
  const id = newId();
  const email = "ada@elsewhere.example";
  const forbidden: Record<string, [route: string, json?: unknown]> = {
    "changes the password": ["POST /v1/auth/change-password", { newPassword: "x" }],
    "changes the address": ["POST /v1/auth/me/email", { email }],
    "proves the address": ["POST /v1/auth/me/email/verify", { token: "x" }],
    "logs in again": ["POST /v1/auth/reauthenticate", { password: "x" }],
    "shows a passkey": ["POST /v1/auth/reauthenticate/passkey-options"],
    "sets up an app": ["POST /v1/auth/me/totp"],
    "confirms an app": ["POST /v1/auth/me/totp/confirm", { code: "123456" }],
    "removes the app": ["DELETE /v1/auth/me/totp"],
    "makes recovery codes": ["POST /v1/auth/me/recovery-codes"],
    "begins a passkey": ["POST /v1/auth/me/passkeys/options"],
    "adds a passkey": ["POST /v1/auth/me/passkeys", {}],
    "renames a passkey": [`PATCH /v1/auth/me/passkeys/${id}`, { name: "x" }],
    "removes a passkey": [`DELETE /v1/auth/me/passkeys/${id}`],
    "makes an API key": ["POST /v1/api-keys", { name: "x", scopes: ["user:read"] }],
    "revokes an API key": [`DELETE /v1/api-keys/${id}`],
    "ends the user's sessions": ["DELETE /v1/auth/sessions"],
    "ends one of the user's sessions": [`DELETE /v1/auth/sessions/${id}`],
    "logs the user out everywhere": ["POST /v1/auth/logout-all"],
    "removes somebody's factors": [`DELETE /v1/users/${id}/factors`],
    "sends somebody a new password": [`POST /v1/users/${id}/reset-password`],
    "deletes the tenant": [`DELETE /v1/tenants/${id}`],
  };
  for (const [name, [route, json]] of Object.entries(forbidden)) {
    test(name, async () => {
      const answer = await app.call(route, {
        token: acting.accessToken,
        ...(json === undefined ? {} : { json }),
      });
      expect([answer.status, answer.body.code]).toEqual([403, "impersonation_forbidden"]);
    });
  }

  test("gives themselves, or others, another address", async () => {
    for (const user of [owner, member]) {
      const { status, body } = await app.call(`PATCH /v1/users/${user.id}`, {
        token: acting.accessToken,
        json: { email },
      });
      expect([status, body.code]).toEqual([403, "impersonation_forbidden"]);
    }
  });

  test("acts as a third one", async () => {
    const nested = await impersonate(acting, member.id);
    expect([nested.status, nested.body.code]).toEqual([403, "impersonation_forbidden"]);
  });
});

test("R62: no session route is open to it but those that are named here", async () => {
  const { paths } = (await app.call("GET /openapi.json")).body;
  const open: string[] = [];
  for (const [path, methods] of Object.entries<Record<string, { security?: object[] }>>(paths)) {
    for (const method of Object.keys(methods).filter((name) => name !== "parameters")) {
      if (!path.startsWith("/v1/auth/") || !methods[method]?.security?.length) continue;
      if (path === "/v1/auth/logout") continue;
      const route = `${method.toUpperCase()} ${path}`;
      const { body } = await app.call(route.replace(/\{\w+\}/g, newId()), {
        token: acting.accessToken,
      });
      if (body?.code !== "impersonation_forbidden") open.push(route);
    }
  }
  expect(open.sort()).toEqual([
    "GET /v1/auth/me",
    "GET /v1/auth/me/profile",
    "GET /v1/auth/sessions",
    "PATCH /v1/auth/me/profile",
    "POST /v1/auth/check",
  ]);
  expect(await statusOf(app, acting)).toBe(200);
});

test("R41: a token whose act claim names nobody is no token", async () => {
  const { sign, verify } = app.deps.accessTokens;
  const claims = await verify(acting.accessToken);
  const { token } = await sign({ ...claims, impersonatorId: 1 as unknown as string });
  await expect(verify(token)).rejects.toMatchObject({ code: "invalid_token" });
});
