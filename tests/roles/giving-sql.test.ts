/** What is read in one statement to give roles is what Prisma reads in four. */
import { beforeAll, expect, test } from "bun:test";
import { commit } from "../../src/db/commit.ts";
import { inTenant } from "../../src/db/scope.ts";
import { readGiving } from "../../src/roles/giving-sql.ts";
import { heldBy } from "../../src/roles/held.ts";
import { settingsOf } from "../../src/tenant-settings/settings.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { createRole } from "./roles.ts";

const app = testApp();
let owners: Account[];
let callers: { userId: string; tenantId: string | null }[];
beforeAll(async () => {
  const root = await createSuperAdmin(app);
  owners = [await registerOwner(app), await registerOwner(app), await registerOwner(app)];
  callers = [{ userId: root.id, tenantId: null }];
  for (const owner of owners) {
    for (const name of ["reader", "writer"])
      await createRole(app, owner, ["user:read", "user:create"], name);
    const member = await createMember(app, owner, ["reader", "writer"]);
    for (const { id } of [owner, member])
      callers.push({ userId: id, tenantId: owner.tenantId ?? null });
  }
  const settings = [
    { defaultRole: "writer" },
    { defaultRole: "gone", custom: { a: 1 } },
    { defaultRole: 7 },
  ];
  for (const [n, owner] of owners.entries())
    await app.deps.db.tenant.update({
      where: { id: owner.tenantId ?? "" },
      data: { settings: settings[n] ?? {} },
    });
});

const NAMES = [["reader"], ["writer", "admin", "nobody"], [], ["super_admin", "owner"], undefined];

test("settings, roles and what is held, for every caller, tenant and wish", async () => {
  let compared = 0;
  for (const { userId, tenantId: own } of callers) {
    const targets = own === null ? [null, ...owners.map(({ tenantId }) => tenantId ?? "")] : [own];
    for (const tenantId of targets)
      for (const names of NAMES)
        await inTenant(own, () =>
          commit(app.served, async (tx) => {
            const ctx = { principal: { userId, tenantId: own } } as Parameters<
              typeof readGiving
            >[1];
            const { settings, roles, held } = await readGiving(tx, ctx, tenantId, names);
            expect(settings).toEqual(await settingsOf(tx, tenantId));
            expect(new Set(held)).toEqual(new Set(await heldBy(tx, { userId, tenantId: own })));
            const wanted = names ?? ["member", settings.defaultRole ?? "member"];
            const found = await tx.role.findMany({
              where: { name: { in: wanted }, OR: [{ tenantId: null }, { tenantId }] },
              select: { id: true, name: true, permissions: { select: { permissionKey: true } } },
              orderBy: { id: "asc" },
            });
            const expected = found.map(({ permissions, ...role }) => ({
              ...role,
              permissions: permissions.map(({ permissionKey }) => permissionKey).sort(),
            }));
            expect(
              roles.map((role) => ({ ...role, permissions: role.permissions.toSorted() })),
            ).toEqual(expected);
            if (held.length > 0) compared += roles.length;
          }),
        );
  }
  expect(compared).toBeGreaterThan(20);
});
