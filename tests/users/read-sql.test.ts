/** The reads by hand answer what Prisma answers, row by row and field by field, in the scope of the caller. */
import { beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { newId } from "../../src/db/id.ts";
import { readPage } from "../../src/db/keyset.ts";
import { inTenant } from "../../src/db/scope.ts";
import type { Principal } from "../../src/principal.ts";
import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import { userWithRolesSelect } from "../../src/users/public-user.ts";
import { findUser, newestUsers } from "../../src/users/read-sql.ts";
import { type Account, registerOwner, testApp } from "../support/app.ts";
import { insertPeople } from "./people.ts";

const app = testApp();
let houses: (Account & { tenantId: string })[];
/** A role of each house beside those of the system. */
const ownRole = [newId(), newId()];
beforeAll(async () => {
  houses = [await registerOwner(app), await registerOwner(app)];
  const roles = houses.map(({ tenantId }, n) => ({ id: ownRole[n] ?? "", tenantId, name: "own" }));
  await app.deps.db.role.createMany({ data: roles });
});

const name = fc.option(
  fc.oneof(
    fc.constantFrom("a", "O'Neill", '"', "{,}", "\\", "😀"),
    fc.stringMatching(/^\S{1,9}$/u),
  ),
  { nil: null },
);
/** Few moments, so that ties are common. */
const moment = fc
  .integer({ min: 0, max: 3 })
  .map((n) => new Date(Date.UTC(2020, 0, 1, 0, 0, 0, n)));
const maybe = fc.option(moment, { nil: null });
const person = fc.record({
  house: fc.nat(1),
  firstName: name,
  lastName: name,
  status: fc.constantFrom("active", "disabled"),
  kind: fc.constantFrom("person", "person", "person", "service"),
  isDeleted: fc.constantFrom(false, false, true),
  pendingEmail: fc.constantFrom(null, "next@x.example"),
  emailVerifiedAt: maybe,
  lastLoginAt: maybe,
  createdAt: moment,
  version: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  roles: fc.uniqueArray(fc.constantFrom("admin", "member", "auditor", "own"), { maxLength: 4 }),
});

type Person = typeof person extends fc.Arbitrary<infer T> ? T : never;

async function insert(people: Person[]): Promise<string[]> {
  const rows = people.map(({ house, roles, isDeleted, ...row }) => {
    const id = newId();
    const tenantId = houses[house]?.tenantId ?? "";
    const account = row.kind === "service" ? { accountId: null } : {};
    const gone = { isDeleted, deletedAt: isDeleted ? new Date() : null };
    const host = row.kind === "service" ? "service.invalid" : "x.example";
    return { id, tenantId, email: `${id}@${host}`, ...row, ...account, ...gone };
  });
  await insertPeople(app, rows as Parameters<typeof insertPeople>[1]);
  const held = people.flatMap(({ house, roles }, n) =>
    roles.map((role) => ({
      userId: rows[n]?.id ?? "",
      tenantId: rows[n]?.tenantId ?? "",
      roleId: role === "own" ? (ownRole[house] ?? "") : SYSTEM_ROLES[role as "member"],
    })),
  );
  await app.deps.db.userRole.createMany({ data: held });
  return rows.map(({ id }) => id);
}

async function clear(): Promise<void> {
  const { db } = app.deps;
  await db.user.deleteMany({ where: { id: { notIn: houses.map(({ id }) => id) } } });
}

type Roles = { role: { name: string } }[];
const plain = <Row extends { roles: Roles }>({ roles, ...row }: Row) => ({
  ...row,
  roles: roles.map(({ role }) => role.name).sort(),
});
const sorted = <Row extends { roles: string[] }>(row: Row) => ({
  ...row,
  roles: row.roles.toSorted(),
});

const ORDER = { list: "users", column: "createdAt", type: "instant", direction: "desc" } as const;

test("every page of the newest users is the page that Prisma reads", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(person, { maxLength: 12 }),
      fc.integer({ min: 1, max: 5 }),
      async (people, limit) => {
        await clear();
        await insert(people);
        for (const { tenantId } of houses) {
          let pages = 0;
          for (let cursor: string | null | undefined; cursor !== null; pages += 1) {
            const page = await readPage(ORDER, { limit, cursor }, ({ where, ...range }, after) =>
              inTenant(tenantId, async () => {
                const rows = await newestUsers(app.served.pool, tenantId, range.take, after);
                const read = await app.served.db.user.findMany({
                  where: { AND: [{ kind: { in: ["person"] }, tenantId, isDeleted: false }, where] },
                  ...range,
                  select: userWithRolesSelect,
                });
                expect(rows.map(sorted)).toEqual(read.map(plain));
                return rows;
              }),
            );
            cursor = page.nextCursor;
          }
          expect(pages).toBeGreaterThan(0);
        }
      },
    ),
    { numRuns: 25 },
  );
});

test("one user is the one that Prisma finds: of the own tenant, of another, for the platform, and none", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(person, { minLength: 1, maxLength: 6 }), async (people) => {
      await clear();
      const ids = [...(await insert(people)), houses[0]?.id ?? "", newId()];
      for (const tenantId of [...houses.map((house) => house.tenantId), null])
        for (const id of [...ids, ids[0]?.toUpperCase() ?? ""])
          await inTenant(tenantId, async () => {
            const principal = { tenantId } as Principal;
            const found = await findUser({ pool: app.served.pool, principal }, id);
            const read = await app.served.db.user.findFirst({
              where: {
                kind: { in: ["person"] },
                ...(tenantId !== null && { tenantId }),
                id,
                isDeleted: false,
              },
              select: userWithRolesSelect,
            });
            expect(found && sorted(found)).toEqual(read ? plain(read) : undefined);
          });
    }),
    { numRuns: 15 },
  );
});

test("the statements name the tenant themselves: where no policy holds they answer the same rows", async () => {
  await clear();
  const [mine, theirs] = houses;
  await insertPeople(app, [
    { id: newId(), tenantId: mine?.tenantId ?? "", email: "m@x.example" },
    { id: newId(), tenantId: theirs?.tenantId ?? "", email: "t@x.example" },
  ]);
  // The pool of a superuser.
  const { pool } = app.deps;
  const rows = await newestUsers(pool, mine?.tenantId ?? "", 100, undefined);
  expect(rows.map(({ tenantId }) => tenantId)).toEqual([
    mine?.tenantId ?? "",
    mine?.tenantId ?? "",
  ]);
  const principal = { tenantId: mine?.tenantId } as Principal;
  expect(await findUser({ pool, principal }, theirs?.id ?? "")).toBeUndefined();
  expect(await findUser({ pool, principal }, mine?.id ?? "")).toBeDefined();
});

test("more than the longest page is refused: it would pass for the last one", async () => {
  const { tenantId } = houses[0] ?? { tenantId: "" };
  const read = (take: number) =>
    inTenant(tenantId, () => newestUsers(app.served.pool, tenantId, take, undefined));
  expect(await read(101)).not.toHaveLength(0);
  await expect(read(102)).rejects.toThrow("at most 100");
});
