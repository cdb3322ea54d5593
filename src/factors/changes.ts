/** What every change of somebody's factors brings with it. */
import { recordAudit } from "../audit/record.ts";
import type { AuthedContext, Context, SessionContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { tellUser } from "../mail/send.ts";
import { revokeSessions } from "../sessions/revoke.ts";
import type { Owner } from "./owner.ts";
import { secondFactorsOf } from "./second-factors.ts";

export type FactorChange = {
  factor: "totp" | "passkey" | "recovery_codes";
  change: "added" | "removed";
  /** Which one, where there may be several. */
  id?: string;
};

/**
 * Audits a change, mails the owner and ends their other sessions: whoever sits in one of them came in under the old
 * factors (ASVS 5.0, 6.3.7 and 7.4.3).
 */
export async function recordFactorChange(
  tx: Transaction,
  ctx: SessionContext,
  owner: Owner,
  { factor, change, id }: FactorChange,
): Promise<void> {
  await recordAudit(tx, ctx, {
    action: change === "added" ? "factor.added" : "factor.removed",
    resourceType: "user",
    resourceId: owner.id,
    tenantId: owner.tenantId,
    details: { factor, ...(id !== undefined && { id }) },
  });
  await tellUser(tx, ctx, owner, { template: "factor_changed", factor, change });
  const all = { userId: owner.id, tenantId: owner.tenantId };
  const others = { ...all, id: { not: ctx.principal.sessionId } };
  await revokeSessions(tx, ctx, others, "factors_changed");
}

/** Audits that a factor was not added: what was shown of it was wrong. */
export async function recordFactorRefusal(
  tx: Transaction,
  ctx: SessionContext,
  factor: FactorChange["factor"],
): Promise<void> {
  const { userId, tenantId } = ctx.principal;
  await recordAudit(tx, ctx, {
    action: "factor.added",
    resourceType: "user",
    resourceId: userId,
    tenantId,
    outcome: "failure",
    details: { factor },
  });
}

/** Recovery codes stand in for another factor: without one they go too. */
export async function dropOrphanedRecoveryCodes(tx: Transaction, owner: Owner): Promise<void> {
  if ((await secondFactorsOf(tx, owner)).length > 0) return;
  await tx.recoveryCode.deleteMany({ where: { userId: owner.id, tenantId: owner.tenantId } });
}

/**
 * Takes every factor from a user, for an administrator whom somebody has told that they lost all of them, and ends
 * their sessions. The caller holds a lock on the user and has seen that they may do this.
 */
export async function removeAllFactors(
  tx: Transaction,
  ctx: AuthedContext,
  owner: Owner,
): Promise<void> {
  const removed = await discardFactors(tx, owner);
  await recordAudit(tx, ctx, {
    action: "factor.reset",
    resourceType: "user",
    resourceId: owner.id,
    tenantId: owner.tenantId,
    details: { removed },
  });
  await tellOfRemoval(tx, ctx, owner, removed);
  const all = { userId: owner.id, tenantId: owner.tenantId };
  await revokeSessions(tx, ctx, all, "factors_changed");
}

/** Deletes every factor and answers which kinds there were; says so to nobody. */
export async function discardFactors(
  tx: Transaction,
  { id: userId, tenantId }: Owner,
): Promise<("totp" | "passkey")[]> {
  const where = { userId, tenantId };
  const apps = await tx.totpFactor.findMany({ where, select: { confirmedAt: true } });
  await tx.totpFactor.deleteMany({ where });
  const passkeys = await tx.passkey.deleteMany({ where });
  await tx.recoveryCode.deleteMany({ where });
  return [
    ...(apps.some(({ confirmedAt }) => confirmedAt !== null) ? ["totp" as const] : []),
    ...(passkeys.count > 0 ? ["passkey" as const] : []),
  ];
}

async function tellOfRemoval(
  tx: Transaction,
  ctx: Context,
  owner: Owner,
  removed: ("totp" | "passkey")[],
): Promise<void> {
  for (const factor of removed)
    await tellUser(tx, ctx, owner, { template: "factor_changed", factor, change: "removed" });
}
