/** R63: what is on record of keys, of service accounts, and of what machines do; and that no secret is. */
import { beforeAll, expect, test } from "bun:test";
import { startServer } from "../server/start.ts";
import { type Account, createMember, PASSWORD, registerOwner, testApp } from "../support/app.ts";
import { createKey, createService, READ } from "./keys.ts";

const app = testApp();
let owner: Account & { tenantId: string };
beforeAll(async () => {
  owner = await registerOwner(app);
});

const rowsOf = (resourceId: string) =>
  app.deps.db.auditLog.findMany({ where: { resourceId }, orderBy: { id: "asc" } });

test("R63: a key's creation and revocation have their rows: whose, which, and what it may do", async () => {
  const member = await createMember(app, owner);
  const json = { name: "Nightly", scopes: READ, userId: member.id, expiresInDays: 7 };
  const { id, prefix, key } = await createKey(app, owner, json);
  await app.call(`DELETE /v1/api-keys/${id}`, { token: member.accessToken });
  const rows = await rowsOf(id);
  const details = { userId: member.id, name: "Nightly", prefix, scopes: READ };
  const row = { tenantId: owner.tenantId, resourceType: "api_key", outcome: "success" };
  expect(rows).toMatchObject([
    { ...row, action: "api_key.created", actorId: owner.id, details },
    { ...row, action: "api_key.revoked", actorId: member.id, details },
  ]);
  expect(JSON.stringify(rows)).not.toContain(key.slice(13));
});

test("R63: a refused creation leaves neither key nor row", async () => {
  const count = () => app.deps.db.auditLog.count({ where: { action: "api_key.created" } });
  const before = await count();
  const member = await createMember(app, owner);
  const denied = await app.call("POST /v1/api-keys", {
    token: owner.accessToken,
    json: { name: "A", scopes: ["user:delete"], userId: member.id },
  });
  expect(denied.status).toBe(422);
  expect(await count()).toBe(before);
  expect(await app.deps.db.apiKey.count({ where: { userId: member.id } })).toBe(0);
});

test("R63: each change of a service account has its row", async () => {
  const { id } = await createService(app, owner);
  await createKey(app, owner, { userId: id });
  await createKey(app, owner, { userId: id });
  const path = `/v1/service-accounts/${id}`;
  const change = { name: "Renamed", status: "disabled", roles: ["auditor"] };
  await app.call(`PATCH ${path}`, { token: owner.accessToken, json: change });
  await app.call(`DELETE ${path}`, { token: owner.accessToken });
  const row = { tenantId: owner.tenantId, actorId: owner.id, resourceType: "service_account" };
  expect(await rowsOf(id)).toMatchObject([
    {
      ...row,
      action: "service_account.created",
      details: { name: "Deployment", roles: ["member"] },
    },
    {
      ...row,
      action: "service_account.updated",
      details: { fields: ["name", "status", "roles"], status: "disabled", roles: ["auditor"] },
    },
    { ...row, action: "service_account.deleted", details: { keysRevoked: 2 } },
  ]);
});

test("R63: what a machine does is on record as its user's, with the key that did it", async () => {
  const { id: userId } = await createService(app, owner, { roles: ["admin"] });
  const { id: apiKeyId, key: token } = await createKey(app, owner, {
    userId,
    scopes: ["user:create", "user:read", "tenant:read", "role:assign"],
  });
  const json = { email: "made@by-machine.example", roles: ["member"] };
  const { body, status } = await app.call("POST /v1/users", { token, json });
  expect(status).toBe(201);
  expect(await rowsOf(body.id)).toMatchObject([
    {
      action: "user.created",
      tenantId: owner.tenantId,
      actorId: userId,
      sessionId: null,
      details: { roles: ["member"], apiKeyId },
    },
  ]);
});

test("R66: the log of the real server holds no key, at its most talkative", async () => {
  const server = await startServer({ LOG_LEVEL: "debug" });
  try {
    const call = async (method: string, path: string, token?: string, json?: object) => {
      const response = await fetch(server.url + path, {
        method,
        headers: {
          ...(token && { authorization: `Bearer ${token}` }),
          ...(json && { "content-type": "application/json" }),
        },
        ...(json && { body: JSON.stringify(json) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === "" ? {} : JSON.parse(text) };
    };
    const registration = {
      email: "owner@keys.example",
      password: PASSWORD,
      tenant: { name: "Keys", slug: "keys" },
    };
    const { accessToken } = (await call("POST", "/v1/auth/register", undefined, registration)).body;
    const json = { name: "A", scopes: READ };
    const { key, id } = (await call("POST", "/v1/api-keys", accessToken, json)).body;
    const statuses = [
      (await call("GET", "/v1/users", key)).status,
      (await call("POST", "/v1/users", key, {})).status,
      (await call("GET", "/v1/users", `${key.slice(0, -1)}!`)).status,
      (await call("GET", `/v1/users?search=${key}`, accessToken)).status,
      (await call("POST", "/v1/auth/login", undefined, { [key]: key })).status,
      (await call("DELETE", `/v1/api-keys/${id}`, accessToken)).status,
      (await call("GET", "/v1/users", key)).status,
    ];
    expect(statuses).toEqual([200, 403, 401, 200, 422, 204, 401]);
    expect(server.output()).toContain("/v1/users");
    for (const part of [key, key.slice(13), key.slice(13, 40)])
      expect(server.output()).not.toContain(part);
  } finally {
    await server.stop();
  }
});
