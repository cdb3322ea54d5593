import { beforeAll, expect, test } from "bun:test";
import { MOST_APPLICATION_PERMISSIONS, TENANT_PERMISSIONS } from "../../src/roles/permissions.ts";
import { roleRoutes } from "../../src/roles/routes.ts";
import { createMember, randomName, registerOwner, testApp } from "../support/app.ts";
import {
  createMemberWith,
  type RouteCase,
  routesOf,
  testRoutes,
  type World,
} from "../users/routes.ts";
import { createRole } from "./roles.ts";

const NAMES = ["", "Helpdesk", "1st", "_x", "a b", "a-b", "ü", "x".repeat(51), 1, null];
const PERMISSIONS = [
  ...["user:read", null, {}, ["user:fly"], [1], ["user:impersonate"], ["tenant:purge"]],
  ...[["tenant:create"], ["tenant:list"], ["tenant:suspend"], ["USER:READ"]],
  Array(TENANT_PERMISSIONS.length + MOST_APPLICATION_PERMISSIONS + 1).fill("user:read"),
];
const DESCRIPTIONS = ["", "  ", "a\u0007b", "x".repeat(256), 1, {}];
const UNKNOWN = ["id", "isSystem", "holders", "createdAt"];
const VALID = { permissions: ["user:read"] };

const CASES: RouteCase[] = [
  {
    route: "GET /v1/roles",
    permission: "role:read",
    success: 200,
    invalid: [
      ...["limit=0", "limit=101", "limit=x", "limit=1&limit=2", "cursor=", "cursor=x"],
      ...["tenantId=x", "unknown=1", "__proto__=1"],
    ].map((query) => `?${query}`),
  },
  {
    route: "POST /v1/roles",
    permission: "role:create",
    success: 201,
    get json() {
      return { name: randomName(), ...VALID };
    },
    invalid: [
      ...[{}, [], null, "text", { name: "x" }, VALID],
      ...NAMES.map((name) => ({ name, ...VALID })),
      ...PERMISSIONS.map((permissions) => ({ name: "x", permissions })),
      ...[...DESCRIPTIONS, null].map((description) => ({ name: "x", description, ...VALID })),
      ...UNKNOWN.map((field) => ({ name: "x", ...VALID, [field]: true })),
      { name: "x", ...VALID, tenantId: "x" },
    ],
  },
  { route: "GET /v1/roles/:id", permission: "role:read", success: 200 },
  {
    route: "PATCH /v1/roles/:id",
    permission: "role:update",
    success: 200,
    json: { permissions: ["user:read", "role:read"], description: null },
    invalid: [
      ...[{}, [], null],
      ...NAMES.map((name) => ({ name })),
      ...PERMISSIONS.map((permissions) => ({ permissions })),
      ...DESCRIPTIONS.map((description) => ({ description })),
      ...[...UNKNOWN, "tenantId"].map((field) => ({ ...VALID, [field]: null })),
    ],
  },
  { route: "DELETE /v1/roles/:id", permission: "role:delete", success: 204 },
];

const app = testApp();
let world: World;

beforeAll(async () => {
  const [owner, stranger] = await Promise.all([registerOwner(app), registerOwner(app)]);
  world = {
    app,
    caller: await createMemberWith(app, owner),
    powerless: await createMember(app, owner, []),
    own: async () => (await createRole(app, owner, ["user:read"])).id,
    foreign: async () => (await createRole(app, stranger, ["user:read"])).id,
  };
});

test("every route of the roles is tested here", () => {
  expect(routesOf(roleRoutes, "/v1/roles")).toEqual(CASES.map(({ route }) => route).sort());
});

testRoutes(CASES, () => world);

test("201 says where the role is, and the answer is what GET answers", async () => {
  const token = world.caller.accessToken;
  const json = {
    name: "help_desk",
    description: " Helps ",
    permissions: ["user:read", "role:read"],
  };
  const made = await app.call("POST /v1/roles", { token, json });
  expect(made.headers.get("location")).toBe(`/v1/roles/${made.body.id}`);
  expect(made.body).toEqual({
    id: made.body.id,
    tenantId: world.caller.tenantId,
    name: "help_desk",
    description: "Helps",
    permissions: ["role:read", "user:read"],
    holders: 0,
    createdAt: made.body.createdAt,
    updatedAt: made.body.updatedAt,
  });
  expect((await app.call(`GET /v1/roles/${made.body.id}`, { token })).body).toEqual(made.body);
});
