/** Service accounts: users to the database, machines to everybody else. */
import { beforeAll, expect, test } from "bun:test";
import { newId } from "../../src/db/id.ts";
import { serviceAccountRoutes } from "../../src/service-accounts/routes.ts";
import { createKey, createService, use } from "../api-keys/keys.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  createTestApp,
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

const app = testApp();
let owner: Account & { tenantId: string; slug: string };
let stranger: Account & { tenantId: string };
let world: World;
beforeAll(async () => {
  owner = await registerOwner(app);
  stranger = await registerOwner(app);
  world = {
    app,
    caller: await createMemberWith(app, owner),
    powerless: await createMember(app, owner, []),
    own: async () => (await createService(app, owner)).id,
    foreign: async () => (await createService(app, stranger)).id,
  };
});

const NAMES = ["", "  ", "x".repeat(121), "a\u0007b", 1, null, []];
const FORGED = ["kind", "email", "passwordHash", "createdBy", "isDeleted", "id", "version"];
const CASES: RouteCase[] = [
  {
    route: "GET /v1/service-accounts",
    permission: "service_account:read",
    success: 200,
    invalid: ["?limit=0", "?limit=x", "?cursor=x", "?tenantId=x", "?unknown=1"],
  },
  {
    route: "POST /v1/service-accounts",
    permission: "service_account:create",
    success: 201,
    json: { name: "Deployment" },
    invalid: [
      ...[{}, [], null, "text"],
      ...NAMES.map((name) => ({ name })),
      ...["member", ["nobody"], ["super_admin"], [1]].map((roles) => ({ name: "A", roles })),
      ...[...FORGED, "status"].map((field) => ({ name: "A", [field]: "x" })),
      { name: "A", tenantId: "x" },
    ],
  },
  { route: "GET /v1/service-accounts/:id", permission: "service_account:read", success: 200 },
  {
    route: "PATCH /v1/service-accounts/:id",
    permission: "service_account:update",
    success: 200,
    json: { name: "Renamed" },
    invalid: [
      ...[{}, null, { status: "deleted" }, { roles: ["nobody"] }],
      ...NAMES.map((name) => ({ name })),
      ...[...FORGED, "tenantId"].map((field) => ({ [field]: "x" })),
    ],
  },
  { route: "DELETE /v1/service-accounts/:id", permission: "service_account:delete", success: 204 },
];
testRoutes(CASES, () => world);

test("every route of service accounts is among the cases", () => {
  expect(routesOf(serviceAccountRoutes, "/v1/service-accounts")).toEqual(
    CASES.map(({ route }) => route).sort(),
  );
});

const DENIED = { status: 403, body: { code: "permission_denied" } };
const NOT_FOUND = { status: 404, body: { code: "not_found" } };

test("a service account is made, read, listed, changed and deleted", async () => {
  const tenant = await registerOwner(app);
  const made = await app.as(tenant, "POST /v1/service-accounts", { name: "Backup" });
  const path = `/v1/service-accounts/${made.body.id}`;
  expect(made.body).toEqual({
    id: made.body.id,
    tenantId: tenant.tenantId,
    name: "Backup",
    status: "active",
    roles: [],
    createdAt: made.body.createdAt,
    updatedAt: made.body.updatedAt,
    version: 1,
  });
  expect(made.headers.get("location")).toBe(path);
  const change = { name: "Nightly", status: "disabled", roles: ["auditor"] };
  expect((await app.as(tenant, `PATCH ${path}`, change)).body).toMatchObject({
    ...change,
    version: 2,
  });
  expect((await app.as(tenant, `GET ${path}`)).body).toMatchObject({ ...change, version: 2 });
  const second = await createService(app, tenant);
  const page = await app.as(tenant, "GET /v1/service-accounts?limit=1");
  expect(page.body.items).toMatchObject([{ id: second.id }]);
  const next = await app.as(
    tenant,
    `GET /v1/service-accounts?limit=1&cursor=${page.body.nextCursor}`,
  );
  expect(next.body).toMatchObject({ items: [{ id: made.body.id }], nextCursor: null });
  expect((await app.as(tenant, `DELETE ${path}`)).status).toBe(204);
  for (const route of [`GET ${path}`, `DELETE ${path}`])
    expect(await app.as(tenant, route)).toMatchObject(NOT_FOUND);
  expect((await app.as(tenant, "GET /v1/service-accounts")).body.items).toHaveLength(1);
});

test("the routes of users know no service account, and those of service accounts no person", async () => {
  const { id } = await createService(app, owner);
  const { key } = await createKey(app, owner, { userId: id });
  const gone = await createService(app, owner);
  await app.as(owner, `DELETE /v1/service-accounts/${gone.id}`);
  for (const [route, json] of [
    [`GET /v1/users/${id}`],
    [`PATCH /v1/users/${id}`, { email: "machine@x.example" }],
    [`DELETE /v1/users/${id}`],
    [`GET /v1/users/${id}/profile`],
    [`PATCH /v1/users/${id}/profile`, { language: "de" }],
    [`POST /v1/users/${gone.id}/restore`],
    [`GET /v1/service-accounts/${owner.id}`],
    [`PATCH /v1/service-accounts/${owner.id}`, { name: "A" }],
    [`DELETE /v1/service-accounts/${owner.id}`],
  ] as const)
    expect([route, (await app.as(owner, route, json)).status]).toEqual([route, 404]);
  for (const query of [
    "",
    "?page=1",
    "?search=deployment",
    "?search=service.invalid",
    "?deleted=true",
    "?role=member",
  ]) {
    for (const who of [owner, await createSuperAdmin(app)]) {
      const { items } = (await app.as(who, `GET /v1/users${query}`)).body;
      expect(items.filter((user: Account) => user.email.endsWith(".invalid"))).toEqual([]);
    }
  }
  expect(await use(app, key)).toBe(200);
});

test("a platform account makes them in any tenant and on the platform; others in their own alone", async () => {
  const root = await createSuperAdmin(app);
  const theirs = await createService(app, root, { tenantId: stranger.tenantId });
  expect(theirs.tenantId).toBe(stranger.tenantId);
  const platform = await createService(app, root, { roles: ["super_admin"] });
  expect(platform.tenantId).toBeNull();
  const { key: token } = await createKey(app, root, {
    userId: platform.id,
    scopes: ["tenant:list"],
    expiresInDays: null,
  });
  expect((await app.call("GET /v1/tenants", { token })).status).toBe(200);
  const list = `GET /v1/service-accounts?tenantId=${stranger.tenantId}`;
  const listed = (await app.as(root, list)).body.items;
  expect(listed.map(({ id }: { id: string }) => id)).toContain(theirs.id);
  expect((await app.as(owner, list)).body.items).toEqual([]);
  const json = { name: "A", tenantId: stranger.tenantId };
  expect(await app.as(owner, "POST /v1/service-accounts", json)).toMatchObject(DENIED);
  const absent = { name: "A", tenantId: newId() };
  expect(await app.as(root, "POST /v1/service-accounts", absent)).toMatchObject(NOT_FOUND);
});

test("with addresses per tenant it is the same", async () => {
  const perTenant = await createTestApp({ EMAIL_SCOPE: "tenant" });
  try {
    const { id: userId } = await createService(perTenant, await registerOwner(perTenant));
    const row = await perTenant.deps.db.user.findUniqueOrThrow({ where: { id: userId } });
    expect([row.kind, row.accountId]).toEqual(["service", null]);
  } finally {
    await perTenant.close();
  }
});
