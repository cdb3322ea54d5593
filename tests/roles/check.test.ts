/** What a service asks that holds nothing but the caller's token. */
import { beforeAll, expect, spyOn, test } from "bun:test";
import { PERMISSIONS, PLATFORM_PERMISSIONS } from "../../src/roles/permissions.ts";
import { type Account, createMember, registerOwner, testApp } from "../support/app.ts";
import { as } from "./roles.ts";

const app = testApp();
let owner: Account;
let member: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
  member = await createMember(app, owner);
});

test("R52: both routes are 401 without a token", async () => {
  const json = { permissions: ["user:read"] };
  for (const token of [undefined, "a.b.c"]) {
    const options = token === undefined ? {} : { token };
    expect((await app.call("GET /v1/permissions", options)).status).toBe(401);
    expect((await app.call("POST /v1/auth/check", { ...options, json })).status).toBe(401);
  }
});

test("whoever is authenticated reads which permissions there are", async () => {
  const nobody = await createMember(app, owner, []);
  const { status, body } = await as(app, nobody)("GET /v1/permissions");
  expect(status).toBe(200);
  expect(body.items.map((item: { key: string }) => item.key)).toEqual(PERMISSIONS.toSorted());
  for (const { key, description, platform } of body.items) {
    expect(description.length).toBeGreaterThan(5);
    expect([key, platform]).toEqual([
      key,
      (PLATFORM_PERMISSIONS as readonly string[]).includes(key),
    ]);
  }
});

test("the check says what is missing, for sessions and API keys alike", async () => {
  const permissions = ["user:delete", "user:read", "user:delete"];
  const check = (token: string) =>
    app.call("POST /v1/auth/check", { token, json: { permissions } });
  expect((await check(owner.accessToken)).body).toEqual({ allowed: true, missing: [] });
  const few = { allowed: false, missing: ["user:delete"] };
  expect((await check(member.accessToken)).body).toEqual(few);
  const key = await as(app, owner)("POST /v1/api-keys", { name: "x", scopes: ["user:read"] });
  expect((await check(key.body.key)).body).toEqual(few);
});

test("the check refuses what is no list of permissions", async () => {
  const invalid = [
    {},
    [],
    null,
    ...[[], "user:read", ["x"], [1], Array(99).fill("user:read")].map((permissions) => ({
      permissions,
    })),
  ];
  for (const json of invalid) {
    const { status } = await as(app, member)("POST /v1/auth/check", json);
    expect([JSON.stringify(json), status]).toEqual([JSON.stringify(json), 422]);
  }
});

test("R44: the check asks no database, and knows at once what has changed", async () => {
  const json = { permissions: ["audit:read"] };
  const check = as(app, member);
  expect((await check("POST /v1/auth/check", json)).body.allowed).toBe(false);
  const queries = spyOn(app.deps.pool, "query");
  for (let n = 0; n < 20; n++) await check("POST /v1/auth/check", json);
  expect(queries.mock.calls).toEqual([]);
  queries.mockRestore();
  await as(app, owner)(`PUT /v1/users/${member.id}/roles`, { roles: ["auditor"] });
  expect((await check("POST /v1/auth/check", json)).body).toEqual({ allowed: true, missing: [] });
});

test("R36: the check refuses a session that has ended", async () => {
  const gone = await createMember(app, owner);
  await as(app, gone)("POST /v1/auth/logout");
  const { status } = await as(app, gone)("POST /v1/auth/check", { permissions: ["user:read"] });
  expect(status).toBe(401);
});
