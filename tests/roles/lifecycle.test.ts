/** Roles that a tenant makes for itself: who sees them, what they change, and what keeps them. */
import { beforeAll, expect, test } from "bun:test";
import { newId } from "../../src/db/id.ts";
import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  createTestApp,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { as, createRole, permissionsOf, type Role } from "./roles.ts";

const app = testApp();
let owner: Account & { tenantId: string };
let root: Account;
beforeAll(async () => {
  [owner, root] = await Promise.all([registerOwner(app), createSuperAdmin(app)]);
});

test("the list holds the system roles and the tenant's own, page by page, with their holders", async () => {
  const tenant = await registerOwner(app);
  const made = await createRole(app, tenant, ["user:read"], "clerk");
  await createRole(app, owner, ["user:read"], "not_theirs");
  await createMember(app, tenant, ["clerk"]);
  const items: Role[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const query = `limit=2${cursor && `&cursor=${cursor}`}`;
    const { body } = await as(app, tenant)(`GET /v1/roles?${query}`);
    items.push(...body.items);
    cursor = body.nextCursor;
  }
  expect(items.map(({ name, holders }) => [name, holders])).toEqual([
    ["admin", 0],
    ["auditor", 0],
    ["clerk", 1],
    ["member", 0],
    ["owner", 1],
    ["super_admin", 0],
  ]);
  expect(items.find(({ name }) => name === "clerk")).toEqual({ ...made, holders: 1 });
  const all = (await as(app, root)(`GET /v1/roles?tenantId=${tenant.tenantId}`)).body.items;
  expect(all.map((role: Role) => [role.name, role.holders])).toEqual(
    items.map(({ name, holders }) => [name, holders]),
  );
});

test("R59: another tenant's role is as unknown as an absent one, wherever a role is named", async () => {
  const stranger = await registerOwner(app);
  const foreign = await createRole(app, stranger, ["user:read"], "foreign_role");
  const call = as(app, owner);
  const { id } = await createMember(app, owner);
  const answers = await Promise.all(
    [foreign.name, "absent_role"].flatMap((name) => [
      call("POST /v1/users", { email: `${name}@x.example`, roles: [name] }),
      call(`PATCH /v1/users/${id}`, { roles: [name] }),
      call(`PUT /v1/users/${id}/roles`, { roles: [name] }),
      call("POST /v1/service-accounts", { name: "x", roles: [name] }),
    ]),
  );
  for (const { status, body } of answers) {
    expect([status, body.code]).toEqual([422, "validation_failed"]);
    expect(body.errors[0].message).toMatch(/^There is no role "\w+" to give here$/);
  }
  const named = (await call(`GET /v1/roles?tenantId=${stranger.tenantId}`)).body.items;
  expect(named.map((role: Role) => role.name)).not.toContain(foreign.name);
});

test("a role is given by its name to people and machines, and says what they may do at once", async () => {
  const call = as(app, owner);
  const role = await createRole(app, owner, ["session:read"], "watcher");
  const member = await createMember(app, owner, []);
  expect(await permissionsOf(app, member)).toEqual([]);
  expect(
    (await call(`PUT /v1/users/${member.id}/roles`, { roles: ["watcher", "member"] })).status,
  ).toBe(200);
  expect(await permissionsOf(app, member)).toEqual(["session:read", "tenant:read", "user:read"]);
  const got = await call(`GET /v1/users/${member.id}/roles`);
  expect(got.body.roles.map((one: Role) => one.name)).toEqual(["member", "watcher"]);
  const machine = await call("POST /v1/service-accounts", { name: "x", roles: ["watcher"] });
  expect([machine.status, machine.body.roles]).toEqual([201, ["watcher"]]);

  const changed = { name: "reader", permissions: ["audit:read"], description: "Reads" };
  const answer = await call(`PATCH /v1/roles/${role.id}`, changed);
  expect(answer.body).toMatchObject({ ...changed, holders: 2 });
  const me = await as(app, member)("GET /v1/auth/me");
  expect(me.body.roles).toEqual(["member", "reader"]);
  expect(me.body.permissions).toEqual(["audit:read", "tenant:read", "user:read"]);
  expect((await as(app, member)("GET /v1/audit-logs")).status).toBe(200);
  await call(`PATCH /v1/roles/${role.id}`, { permissions: [] });
  expect((await as(app, member)("GET /v1/audit-logs")).status).toBe(403);
});

test("R44: a renamed role and other permissions are known to the other instances at once", async () => {
  const second = await createTestApp({
    DATABASE_URL: app.database.url,
    SECRET_KEY: app.deps.config.secretKey.toString("base64"),
  });
  const role = await createRole(app, owner, ["user:read"]);
  const member = await createMember(app, owner, [role.name]);
  expect(await permissionsOf(second, member)).toEqual(["user:read"]);
  await as(app, owner)(`PATCH /v1/roles/${role.id}`, { name: "told_everywhere" });
  await eventually(async () => {
    const { body } = await as(second, member)("GET /v1/auth/me");
    return body.roles[0] === "told_everywhere";
  });
  await as(app, owner)(`PATCH /v1/roles/${role.id}`, { permissions: ["role:read"] });
  await eventually(async () => (await permissionsOf(second, member))[0] === "role:read");
  await second.close();
});

test("names: one role each, and never that of a system role", async () => {
  const call = as(app, owner);
  const { id } = await createRole(app, owner, [], "unique_name");
  const other = await createRole(app, owner, [], "other_name");
  for (const name of [...Object.keys(SYSTEM_ROLES), "unique_name"]) {
    const taken = { status: 409, body: { code: "role_name_taken" } };
    expect(await call("POST /v1/roles", { name, permissions: [] })).toMatchObject(taken);
    expect(await call(`PATCH /v1/roles/${other.id}`, { name })).toMatchObject(taken);
  }
  expect((await call(`PATCH /v1/roles/${id}`, { name: "unique_name" })).status).toBe(200);
  expect((await createRole(app, await registerOwner(app), [], "unique_name")).name).toBe(
    "unique_name",
  );
});

test("system roles stay as they are, also for a super admin", async () => {
  for (const who of [owner, root]) {
    for (const id of Object.values(SYSTEM_ROLES)) {
      const call = as(app, who);
      const answers = [
        await call(`PATCH /v1/roles/${id}`, { permissions: [] }),
        await call(`PATCH /v1/roles/${id}`, { description: "x" }),
        await call(`DELETE /v1/roles/${id}`),
      ];
      for (const { status, body } of answers)
        expect([status, body.code, body.detail]).toEqual([
          403,
          "permission_denied",
          expect.stringContaining("system role"),
        ]);
    }
  }
});

test("a role that somebody holds, or an open invitation promises, is not deleted", async () => {
  const call = as(app, owner);
  const role = await createRole(app, owner, ["user:read"]);
  const inUse = { status: 409, body: { code: "role_in_use" } };
  const member = await createMember(app, owner, [role.name]);
  expect(await call(`DELETE /v1/roles/${role.id}`)).toMatchObject(inUse);
  await call(`PUT /v1/users/${member.id}/roles`, { roles: [] });
  const invitation = await app.deps.db.invitation.create({
    data: {
      id: newId(),
      tenantId: owner.tenantId,
      email: "ada@x.example",
      roleIds: [role.id],
      tokenHash: crypto.getRandomValues(new Uint8Array(32)),
      expiresAt: new Date(Date.now() + 60_000),
    },
  });
  expect(await call(`DELETE /v1/roles/${role.id}`)).toMatchObject(inUse);
  await app.deps.db.invitation.update({
    where: { id: invitation.id },
    data: { revokedAt: new Date() },
  });
  expect((await call(`DELETE /v1/roles/${role.id}`)).status).toBe(204);
  expect((await call(`GET /v1/roles/${role.id}`)).status).toBe(404);
});

test("a deleted user keeps no role from being deleted, and comes back without it", async () => {
  const call = as(app, owner);
  const role = await createRole(app, owner, ["user:read"]);
  const member = await createMember(app, owner, [role.name, "auditor"]);
  await call(`DELETE /v1/users/${member.id}`);
  expect((await call(`DELETE /v1/roles/${role.id}`)).status).toBe(204);
  expect((await call(`POST /v1/users/${member.id}/restore`)).body.roles).toEqual(["auditor"]);
});

test("a tenant has 100 roles at most, however many are made at once", async () => {
  const tenant = await registerOwner(app);
  await app.deps.db.role.createMany({
    data: Array.from({ length: 90 }, (_, n) => ({
      id: newId(),
      tenantId: tenant.tenantId,
      name: `role_${n}`,
    })),
  });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      as(app, tenant)("POST /v1/roles", { name: `late_${n}`, permissions: [] }),
    ),
  );
  const refused = answers.filter(({ body }) => body.code === "too_many_roles");
  expect([refused.length, refused[0]?.status]).toEqual([10, 409]);
  expect(await app.deps.db.role.count({ where: { tenantId: tenant.tenantId } })).toBe(100);
});

test("R63: each change has its row, with the permissions that came and went", async () => {
  const tenant = await registerOwner(app);
  const call = as(app, tenant);
  const role = await createRole(app, tenant, ["user:read", "role:read"], "audited");
  await call(`PATCH /v1/roles/${role.id}`, { permissions: ["role:read", "audit:read"] });
  const member = await createMember(app, tenant, ["member"]);
  await call(`PUT /v1/users/${member.id}/roles`, { roles: ["audited"] });
  await call(`PUT /v1/users/${member.id}/roles`, { roles: [] });
  await call(`DELETE /v1/roles/${role.id}`);
  const rows = await app.deps.db.auditLog.findMany({
    where: { tenantId: tenant.tenantId, actorId: tenant.id, action: { contains: "role" } },
    orderBy: { id: "asc" },
  });
  expect(rows.map(({ action, details }) => [action, details])).toEqual([
    ["role.created", { name: "audited", permissions: ["user:read", "role:read"] }],
    [
      "role.updated",
      { name: "audited", fields: ["permissions"], added: ["audit:read"], removed: ["user:read"] },
    ],
    ["user.roles_assigned", { added: ["audited"], removed: ["member"] }],
    ["user.roles_assigned", { added: [], removed: ["audited"] }],
    ["role.deleted", { name: "audited", permissions: ["audit:read", "role:read"] }],
  ]);
});

async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 2000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error("it did not come to hold within two seconds");
    await Bun.sleep(5);
  }
}
