/** R62: nobody gives what they do not hold, neither to others nor to themselves, by whatever way. */
import { beforeAll, describe, expect, test } from "bun:test";
import { PLATFORM_PERMISSIONS } from "../../src/roles/permissions.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  randomName,
  registerOwner,
  type TestApp,
  testApp,
} from "../support/app.ts";
import { as, createRole, permissionsOf, type Role } from "./roles.ts";

/** Everything about roles, and of the rest next to nothing. */
const CLERK = [
  "role:create",
  "role:read",
  "role:update",
  "role:delete",
  "role:assign",
  "user:read",
];

const app = testApp();
let owner: Account & { tenantId: string };
let clerk: Account;
let above: Role;
let within: Role;
beforeAll(async () => {
  owner = await registerOwner(app);
  await createRole(app, owner, CLERK, "clerk");
  above = await createRole(app, owner, ["user:read", "tenant:delete"], "above");
  within = await createRole(app, owner, ["user:read"], "within");
  clerk = await createMember(app, owner, ["clerk"]);
});

describe("R62: a caller without the permission is refused, and nothing changes", () => {
  const ways: Record<string, (call: ReturnType<typeof as>) => ReturnType<TestApp["call"]>> = {
    "a new role with it": (call) =>
      call("POST /v1/roles", { name: randomName(), permissions: ["user:read", "tenant:delete"] }),
    "their own role, with it": async (call) => {
      const { body } = await call("GET /v1/roles?limit=100");
      const { id } = body.items.find((role: Role) => role.name === "clerk");
      return call(`PATCH /v1/roles/${id}`, { permissions: [...CLERK, "tenant:delete"] });
    },
    "a role of others, with it": (call) =>
      call(`PATCH /v1/roles/${within.id}`, { permissions: ["user:read", "tenant:delete"] }),
    "a role that may do more, made smaller": (call) =>
      call(`PATCH /v1/roles/${above.id}`, { permissions: ["user:read"] }),
    "a role that may do more, renamed": (call) =>
      call(`PATCH /v1/roles/${above.id}`, { name: "mine" }),
    "a role that may do more, deleted": (call) => call(`DELETE /v1/roles/${above.id}`),
    "a role that may do more, given to themselves": (call) =>
      call(`PUT /v1/users/${clerk.id}/roles`, { roles: ["clerk", "above"] }),
    "owner, given to themselves": (call) =>
      call(`PUT /v1/users/${clerk.id}/roles`, { roles: ["owner"] }),
    "the owner, made less": (call) => call(`PUT /v1/users/${owner.id}/roles`, { roles: [] }),
  };
  for (const [name, way] of Object.entries(ways)) {
    test(name, async () => {
      const before = await app.deps.db.rolePermission.count();
      const { status, body } = await way(as(app, clerk));
      expect([status, body.code]).toEqual([403, "permission_denied"]);
      expect(await app.deps.db.rolePermission.count()).toBe(before);
      expect(await permissionsOf(app, clerk)).toEqual(CLERK.toSorted());
    });
  }
});

test("R62: the refusal names what is missing", async () => {
  const json = { name: "x", permissions: ["user:read", "tenant:delete", "audit:read"] };
  const { body } = await as(app, clerk)("POST /v1/roles", json);
  expect(body.detail).toBe("You cannot give what you do not hold: tenant:delete, audit:read.");
});

test("R62: within what they hold they make, change, give and delete roles", async () => {
  const call = as(app, clerk);
  const role = await createRole(app, clerk, ["user:read"]);
  expect((await call(`PATCH /v1/roles/${role.id}`, { permissions: ["role:read"] })).status).toBe(
    200,
  );
  const member = await createMember(app, owner, []);
  const given = await call(`PUT /v1/users/${member.id}/roles`, { roles: [role.name] });
  expect(given.body.roles[0].permissions).toEqual(["role:read"]);
  expect((await call(`PUT /v1/users/${member.id}/roles`, { roles: [] })).status).toBe(200);
  expect((await call(`DELETE /v1/roles/${role.id}`)).status).toBe(204);
});

test("R62: what runs the platform is in no role of a tenant, whoever makes it", async () => {
  const root = await createSuperAdmin(app);
  for (const permission of PLATFORM_PERMISSIONS) {
    const json = { name: "x", permissions: [permission] };
    const made = await as(app, root)("POST /v1/roles", { ...json, tenantId: owner.tenantId });
    expect([made.status, made.body.code]).toEqual([422, "validation_failed"]);
    const changed = await as(app, root)(`PATCH /v1/roles/${within.id}`, {
      permissions: [permission],
    });
    expect([changed.status, changed.body.code]).toEqual([422, "validation_failed"]);
  }
});

test("a platform account names the tenant that a role is for; a tenant's user names no other", async () => {
  const root = await createSuperAdmin(app);
  const json = { name: "made_by_root", permissions: ["user:read"] };
  expect((await as(app, root)("POST /v1/roles", json)).body.errors[0].path).toBe("tenantId");
  const { tenantId } = owner;
  expect(await as(app, root)("POST /v1/roles", { ...json, tenantId })).toMatchObject({
    status: 201,
    body: { tenantId },
  });
  const stranger = await registerOwner(app);
  const foreign = await as(app, stranger)("POST /v1/roles", { ...json, tenantId });
  expect([foreign.status, foreign.body.code]).toEqual([403, "permission_denied"]);
});

test("R62: an API key makes roles within its scopes, though its user may do more", async () => {
  const call = as(app, owner);
  const key = await call("POST /v1/api-keys", { name: "x", scopes: ["role:create", "user:read"] });
  const machine = as(app, { accessToken: key.body.key });
  const make = (permissions: string[]) =>
    machine("POST /v1/roles", { name: randomName(), permissions });
  expect((await make(["user:read"])).status).toBe(201);
  expect((await make(["user:read", "user:delete"])).body.code).toBe("permission_denied");
});

test("R62: the last owner keeps the role, also beside a role that may do the same", async () => {
  const tenant = await registerOwner(app);
  const all = (await as(app, tenant)("GET /v1/auth/me")).body.permissions;
  const twin = await createRole(app, tenant, all);
  const { body } = await as(app, tenant)(`PUT /v1/users/${tenant.id}/roles`, {
    roles: [twin.name],
  });
  expect(body.code).toBe("last_owner");
});
