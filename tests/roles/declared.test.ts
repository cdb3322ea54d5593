/** Permissions of applications: declared by the platform, held and given in tenants, asked for by services. */
import { beforeAll, beforeEach, expect, spyOn, test } from "bun:test";
import {
  type Account,
  createMember,
  createSuperAdmin,
  createTestApp,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { as, createRole, permissionsOf } from "./roles.ts";

const app = testApp();
let root: Account;
let owner: Account & { tenantId: string };
/** Another one for each test. */
let key: string;
beforeAll(async () => {
  root = await createSuperAdmin(app);
  owner = await registerOwner(app);
});
beforeEach(() => {
  key = `acme:${randomName()}:approve`;
});

const declare = (json: object = {}) =>
  as(app, root)("POST /v1/permissions", { key, description: "Approve invoices", ...json });
const check = async (who: { accessToken: string }, ...permissions: string[]) => {
  const { status, body } = await as(app, who)("POST /v1/auth/check", { permissions });
  return status === 200 ? body.allowed : status;
};
const auditOf = async (action: string) => {
  const rows = await app.deps.db.auditLog.findMany({ where: { action, tenantId: null } });
  return rows.filter(({ details }) => (details as { key?: string }).key === key);
};

test("who holds it first: by default super admins, and the owners and admins of every tenant", async () => {
  const [admin, member] = [
    await createMember(app, owner, ["admin"]),
    await createMember(app, owner),
  ];
  // Remembered by now: what follows has to be heard.
  for (const who of [root, owner, admin, member]) await permissionsOf(app, who);
  const { status, headers, body } = await declare();
  expect([status, headers.get("location")]).toEqual([201, `/v1/permissions/${key}`]);
  const declared = {
    key,
    description: "Approve invoices",
    application: true,
    heldFrom: "admin",
    platform: false,
  };
  expect(body).toEqual(declared);
  expect(await Promise.all([root, owner, admin, member].map((who) => check(who, key)))).toEqual([
    ...[true, true, true, false],
  ]);
  expect(await permissionsOf(app, owner)).toContain(key);
  const roles = await as(app, owner)(`GET /v1/users/${owner.id}/roles`);
  expect(roles.body.roles[0].permissions).toContain(key);
  for (const who of [root, member]) {
    expect((await as(app, who)(`GET /v1/permissions/${key}`)).body).toEqual(declared);
    expect((await as(app, who)("GET /v1/permissions")).body.items).toContainEqual(declared);
  }
});

test.each([
  ["super_admin", [true, false, false, false]],
  ["owner", [true, true, false, false]],
  ["admin", [true, true, true, false]],
  ["member", [true, true, true, true]],
] as const)("heldFrom %s: each holds what those below it hold", async (heldFrom, held) => {
  const [admin, member] = [
    await createMember(app, owner, ["admin"]),
    await createMember(app, owner),
  ];
  const everybody = [root, owner, admin, member];
  const { body } = await declare({ heldFrom });
  expect([body.heldFrom, body.platform]).toEqual([heldFrom, heldFrom === "super_admin"]);
  expect(await Promise.all(everybody.map((who) => check(who, key)))).toEqual([...held]);
  // An owner manages everybody of the tenant all the same, and an admin its members.
  const change = (who: Account, whose: Account) =>
    as(app, who)(`PATCH /v1/users/${whose.id}`, { firstName: "New" });
  expect((await change(owner, admin)).status).toBe(200);
  expect((await change(admin, member)).status).toBe(200);
  expect((await change(root, owner)).status).toBe(200);
});

test("a tenant puts it into a role, and takes it out, as far as its maker holds it", async () => {
  await declare({ heldFrom: "owner" });
  const member = await createMember(app, owner);
  const role = await createRole(app, owner, [key, "user:read"]);
  expect(role.permissions).toEqual([key, "user:read"].sort());
  const give = { roles: ["member", role.name] };
  expect((await as(app, owner)(`PUT /v1/users/${member.id}/roles`, give)).status).toBe(200);
  expect(await check(member, key, "user:read")).toBe(true);

  const admin = await createMember(app, owner, ["admin"]);
  const refused = await as(app, admin)("POST /v1/roles", { name: "mine", permissions: [key] });
  expect([refused.status, refused.body.detail]).toEqual([
    403,
    `You cannot give what you do not hold: ${key}.`,
  ]);
  const patch = await as(app, admin)(`PATCH /v1/roles/${role.id}`, { permissions: [] });
  expect(patch.status).toBe(403);
  await as(app, owner)(`PATCH /v1/roles/${role.id}`, { permissions: ["user:read"] });
  expect(await check(member, key)).toBe(false);
  await as(app, owner)(`PATCH /v1/roles/${role.id}`, { permissions: ["user:read", key] });
  expect(await check(member, key)).toBe(true);
});

test("the platform's alone is in no role of a tenant, and a super admin cannot put it there", async () => {
  await declare({ heldFrom: "super_admin" });
  const role = await createRole(app, owner, ["user:read"]);
  const input = { name: randomName(), permissions: [key], tenantId: owner.tenantId };
  const answers = [
    await as(app, root)("POST /v1/roles", input),
    await as(app, root)(`PATCH /v1/roles/${role.id}`, { permissions: [key] }),
    await as(app, owner)(`PATCH /v1/roles/${role.id}`, { permissions: [key] }),
  ];
  for (const { status, body } of answers)
    expect([status, body.errors]).toEqual([
      422,
      [{ path: "permissions", message: `This is for platform accounts alone: ${key}` }],
    ]);
});

test("an API key has it as a scope, within what its user holds", async () => {
  await declare({ heldFrom: "owner" });
  const made = await as(app, owner)("POST /v1/api-keys", { name: "x", scopes: [key] });
  expect(made.status).toBe(201);
  const machine = { accessToken: made.body.key };
  expect(await check(machine, key)).toBe(true);
  expect(await check(machine, key, "user:read")).toBe(false);
  const admin = await createMember(app, owner, ["admin"]);
  expect((await as(app, admin)("POST /v1/api-keys", { name: "x", scopes: [key] })).status).toBe(
    403,
  );
  await as(app, root)(`PATCH /v1/permissions/${key}`, { heldFrom: "super_admin" });
  expect(await check(machine, key)).toBe(false);
});

test("it is described anew, and given to other system roles", async () => {
  await declare();
  const admin = await createMember(app, owner, ["admin"]);
  const change = (json: object) => as(app, root)(`PATCH /v1/permissions/${key}`, json);
  expect((await change({ description: "Sign invoices" })).body).toMatchObject({
    description: "Sign invoices",
    heldFrom: "admin",
  });
  expect(await check(admin, key)).toBe(true);
  expect((await change({ heldFrom: "owner" })).body).toMatchObject({
    description: "Sign invoices",
    heldFrom: "owner",
  });
  expect([await check(admin, key), await check(owner, key)]).toEqual([false, true]);
  expect((await change({})).status).toBe(422);
  expect((await change({ key: "acme:x:y" })).status).toBe(422);
  // Nothing differs, and nothing is recorded.
  await change({ heldFrom: "owner" });
  expect((await auditOf("permission.changed")).map(({ details }) => details)).toEqual([
    {
      key,
      changes: { description: { before: "Approve invoices", after: "Sign invoices" } },
    },
    { key, changes: { heldFrom: { before: "admin", after: "owner" } } },
  ]);
});

test("it goes when no role of a tenant and no live key has it, and with it what is remembered", async () => {
  await declare();
  const role = await createRole(app, owner, [key]);
  const remove = () => as(app, root)(`DELETE /v1/permissions/${key}`);
  const inUse = await remove();
  expect([inUse.status, inUse.body.code]).toEqual([409, "permission_in_use"]);
  for (const named of [role.name, role.id, owner.tenantId])
    expect(inUse.body.detail).toContain(named);
  const narrowed = await as(app, root)(`PATCH /v1/permissions/${key}`, { heldFrom: "super_admin" });
  expect([narrowed.status, narrowed.body.code]).toEqual([409, "permission_in_use"]);

  await as(app, owner)(`DELETE /v1/roles/${role.id}`);
  const { body } = await as(app, owner)("POST /v1/api-keys", { name: "x", scopes: [key] });
  const alsoInUse = await remove();
  expect([alsoInUse.status, alsoInUse.body.detail]).toEqual([
    409,
    `It is a scope of API keys: ${body.id}. Revoke them first.`,
  ]);
  await as(app, owner)(`DELETE /v1/api-keys/${body.id}`);
  expect(await check(owner, key)).toBe(true);
  expect((await remove()).status).toBe(204);
  expect((await remove()).status).toBe(404);
  expect(await check(owner, key)).toBe(422);
  expect(await permissionsOf(app, owner)).not.toContain(key);
  const [row] = await auditOf("permission.removed");
  expect(row).toMatchObject({ actorId: root.id, resourceType: "permission", tenantId: null });
});

test("of one that is removed while a role is made with it one is refused, and none is half there", async () => {
  for (let n = 0; n < 8; n++) {
    key = `acme:${randomName()}:approve`;
    await declare();
    const input = { name: randomName(), permissions: [key] };
    const [made, removed] = await Promise.all([
      as(app, owner)("POST /v1/roles", input),
      as(app, root)(`DELETE /v1/permissions/${key}`),
    ]);
    expect([
      [201, 409],
      [422, 204],
      // It went while the body came: sessions/still-allowed.ts.
      [403, 204],
    ]).toContainEqual([made.status, removed.status]);
    const left = await app.deps.db.rolePermission.count({
      where: { permissionKey: key, tenantId: owner.tenantId },
    });
    expect(left).toBe(made.status === 201 ? 1 : 0);
  }
});

test("who declares: nobody of a tenant, not even with the permission; and it is audited", async () => {
  expect((await as(app, owner)("POST /v1/permissions", { key, description: "x" })).status).toBe(
    403,
  );
  expect((await declare()).status).toBe(201);
  expect((await declare()).body.code).toBe("permission_exists");
  const [row, ...others] = await auditOf("permission.declared");
  expect(others).toEqual([]);
  expect(row).toMatchObject({
    actorId: root.id,
    details: { key, description: "Approve invoices", heldFrom: "admin" },
  });
  const scopes = ["permission:declare"];
  const made = await as(app, root)("POST /v1/api-keys", { name: "deploy", scopes });
  const deploy = as(app, { accessToken: made.body.key });
  const other = await as(app, root)("POST /v1/api-keys", { name: "x", scopes: ["user:read"] });
  const without = as(app, { accessToken: other.body.key });
  const json = { key: `${key}_too`, description: "x" };
  expect((await without("POST /v1/permissions", json)).status).toBe(403);
  expect((await without(`PATCH /v1/permissions/${key}`, { heldFrom: "owner" })).status).toBe(403);
  expect((await without(`DELETE /v1/permissions/${key}`)).status).toBe(403);
  expect((await deploy("POST /v1/permissions", json)).status).toBe(201);
  expect((await deploy(`DELETE /v1/permissions/${key}`)).status).toBe(204);
});

test("R44: another instance knows within a second, and a check asks no database", async () => {
  const other = await createTestApp(
    { SECRET_KEY: app.deps.config.secretKey.toString("base64") },
    app.database,
  );
  // Both run on one database, which the first one drops.
  const token = owner.accessToken;
  const ask = async () =>
    (await other.call("POST /v1/auth/check", { token, json: { permissions: [key] } })).status;
  const within = async (status: number) => {
    const end = Date.now() + 1000;
    while ((await ask()) !== status && Date.now() < end) await Bun.sleep(10);
    expect(await ask()).toBe(status);
  };
  try {
    expect(await ask()).toBe(422);
    await declare();
    await within(200);
    const queries = spyOn(other.deps.pool, "query");
    for (let n = 0; n < 20; n++) await ask();
    expect(queries.mock.calls).toEqual([]);
    queries.mockRestore();
    await as(app, root)(`DELETE /v1/permissions/${key}`);
    await within(422);
  } finally {
    other.database.drop = async () => {};
    await other.close();
  }
});

test("users who hold the same share one set in memory", async () => {
  const [one, two] = [await registerOwner(app), await registerOwner(app)];
  const { grants } = app.deps;
  const sets = await Promise.all(
    [one, two].map(async ({ id }) => (await grants.of(id)).permissions),
  );
  expect(sets[0]).toBe(sets[1] as Set<string>);
});
