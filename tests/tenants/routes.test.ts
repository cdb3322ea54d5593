import { beforeAll, expect, test } from "bun:test";
import { newId } from "../../src/db/id.ts";
import { tenantRoutes } from "../../src/tenants/routes.ts";
import {
  createMember,
  createSuperAdmin,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import {
  createMemberWith,
  type RouteCase,
  routesOf,
  testRoutes,
  type World,
} from "../users/routes.ts";

const SLUGS = [
  "",
  "a",
  "-ab",
  "ab-",
  "A-b",
  "a_b",
  "a.b",
  "a b",
  "ä-b",
  "ab\n",
  "a".repeat(64),
  1,
  null,
];
const NAMES = ["", " ", "x".repeat(121), "a\u0000", "a\nb", 1, null];
const SETTINGS = [
  ...[[], "x", null, 1, { theme: "dark" }, { custom: "x" }, { custom: { a: "x".repeat(16_384) } }],
  ...[7, 14, 65, "20", 15.5].map((passwordMinLength) => ({ passwordMinLength })),
  ...[59, 30 * 86_400 + 1, -1, "60"].map((sessionIdleSeconds) => ({ sessionIdleSeconds })),
  ...[59, 90 * 86_400 + 1].map((sessionMaxSeconds) => ({ sessionMaxSeconds })),
  ...[1, "true"].map((mfaRequired) => ({ mfaRequired })),
  ...[[], "a.example", ["a"], ["@a.example"], ["*.example"], ["a example"], [1]].map(
    (allowedEmailDomains) => ({ allowedEmailDomains }),
  ),
  ...["", "owner", "super_admin", "nobody", 1].map((defaultRole) => ({ defaultRole })),
  ...["", "german", "de_DE", 1].map((locale) => ({ locale })),
];
const SEAT_LIMITS = [0, -1, 1.5, "5", 10_000_001];
const UNKNOWN = ["id", "status", "isDeleted", "createdBy", "version", "tenantId"];

const CASES: RouteCase[] = [
  {
    route: "GET /v1/tenants",
    permission: "tenant:list",
    success: 200,
    invalid: [
      "limit=0",
      "limit=101",
      "cursor=x",
      "status=deleted",
      "search=",
      "search=%00",
      "sort=name",
      "page=1",
    ].map((query) => `?${query}`),
  },
  {
    route: "POST /v1/tenants",
    permission: "tenant:create",
    success: 201,
    platform: true,
    get json() {
      return { name: "Made", slug: randomName() };
    },
    invalid: [
      ...[{}, [], null, { name: "Made" }, { slug: "made" }],
      ...SLUGS.map((slug) => ({ name: "Made", slug })),
      ...NAMES.filter((name) => name !== "a\u0000").map((name) => ({ name, slug: "made" })),
      ...SETTINGS.map((settings) => ({ name: "Made", slug: "made", settings })),
      ...SEAT_LIMITS.map((seatLimit) => ({ name: "Made", slug: "made", seatLimit })),
      ...UNKNOWN.map((field) => ({ name: "Made", slug: "made", [field]: null })),
    ],
  },
  { route: "GET /v1/tenants/current", permission: "tenant:read", success: 200 },
  { route: "GET /v1/tenants/:id", permission: "tenant:read", success: 200 },
  {
    route: "PATCH /v1/tenants/:id",
    permission: "tenant:update",
    success: 200,
    json: { settings: { custom: { theme: "dark" } } },
    invalid: [
      ...[{}, [], null],
      ...SLUGS.map((slug) => ({ slug })),
      ...NAMES.filter((name) => name !== "a\u0000").map((name) => ({ name })),
      ...SETTINGS.map((settings) => ({ settings })),
      ...SEAT_LIMITS.map((seatLimit) => ({ seatLimit })),
      ...UNKNOWN.map((field) => ({ name: "Made", [field]: null })),
    ],
  },
  { route: "DELETE /v1/tenants/:id", permission: "tenant:delete", success: 204 },
  { route: "POST /v1/tenants/:id/suspend", permission: "tenant:suspend", success: 200 },
  { route: "POST /v1/tenants/:id/activate", permission: "tenant:suspend", success: 200 },
  { route: "GET /v1/tenants/current/usage", permission: "tenant:update", success: 200 },
  { route: "GET /v1/tenants/:id/usage", permission: "tenant:update", success: 200 },
  // A tenant that somebody calls from is not deleted: purge.test.ts is about those that are.
  { route: "POST /v1/tenants/:id/restore", permission: "tenant:suspend", success: 404 },
  {
    route: "POST /v1/tenants/:id/purge",
    permission: "tenant:purge",
    success: 404,
    json: { slug: "made" },
    invalid: [{}, [], null, { slug: 1 }, { slug: null }, { slug: "a".repeat(64) }, { id: "x" }],
  },
  {
    route: "POST /v1/tenants/:id/user-pool",
    permission: "tenant:create",
    success: 200,
    platform: true,
    json: { userPool: "shared", dryRun: true },
    invalid: [{}, [], null, { userPool: "both" }, { userPool: "shared", dryRun: "yes" }],
  },
];
/** These end the session of whoever calls them from within the tenant. */
const ENDING = ["DELETE /v1/tenants/:id", "POST /v1/tenants/:id/suspend"];

const app = testApp();
let world: World;
let nextCaller: () => Promise<void>;

beforeAll(async () => {
  nextCaller = async () => {
    const owner = await registerOwner(app);
    const stranger = await registerOwner(app);
    const caller = await createMemberWith(app, owner);
    const platform = await createSuperAdmin(app);
    const powerless = await createMember(app, owner, []);
    world = {
      app,
      caller,
      platform,
      powerless,
      own: async () => owner.tenantId,
      foreign: async () => stranger.tenantId,
    };
  };
  await nextCaller();
});

test("every route of the tenants is tested here", () => {
  expect(routesOf(tenantRoutes, "/v1/tenants")).toEqual(CASES.map(({ route }) => route).sort());
});

for (const routeCase of CASES) {
  testRoutes([routeCase], () => world);
  if (ENDING.includes(routeCase.route)) {
    test(`after ${routeCase.route} the caller, a user of that tenant, is refused`, async () => {
      const { status } = await app.call("GET /v1/tenants/current", {
        token: world.caller.accessToken,
      });
      expect(status).toBe(401);
      await nextCaller();
    });
  }
}

test("R60: a right over all tenants reaches the own one alone in the hands of a tenant's user", async () => {
  await nextCaller();
  const { body } = await app.call("GET /v1/tenants?limit=100", { token: world.caller.accessToken });
  expect(body.items.map((tenant: { id: string }) => tenant.id)).toEqual([world.caller.tenantId]);
});

test("an id in capitals is the same id, and another tenant's is not", async () => {
  const { caller } = world;
  const get = (id: string) =>
    app.call(`GET /v1/tenants/${id.toUpperCase()}`, { token: caller.accessToken });
  expect((await get(caller.tenantId ?? "")).body.id).toBe(caller.tenantId);
  expect((await get(await world.foreign(""))).status).toBe(404);
  expect((await get(newId())).status).toBe(404);
});
