/** R62: what counts is what a caller holds when it is written: not what they held when their request came in. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Transaction } from "../../src/db/client.ts";
import { commit } from "../../src/db/commit.ts";
import { LOCKS } from "../../src/db/lock-names.ts";
import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  createTestApp,
  randomName,
  registerOwner,
  type TestApp,
} from "../support/app.ts";
import { as, createRole, permissionsOf } from "./roles.ts";

const GIVER = [
  ...["role:create", "role:read", "role:update", "role:assign", "user:read", "user:create"],
  ...["user:update", "service_account:create", "service_account:update"],
];

let app: TestApp;
let owner: Account & { tenantId: string };
beforeAll(async () => {
  // All seven wait at once, and a tenant has half of the connections.
  app = await createTestApp({ DATABASE_POOL_SIZE: "16" });
  owner = await registerOwner(app);
});
afterAll(() => app.close());

/** Every way to give `tenant:delete` to somebody. */
async function ways(who: Account, role: string) {
  const call = as(app, who);
  const { body: made } = await as(app, owner)("POST /v1/users", {
    email: `${randomName()}@x.example`,
    roles: [],
  });
  const { body: machine } = await as(app, owner)("POST /v1/service-accounts", { name: "x" });
  const small = await createRole(app, owner, ["user:read"]);
  const { tenantId } = owner;
  const target = who.tenantId === null ? { tenantId } : {};
  const permissions = ["tenant:delete"];
  return [
    () => call("POST /v1/roles", { name: randomName(), permissions, ...target }),
    () => call(`PATCH /v1/roles/${small.id}`, { permissions }),
    () => call(`PUT /v1/users/${made.id}/roles`, { roles: [role] }),
    () => call(`PATCH /v1/users/${made.id}`, { roles: [role] }),
    () => call("POST /v1/users", { email: `${randomName()}@x.example`, roles: [role], ...target }),
    () => call("POST /v1/service-accounts", { name: "x", roles: [role], ...target }),
    () => call(`PATCH /v1/service-accounts/${machine.id}`, { roles: [role] }),
  ];
}

/** Begins each way, and takes the permission away while all of them wait. Answers their statuses. */
async function takeMeanwhile(
  begun: Awaited<ReturnType<typeof ways>>,
  take: (tx: Transaction) => Promise<unknown>,
): Promise<number[]> {
  const answers = await commit(app.deps, async (tx) => {
    await take(tx);
    const answers = begun.map((way) => way());
    // Outside of the transaction, which would see the same activity again and again.
    for (let waiting = 0; waiting < begun.length; await Bun.sleep(5)) {
      const { rows } = await app.deps.pool.query<{ waiting: number }>(`
        SELECT count(*)::int AS waiting FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`);
      waiting = rows[0]?.waiting ?? 0;
    }
    return answers;
  });
  return Promise.all(answers.map(async (answer) => (await answer).status));
}

test("R62: by all seven ways, a permission that is taken from the giver's role while they wait is not given", async () => {
  const power = await createRole(app, owner, [...GIVER, "tenant:delete"], "power");
  const copy = await createRole(app, owner, ["tenant:delete"], "copy");
  const giver = await createMember(app, owner, ["power"]);
  expect(await permissionsOf(app, giver)).toContain("tenant:delete");
  const before = await holders("tenant:delete");
  const statuses = await takeMeanwhile(await ways(giver, copy.name), async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LOCKS.grants}::int, hashtext(${owner.tenantId}))`;
    await tx.rolePermission.delete({
      where: { roleId_permissionKey: { roleId: power.id, permissionKey: "tenant:delete" } },
    });
  });
  expect(statuses).toEqual(Array(7).fill(403));
  // The role's permission and its holder's: nobody else has got it.
  expect(await holders("tenant:delete")).toBe(before - 2);
});

test("R62: the same for a super admin who is none any more", async () => {
  const copy = await createRole(app, owner, ["tenant:delete"], "copied");
  const [, who] = [await createSuperAdmin(app), await createSuperAdmin(app)];
  expect(await permissionsOf(app, who)).toContain("tenant:delete");
  const before = await holders("tenant:delete");
  const statuses = await takeMeanwhile(await ways(who, copy.name), async (tx) => {
    await tx.$queryRaw`SELECT id FROM users WHERE id = ${who.id}::uuid FOR UPDATE`;
    await tx.userRole.deleteMany({ where: { userId: who.id, roleId: SYSTEM_ROLES.super_admin } });
  });
  expect(statuses).toEqual(Array(7).fill(403));
  expect(await holders("tenant:delete")).toBe(before - 1);
});

/** How many roles hold the permission, and how many users by them. */
async function holders(permissionKey: string): Promise<number> {
  const users = await app.deps.db.userRole.count({
    where: { role: { permissions: { some: { permissionKey } } } },
  });
  return users + (await app.deps.db.rolePermission.count({ where: { permissionKey } }));
}
