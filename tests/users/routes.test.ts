import { beforeAll, expect, test } from "bun:test";
import { userRoutes } from "../../src/users/routes.ts";
import {
  type Account,
  createMember,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { createMemberWith, type RouteCase, routesOf, testRoutes, type World } from "./routes.ts";

const LONG = "x".repeat(121);
const NAMES = [LONG, "", "  ", "a\u0007b", 1, [], {}];
const EMAILS = [
  "",
  "nobody",
  "a@b",
  "a b@c.example",
  "a@b.example\n",
  `${"x".repeat(65)}@a.example`,
  1,
  null,
];
const UNKNOWN = [
  "tenantId",
  "passwordHash",
  "isSuperAdmin",
  "emailVerifiedAt",
  "version",
  "isDeleted",
  "id",
];

const CASES: RouteCase[] = [
  {
    route: "GET /v1/users",
    permission: "user:read",
    success: 200,
    invalid: [
      ...["limit=0", "limit=101", "limit=x", "limit=1.5", "limit=1&limit=2", "limit=", "cursor="],
      ...["page=0", "page=501", "page=1&cursor=eA", "sort=id", "sort=passwordHash", "sort="],
      ...[
        "status=deleted",
        "deleted=maybe",
        "tenantId=x",
        "search=",
        `search=${LONG}`,
        "search=%00",
      ],
      ...["unknown=1", "__proto__=1", `role=${LONG}`, "role=%00"],
    ].map((query) => `?${query}`),
  },
  {
    route: "POST /v1/users",
    permission: "user:create",
    success: 201,
    get json() {
      return { email: `${randomName()}@x.example` };
    },
    invalid: [
      ...[{}, [], null, "text", 1],
      ...EMAILS.map((email) => ({ email })),
      ...NAMES.map((firstName) => ({ email: "a@b.example", firstName })),
      ...NAMES.map((lastName) => ({ email: "a@b.example", lastName })),
      ...["", "short", "x".repeat(257), "x".repeat(513), 1, null].map((password) => ({
        email: "a@b.example",
        password,
      })),
      ...[
        "member",
        ["nobody"],
        ["member", "nobody"],
        [1],
        ["super_admin"],
        Array(21).fill("member"),
      ].map((roles) => ({
        email: "a@b.example",
        roles,
      })),
      ...UNKNOWN.slice(1).map((field) => ({ email: "a@b.example", [field]: true })),
      { email: "a@b.example", tenantId: "x" },
    ],
  },
  { route: "GET /v1/users/:id", permission: "user:read", success: 200 },
  {
    route: "PATCH /v1/users/:id",
    permission: "user:update",
    success: 200,
    json: { firstName: "Ada" },
    invalid: [
      ...[{}, [], null],
      ...EMAILS.map((email) => ({ email })),
      ...NAMES.map((firstName) => ({ firstName })),
      ...["deleted", null, 1].map((status) => ({ status })),
      ...["member", null, ["nobody"], ["super_admin"], ["owner", "super_admin"]].map((roles) => ({
        roles,
      })),
      ...UNKNOWN.map((field) => ({ firstName: "Ada", [field]: null })),
      { firstName: "Ada", password: PASSWORD },
    ],
  },
  { route: "DELETE /v1/users/:id", permission: "user:delete", success: 204 },
  { route: "POST /v1/users/:id/restore", permission: "user:restore", success: 200 },
  { route: "DELETE /v1/users/:id/factors", permission: "user:update", success: 204 },
  { route: "GET /v1/users/:id/roles", permission: "role:read", success: 200 },
  {
    route: "PUT /v1/users/:id/roles",
    permission: "role:assign",
    success: 200,
    json: { roles: ["auditor"] },
    invalid: [
      ...[{}, [], null, { roles: "member" }, { roles: null }, { roles: [1] }],
      ...[["nobody"], ["super_admin"], Array(21).fill("member")].map((roles) => ({ roles })),
      { roles: [], firstName: "Ada" },
    ],
  },
  {
    route: "GET /v1/users/:id/sessions",
    permission: "session:read",
    success: 200,
    invalid: ["limit=0", "limit=101", "limit=x", "limit=1&limit=2", "cursor=x", "unknown=1"].map(
      (query) => `?${query}`,
    ),
  },
  { route: "DELETE /v1/users/:id/sessions", permission: "session:revoke", success: 204 },
  { route: "DELETE /v1/users/:id/sessions/:sessionId", permission: "session:revoke", success: 204 },
  { route: "GET /v1/users/:id/profile", permission: "user:read", success: 200 },
  {
    route: "PATCH /v1/users/:id/profile",
    permission: "user:update",
    success: 200,
    json: { language: "de" },
    invalid: [
      ...[{}, [], null],
      ...["0301234567", "+0301234567", "+49 30 1234", "+1", "+1234567890123456", 49].map(
        (phone) => ({ phone }),
      ),
      ...[
        "x",
        "http://a.example",
        "javascript:alert(1)",
        `https://a.example/${"x".repeat(500)}`,
      ].map((avatarUrl) => ({ avatarUrl })),
      ...["", "Nowhere", "+01:00", "Europe/Berlin\n"].map((timezone) => ({ timezone })),
      ...["", "german", "de_DE", "de-"].map((language) => ({ language })),
      ...[[], "x", null, { a: "x".repeat(16_384) }, { a: "é".repeat(8_200) }].map(
        (preferences) => ({ preferences }),
      ),
      ...["userId", "tenantId", "createdAt"].map((field) => ({ language: "de", [field]: "x" })),
    ],
  },
];

const app = testApp();
let world: World;

beforeAll(async () => {
  const [owner, stranger] = await Promise.all([registerOwner(app), registerOwner(app)]);
  const caller = await createMemberWith(app, owner);
  world = {
    app,
    caller,
    powerless: await createMember(app, owner, []),
    own: (route) => target(owner, route),
    foreign: (route) => target(stranger, route),
  };
});

/** A user of the tenant: deleted when the route restores, with a session when it names one. */
async function target(owner: Account, route: string): Promise<string> {
  const token = owner.accessToken;
  if (route.endsWith("/:sessionId")) {
    const { id, accessToken } = await createMember(app, owner);
    const { body } = await app.call("GET /v1/auth/sessions", { token: accessToken });
    return `${id}/${body.items[0].id}`;
  }
  const made = await app.call("POST /v1/users", {
    token,
    json: { email: `${randomName()}@x.example` },
  });
  if (route.endsWith("/restore")) await app.call(`DELETE /v1/users/${made.body.id}`, { token });
  return made.body.id;
}

test("every route of the users is tested here", () => {
  expect(routesOf(userRoutes, "/v1/users")).toEqual(CASES.map(({ route }) => route).sort());
});

testRoutes(CASES, () => world);

test("R57: a body with __proto__ or constructor is refused and pollutes nothing", async () => {
  const id = await world.own("PATCH");
  for (const body of [
    '{"firstName":"Ada","__proto__":{"version":9}}',
    '{"constructor":{"prototype":{"x":1}}}',
  ]) {
    const answer = await app.call(`PATCH /v1/users/${id}`, {
      token: world.caller.accessToken,
      body,
      headers: { "content-type": "application/json" },
    });
    expect([400, 422]).toContain(answer.status);
  }
  expect(({} as Record<string, unknown>).version).toBeUndefined();
});

test("201 says where the user is, and the answer is what GET answers", async () => {
  const token = world.caller.accessToken;
  const json = {
    email: `New.${randomName()}@X.Example`,
    firstName: " Ada ",
    lastName: "O'Neill-Łukasz",
    password: PASSWORD,
  };
  const made = await app.call("POST /v1/users", { token, json });
  expect(made.headers.get("location")).toBe(`/v1/users/${made.body.id}`);
  expect(made.body).toEqual({
    id: made.body.id,
    tenantId: world.caller.tenantId,
    email: json.email.toLowerCase(),
    pendingEmail: null,
    firstName: "Ada",
    lastName: "O'Neill-Łukasz",
    status: "active",
    roles: ["member"],
    emailVerifiedAt: null,
    lastLoginAt: null,
    createdAt: made.body.createdAt,
    updatedAt: made.body.updatedAt,
    version: 1,
  });
  expect((await app.call(`GET /v1/users/${made.body.id}`, { token })).body).toEqual(made.body);
  expect((await app.call(`GET /v1/users/${made.body.id.toUpperCase()}`, { token })).body).toEqual(
    made.body,
  );
});
