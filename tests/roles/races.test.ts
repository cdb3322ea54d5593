/** R62 when much happens at once: who gives had it at that moment, and every tenant keeps an owner. */
import { expect, test } from "bun:test";
import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import { type Account, createMember, randomName, registerOwner, testApp } from "../support/app.ts";
import { as, createRole } from "./roles.ts";

const app = testApp({ DATABASE_POOL_SIZE: "12" });

const GIVER = ["role:create", "role:read", "role:update", "role:assign", "user:read"];

async function ownersOf(tenantId: string): Promise<number> {
  return app.deps.db.user.count({
    where: {
      tenantId,
      status: "active",
      isDeleted: false,
      roles: { some: { roleId: SYSTEM_ROLES.owner } },
    },
  });
}

test("R62: ten owners who all step down at once: one stays", async () => {
  const first = await registerOwner(app);
  const owners = [first];
  for (let n = 1; n < 10; n++)
    owners.push({
      ...first,
      ...(await createMember(app, first, ["owner"])),
      tenantId: first.tenantId,
    });
  const answers = await Promise.all(
    owners.flatMap((who, n) => [
      as(app, who)(`PUT /v1/users/${who.id}/roles`, { roles: ["admin"] }),
      as(app, who)(`PUT /v1/users/${owners[(n + 1) % 10]?.id}/roles`, { roles: [] }),
    ]),
  );
  expect(answers.map(({ status }) => status).filter((status) => status >= 500)).toEqual([]);
  expect(answers.map(({ body }) => body.code)).toContain("last_owner");
  expect(await ownersOf(first.tenantId)).toBe(1);
});

test("R62: what is taken from somebody at the same moment they give only before", async () => {
  const owner = await registerOwner(app);
  const power = await createRole(app, owner, [...GIVER, "tenant:delete"], "power");
  const giver = await createMember(app, owner, ["power"]);
  const call = as(app, giver);
  const make = (n: number) =>
    call("POST /v1/roles", { name: `made_${n}`, permissions: ["tenant:delete"] });
  const taken = as(app, owner)(`PATCH /v1/roles/${power.id}`, { permissions: GIVER });
  const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => make(n)));
  expect((await taken).status).toBe(200);
  for (const { status } of answers) expect([201, 403]).toContain(status);
  await expectOrder(
    owner.tenantId,
    power.id,
    answers.filter(({ status }) => status === 201).length,
  );
  expect((await make(99)).status).toBe(403);
});

test("R62: a role that is taken from somebody while they hand it on", async () => {
  const owner = await registerOwner(app);
  await createRole(app, owner, [...GIVER, "audit:read"], "power");
  const giver = await createMember(app, owner, ["power"]);
  const others = await Promise.all(Array.from({ length: 20 }, () => createMember(app, owner, [])));
  const give = others.map(({ id }) =>
    as(app, giver)(`PUT /v1/users/${id}/roles`, { roles: ["power"] }),
  );
  const taken = as(app, owner)(`PUT /v1/users/${giver.id}/roles`, { roles: ["member"] });
  const statuses = (await Promise.all(give)).map(({ status }) => status);
  expect((await taken).status).toBe(200);
  const rows = await app.deps.db.auditLog.findMany({
    where: { tenantId: owner.tenantId, action: "user.roles_assigned" },
    orderBy: { createdAt: "asc" },
  });
  expect(rows).toHaveLength(statuses.filter((status) => status === 200).length + 1);
  for (const status of statuses) expect([200, 403]).toContain(status);
});

test("a role is deleted or given, never both", async () => {
  const owner = await registerOwner(app);
  for (let round = 0; round < 5; round++) {
    const role = await createRole(app, owner, ["user:read"]);
    const members = await Promise.all([1, 2, 3].map(() => createMember(app, owner, [])));
    const answers = await Promise.all([
      ...members.map(({ id }) =>
        as(app, owner)(`PUT /v1/users/${id}/roles`, { roles: [role.name] }),
      ),
      as(app, owner)(`DELETE /v1/roles/${role.id}`),
    ]);
    const deleted = answers.at(-1)?.status === 204;
    const given = answers.slice(0, 3).map(({ status }) => status);
    expect(given.every((status) => status === (deleted ? 422 : 200)) || !deleted).toBe(true);
    const held = await app.deps.db.userRole.count({ where: { roleId: role.id } });
    expect(held > 0).toBe(!deleted);
  }
});

test("R62: after any sequence every permission that somebody holds was its giver's when it was given", async () => {
  const PERMISSIONS = ["audit:read", "session:read", "user:update", "tenant:update"];
  const random = seeded(20260131);
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T;
  const some = () => PERMISSIONS.filter(() => random() < 0.4);
  const owner = await registerOwner(app);
  const roles: { id: string; name: string }[] = [];
  for (let n = 0; n < 4; n++) roles.push(await createRole(app, owner, [...GIVER, ...some()]));
  const people: Account[] = [owner];
  for (const { name } of roles) people.push(await createMember(app, owner, [name]));

  const held = async (who: Account) => {
    const rows = await app.deps.db.rolePermission.findMany({
      where: { role: { users: { some: { userId: who.id } } } },
    });
    return new Set(rows.map((row) => row.permissionKey));
  };
  const statuses: number[] = [];
  for (let step = 0; step < 120; step++) {
    const who = pick(people);
    const before = await Promise.all(people.map(held));
    const powers = before[people.indexOf(who)] ?? new Set();
    const role = pick(roles);
    const { status } = await pick([
      () => as(app, who)(`PATCH /v1/roles/${role.id}`, { permissions: [...GIVER, ...some()] }),
      () =>
        as(app, who)(`PUT /v1/users/${pick(people).id}/roles`, {
          roles: [role.name, pick(["owner", "admin", role.name])],
        }),
      () => as(app, who)("POST /v1/roles", { name: randomName(), permissions: some() }),
    ])();
    statuses.push(status);
    const after = await Promise.all(people.map(held));
    const gained = after.flatMap((now, n) => [...now].filter((key) => !before[n]?.has(key)));
    expect([step, gained.filter((key) => !powers.has(key))]).toEqual([step, []]);
    expect(await ownersOf(owner.tenantId)).toBeGreaterThan(0);
  }
  // A sequence in which nothing happens, or everything is allowed, would prove nothing.
  expect(statuses.filter((status) => status < 300).length).toBeGreaterThan(20);
  expect(statuses.filter((status) => status === 403).length).toBeGreaterThan(20);
  expect(Math.max(...statuses)).toBeLessThan(500);
});

/** By the order of the log: what was made with the permission was made before it was taken. */
async function expectOrder(tenantId: string, roleId: string, made: number): Promise<void> {
  const rows = await app.deps.db.auditLog.findMany({
    where: { tenantId, action: { in: ["role.created", "role.updated"] } },
    orderBy: { id: "asc" },
  });
  const taken = rows.findIndex((row) => row.action === "role.updated" && row.resourceId === roleId);
  const before = rows.slice(0, taken).filter(({ resourceId }) => resourceId !== roleId);
  expect(before).toHaveLength(made);
  expect(rows.slice(taken + 1)).toEqual([]);
}

/** Numbers from 0 to 1, the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
