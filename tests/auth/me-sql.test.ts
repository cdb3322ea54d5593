/** User and tenant by hand are what Prisma answers, field by field, in the scope of the session. */
import { beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { findMe } from "../../src/auth/me-sql.ts";
import type { PersonInSession } from "../../src/context.ts";
import { newId } from "../../src/db/id.ts";
import { inTenant } from "../../src/db/scope.ts";
import { tenantSelect } from "../../src/tenants/schemas.ts";
import { userSelect } from "../../src/users/public-user.ts";
import { type Account, createSuperAdmin, registerOwner, testApp } from "../support/app.ts";

const app = testApp();
let owner: Account & { tenantId: string };
let stranger: Account & { tenantId: string };
let root: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
  stranger = await registerOwner(app);
  root = await createSuperAdmin(app);
});

const moment = fc
  .date({ min: new Date("0001-01-02"), max: new Date("9999-12-30"), noInvalidDate: true })
  .map((date) => new Date(date));
const maybe = fc.option(moment, { nil: null });
const name = fc.option(fc.stringMatching(/^\S{1,20}$/u), { nil: null });
/** Of what PostgreSQL can hold: no NUL in text, and numbers as they are. */
const json = fc
  .jsonValue({ noUnicodeString: false })
  .filter((value) => !JSON.stringify(value).includes("\\u0000"))
  .map((value) => JSON.parse(JSON.stringify(value)));

const user = fc.record({
  firstName: name,
  lastName: name,
  status: fc.constantFrom("active", "disabled"),
  lastLoginAt: maybe,
  createdAt: moment,
  updatedAt: moment,
  version: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
});
const tenant = fc.record({
  status: fc.constantFrom("active", "suspended"),
  settings: fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), json, { maxKeys: 4 }),
  seatLimit: fc.option(fc.integer({ min: 1, max: 10_000_000 }), { nil: null }),
  isDeleted: fc.boolean(),
  createdAt: moment,
  updatedAt: moment,
  version: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
});

async function expectSame(userId: string, tenantId: string | null): Promise<boolean> {
  return inTenant(tenantId, async () => {
    const principal = { userId, tenantId } as PersonInSession;
    const me = await findMe(app.served.pool, principal);
    const read = await app.served.db.user.findFirst({
      where: { id: userId, tenantId, isDeleted: false },
      select: { ...userSelect, tenant: { select: tenantSelect } },
    });
    const { tenant: readTenant, ...readUser } = read ?? { tenant: null };
    expect(me?.tenant ?? null).toEqual(readTenant);
    // Beside the user's own fields the row has those of the tenant.
    if (read) expect(me?.user).toMatchObject(readUser);
    else expect(me).toBeUndefined();
    return me !== undefined;
  });
}

test("whatever stands in the rows of a user and a tenant, both are what Prisma answers", async () => {
  await fc.assert(
    fc.asyncProperty(user, tenant, async (data, { isDeleted, ...there }) => {
      const { db } = app.deps;
      await db.user.update({ where: { id: owner.id }, data: data as object });
      const deletedAt = isDeleted ? new Date() : null;
      await db.tenant.update({
        where: { id: owner.tenantId },
        data: { ...there, isDeleted, deletedAt } as object,
      });
      expect(await expectSame(owner.id, owner.tenantId)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test("somebody of the platform has no tenant; a stranger, a deleted user and nobody are not found", async () => {
  expect(await expectSame(root.id, null)).toBe(true);
  expect(await expectSame(owner.id, stranger.tenantId)).toBe(false);
  expect(await expectSame(owner.id, null)).toBe(false);
  expect(await expectSame(root.id, owner.tenantId)).toBe(false);
  expect(await expectSame(newId(), owner.tenantId)).toBe(false);
  const data = { isDeleted: true, deletedAt: new Date() };
  await app.deps.db.user.update({ where: { id: stranger.id }, data });
  expect(await expectSame(stranger.id, stranger.tenantId)).toBe(false);
});
