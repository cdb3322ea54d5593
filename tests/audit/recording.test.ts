/** The audit row that is written beside another statement is the one that is written alone. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type AuditEntry, recordAudit, recording } from "../../src/audit/record.ts";
import { commit } from "../../src/db/commit.ts";
import { acrossTenants } from "../../src/db/scope.ts";
import { testApp } from "../support/app.ts";

const app = testApp();

const id = fc.uuid();
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const word = (maxLength: number) => fc.string({ unit: "grapheme-ascii", maxLength });
const origin = fc.record({
  requestId: word(64),
  ip: maybe(fc.oneof(fc.ipV4(), fc.ipV6())),
  userAgent: maybe(word(500)),
  language: fc.constant(null),
  device: fc.constant(null),
});
const principal = fc.record({
  userId: id,
  impersonatorId: maybe(id),
  sessionId: maybe(id),
  apiKeyId: maybe(id),
});
const entry = fc.record({
  action: fc.constantFrom("user.created", "auth.logged_in"),
  resourceType: fc.constantFrom("user", "session"),
  resourceId: maybe(id),
  tenantId: maybe(id),
  outcome: fc.constantFrom("success", "failure"),
  details: fc.dictionary(
    // No code of ours names a detail so, and Prisma leaves it out.
    word(10).filter((name) => name !== "__proto__"),
    fc.oneof(word(20), fc.integer(), fc.boolean(), fc.array(word(5))),
  ),
});

test("`recording` writes what `recordAudit` writes", async () => {
  await fc.assert(
    fc.asyncProperty(
      origin,
      fc.option(principal, { nil: undefined }),
      entry,
      maybe(id),
      async (origin, principal, entry, actor) => {
        const ctx = {
          ...app.deps,
          origin,
          ...(principal && { principal }),
        } as unknown as Parameters<typeof recordAudit>[1];
        const { alone, beside } = await acrossTenants(() =>
          commit(app.deps, async (tx) => {
            const last = async () => {
              const row = await tx.auditLog.findFirstOrThrow({
                orderBy: [{ createdAt: "desc" }, { id: "desc" }],
              });
              return { ...row, id: "", createdAt: Math.round(row.createdAt.getTime() / 10_000) };
            };
            await recordAudit(tx, ctx, entry as AuditEntry, actor ?? undefined);
            const alone = await last();
            await tx.$executeRaw`WITH written AS (${recording(ctx, entry as AuditEntry, actor ?? undefined)}) SELECT`;
            return { alone, beside: await last() };
          }),
        );
        expect({ ...beside, createdAt: 0 }).toEqual({ ...alone, createdAt: 0 });
        expect(Math.abs(beside.createdAt - alone.createdAt)).toBeLessThan(2);
      },
    ),
    { numRuns: 60 },
  );
});
