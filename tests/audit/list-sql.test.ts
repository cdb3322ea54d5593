/** A page of the audit log by hand is the page that Prisma reads, field by field, in the scope of the caller. */
import { beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { latestAuditRows } from "../../src/audit/list-sql.ts";
import { newId } from "../../src/db/id.ts";
import { readPage } from "../../src/db/keyset.ts";
import { inTenant } from "../../src/db/scope.ts";
import { registerOwner, testApp } from "../support/app.ts";

const app = testApp();
let houses: string[];
beforeAll(async () => {
  houses = [(await registerOwner(app)).tenantId, (await registerOwner(app)).tenantId];
});

const id = fc.option(fc.uuid(), { nil: null });
const text = (max: number) =>
  fc.option(
    fc.string({ unit: "grapheme", maxLength: max }).map((given) => given.replaceAll("\0", "")),
    { nil: null },
  );
/** Of several months, which are partitions, and with ties. */
const moment = fc
  .record({ month: fc.integer({ min: -4, max: 0 }), milli: fc.nat(2) })
  .map(({ month, milli }) => {
    const now = new Date();
    return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + month, 1, 0, 0, 0, milli));
  });
const row = fc.record({
  house: fc.nat(1),
  actorId: id,
  impersonatorId: id,
  sessionId: id,
  action: fc.constantFrom("auth.refreshed", "user.updated"),
  resourceType: fc.constantFrom("user", "session"),
  resourceId: id,
  outcome: fc.constantFrom("success", "failure"),
  details: fc
    .dictionary(fc.stringMatching(/^[a-z]{1,6}$/), fc.jsonValue(), { maxKeys: 3 })
    .filter((value) => !JSON.stringify(value).includes("\\u0000"))
    .map((value) => JSON.parse(JSON.stringify(value))),
  ip: fc.option(fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom("10.0.0.0/8", "2001:db8::/32")), {
    nil: null,
  }),
  userAgent: text(40),
  requestId: text(20),
  createdAt: moment,
});

const ORDER = {
  list: "audit-logs",
  column: "createdAt",
  type: "instant",
  direction: "desc",
} as const;

test("every page of a tenant's log is the page that Prisma reads, across months", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 1, maxLength: 10 }),
      fc.integer({ min: 1, max: 9 }),
      async (rows, limit) => {
        const data = rows.map(({ house, ...each }) => ({
          ...each,
          id: newId(),
          tenantId: houses[house],
        }));
        await app.deps.db.auditLog.createMany({ data: data as [] });
        for (const tenantId of houses) {
          // The log only grows: some pages of it are enough.
          let cursor: string | null | undefined;
          for (let page = 0; page < 8 && cursor !== null; page += 1) {
            const { nextCursor } = await readPage(
              ORDER,
              { limit, cursor: cursor ?? undefined },
              ({ where, ...range }, after) =>
                inTenant(tenantId, async () => {
                  const { pool, db } = app.served;
                  const read = await latestAuditRows(pool, tenantId, range.take, after);
                  const asked = { where: { AND: [{ tenantId }, where] }, ...range };
                  expect(read).toEqual(await db.auditLog.findMany(asked));
                  return read;
                }),
            );
            cursor = nextCursor;
          }
        }
      },
    ),
    { numRuns: 20 },
  );
});

test("the statement names the tenant itself: where no policy holds it answers the same rows", async () => {
  const [mine = ""] = houses;
  const rows = await latestAuditRows(app.deps.pool, mine, 101, undefined);
  expect(new Set(rows.map(({ tenantId }) => tenantId))).toEqual(new Set([mine]));
});
