/** What is no key, and what a key may not do. */
import { beforeAll, describe, expect, test } from "bun:test";
import { isApiKey, newApiKey } from "../../src/crypto/api-key.ts";
import { newId } from "../../src/db/id.ts";
import { type Document, routes } from "../http/document.ts";
import { expectProblem } from "../http/problem.ts";
import { type Account, createMember, registerOwner, testApp } from "../support/app.ts";
import { createKey, createService, type Key, use } from "./keys.ts";

const app = testApp();
let owner: Account & { tenantId: string };
let stranger: Account & { tenantId: string };
let key: Key;
let document: Document;
beforeAll(async () => {
  owner = await registerOwner(app);
  stranger = await registerOwner(app);
  key = await createKey(app, owner);
  document = (await app.call("GET /openapi.json")).body;
});

test("a key has the form that secret scanners look for, and 1,000 of them are all different", () => {
  const keys = Array.from({ length: 1000 }, newApiKey);
  for (const { key, prefix, hash } of keys) {
    expect(key).toMatch(/^tnk_[a-z0-9]{8}_[A-Za-z0-9_-]{49}$/);
    expect([key.slice(0, 12), hash.length, isApiKey(key)]).toEqual([prefix, 32, true]);
  }
  expect(new Set(keys.map(({ key }) => key.slice(13, 56))).size).toBe(1000);
});

test("the checksum finds every character that was mistyped, and two that changed places", () => {
  const { key } = newApiKey();
  for (let at = 0; at < key.length; at += 1) {
    const other = key[at] === "x" ? "y" : "x";
    expect([at, isApiKey(key.slice(0, at) + other + key.slice(at + 1))]).toEqual([at, false]);
    const swapped =
      key.slice(0, at) +
      key
        .slice(at, at + 2)
        .split("")
        .reverse()
        .join("") +
      key.slice(at + 2);
    expect([at, isApiKey(swapped)]).toEqual([at, swapped === key]);
  }
});

describe("what is no key is 401, with one and the same body", () => {
  const wrong: Record<string, () => string> = {
    "the prefix alone": () => "tnk_",
    "the visible part alone": () => key.prefix,
    "a key of nobody": () => newApiKey().key,
    "a wrong checksum": () => `${key.key.slice(0, -1)}${key.key.endsWith("0") ? "1" : "0"}`,
    "a key without its last character": () => key.key.slice(0, -1),
    "a key that goes on": () => `${key.key}0`,
    "a key in other letters": () => key.key.toLowerCase(),
    "another prefix": () => key.key.replace(/^tnk_/, "TNK_"),
    "a key with a line's end": () => `${key.key}=`,
    "a megabyte": () => `tnk_${"a".repeat(1_000_000)}`,
    "other characters": () => `tnk_${"é".repeat(58)}`,
    "two keys": () => `${key.key} ${key.key}`,
    "its hash": () => `tnk_${Buffer.from(key.key).toString("hex")}`,
  };
  for (const [name, token] of Object.entries(wrong)) {
    test(name, async () => {
      const answer = await app.call("GET /v1/users", { token: token() });
      const other = await app.call("GET /v1/users", { token: newApiKey().key });
      expectProblem(answer, "invalid_token");
      expect({ ...answer.body, instance: "" }).toEqual({ ...other.body, instance: "" });
      expect(answer.headers.get("www-authenticate")).toContain('error="invalid_token"');
      expect(JSON.stringify(answer.body)).not.toContain(key.prefix);
    });
  }
});

test("a key is a Bearer token in the header and nothing anywhere else", async () => {
  const elsewhere: Record<string, string>[] = [
    { "x-api-key": key.key },
    { cookie: `key=${key.key}` },
    { authorization: `Basic ${btoa(`${key.key}:`)}` },
    { authorization: key.key },
  ];
  for (const headers of elsewhere) {
    expectProblem(await app.call("GET /v1/users", { headers }), "not_authenticated");
  }
  expectProblem(await app.call(`GET /v1/users?api_key=${key.key}`), "not_authenticated");
});

test("a machine is told session_required by every operation of /v1/auth that needs an access token, and by the creation of keys", async () => {
  const full = await createKey(app, owner, {
    scopes: [
      "user:read",
      "user:update",
      "session:revoke",
      "session:read",
      "api_key:read",
      "api_key:delete",
    ],
  });
  const operations = routes(document).filter(
    ({ path, operation }) =>
      // What a machine may do, it may ask.
      path.startsWith("/v1/auth/") && path !== "/v1/auth/check" && operation.security?.length,
  );
  expect(operations.length).toBeGreaterThanOrEqual(8);
  for (const { name } of [...operations, { name: "POST /v1/api-keys" }]) {
    const route = name.replace(/\{\w+\}/g, newId());
    const { status, body } = await app.call(route, {
      token: full.key,
      ...(!route.startsWith("GET") && { json: {} }),
    });
    expect([name, status, body.code]).toEqual([name, 403, "session_required"]);
  }
});

test("R59: scopes bound what the owner's key may do: 403 for every other permission", async () => {
  const asked = {
    "user:read": "GET /v1/users",
    "tenant:read": "GET /v1/tenants/current",
    "audit:read": "GET /v1/audit-logs",
    "service_account:read": "GET /v1/service-accounts",
    "api_key:read": "GET /v1/api-keys",
    "user:create": "POST /v1/users",
    "service_account:create": "POST /v1/service-accounts",
  };
  for (const scope of Object.keys(asked)) {
    const { key: token } = await createKey(app, owner, { scopes: [scope] });
    for (const [permission, route] of Object.entries(asked)) {
      const { status } = await app.call(route, {
        token,
        ...(route.startsWith("POST") && { json: {} }),
      });
      expect([scope, route, status]).toEqual([
        scope,
        route,
        permission !== scope ? 403 : route.startsWith("POST") ? 422 : 200,
      ]);
    }
  }
});

test("R59: a key of one tenant finds nothing of another one", async () => {
  const scopes = [
    "user:read",
    "user:update",
    "user:delete",
    "service_account:read",
    "service_account:update",
  ];
  const { key: token } = await createKey(app, owner, {
    scopes: [...scopes, "service_account:delete", "api_key:read", "api_key:delete"],
  });
  const service = await createService(app, stranger);
  const theirs = await createKey(app, stranger);
  const answers = [
    ["GET", `/v1/users/${stranger.id}`],
    ["PATCH", `/v1/users/${stranger.id}`, { firstName: "A" }],
    ["DELETE", `/v1/users/${stranger.id}`],
    ["GET", `/v1/service-accounts/${service.id}`],
    ["PATCH", `/v1/service-accounts/${service.id}`, { name: "A" }],
    ["DELETE", `/v1/service-accounts/${service.id}`],
    ["GET", `/v1/api-keys/${theirs.id}`],
    ["DELETE", `/v1/api-keys/${theirs.id}`],
    ["GET", `/v1/api-keys?userId=${stranger.id}`],
  ] as const;
  for (const [method, path, json] of answers) {
    const { status, body } = await app.call(`${method} ${path}`, { token, ...(json && { json }) });
    expect([method, path, status, body.code]).toEqual([method, path, 404, "not_found"]);
  }
  const listed = await app.call(`GET /v1/users?tenantId=${stranger.tenantId}`, { token });
  expect(listed.body.items).toEqual([]);
  expect(await use(app, theirs)).toBe(200);
});

test("R62: a key of few scopes cannot take over its own user, nor give what is not in its scopes", async () => {
  const { key: token } = await createKey(app, owner, {
    scopes: ["user:read", "user:update", "user:create", "user:delete", "role:assign"],
  });
  const path = `/v1/users/${owner.id}`;
  const second = await createMember(app, owner, ["owner"]);
  for (const [route, json] of [
    [`PATCH ${path}`, { email: "taken-over@x.example" }],
    [`PATCH ${path}`, { status: "disabled" }],
    [`DELETE ${path}`, undefined],
    [`PATCH ${path}/profile`, { language: "de" }],
    [`PATCH /v1/users/${second.id}`, { email: "taken-over@x.example" }],
    ["POST /v1/users", { email: "new@x.example", roles: ["owner"] }],
    ["POST /v1/users", { email: "new@x.example", roles: ["auditor"] }],
  ] as const) {
    const { status, body } = await app.call(route, { token, ...(json && { json }) });
    expect([route, status, body.code]).toEqual([route, 403, "permission_denied"]);
  }
  expect((await app.call(`GET ${path}`, { token: owner.accessToken })).body.email).toBe(
    owner.email,
  );
});
