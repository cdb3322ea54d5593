import { expect, test } from "bun:test";
import { PERMISSIONS, SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import { testApp } from "../support/app.ts";

const app = testApp();

test("the permissions and system roles of the code are those of the database", async () => {
  const permissions = await app.deps.db.permission.findMany({ select: { key: true } });
  expect(permissions.map(({ key }) => key).sort()).toEqual(PERMISSIONS.toSorted());
  const roles = await app.deps.db.role.findMany({
    select: { id: true, name: true, tenantId: true },
  });
  expect(roles).toHaveLength(Object.keys(SYSTEM_ROLES).length);
  expect(Object.fromEntries(roles.map(({ name, id }) => [name, id]))).toEqual(SYSTEM_ROLES);
  expect(roles.every(({ tenantId }) => tenantId === null)).toBe(true);
});

test("what each system role may do: the lists, so that a change of them is seen", async () => {
  const rows = await app.deps.db.rolePermission.findMany({
    select: { permissionKey: true, role: { select: { name: true } } },
  });
  const of = (name: string) =>
    rows
      .filter(({ role }) => role.name === name)
      .map((row) => row.permissionKey)
      .sort();
  const without = (...keys: string[]) => PERMISSIONS.filter((key) => !keys.includes(key)).sort();
  const platform = [
    ...["tenant:create", "tenant:list", "tenant:suspend", "tenant:purge"],
    ...["user:impersonate", "permission:declare"],
  ];
  expect(of("super_admin")).toEqual(without());
  expect(of("owner")).toEqual(without(...platform));
  expect(of("admin")).toEqual(without(...platform, "tenant:delete"));
  expect(of("member")).toEqual(["tenant:read", "user:read"]);
  expect(of("auditor")).toEqual([
    "api_key:read",
    "audit:export",
    "audit:read",
    "invitation:read",
    "role:read",
    "service_account:read",
    "session:read",
    "tenant:read",
    "user:read",
  ]);
});
