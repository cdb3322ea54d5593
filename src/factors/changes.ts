/** What every change of somebody's factors brings with it. */
import { recordAccountEvent } from "../audit/account-events.ts";
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
  await recordAccountEvent(tx, ctx, {
    action: change === "added" ? "factor.added" : "factor.removed",
    user: owner,
    details: { factor, ...(id !== undefined && { id }) },
  });
  await tellUser(tx, ctx, owner, { template: "factor_changed", factor, change });
  const others = { accountId: owner.accountId, id: { not: ctx.principal.sessionId } };
  await revokeSessions(tx, ctx, others, "factors_changed");
}

/** Audits that a factor was not added: what was shown of it was wrong. */
export async function recordFactorRefusal(
  tx: Transaction,
  ctx: SessionContext,
  owner: Owner,
  factor: FactorChange["factor"],
): Promise<void> {
  await recordAccountEvent(tx, ctx, {
    action: "factor.added",
    user: owner,
    outcome: "failure",
    details: { factor },
  });
}

/** Recovery codes stand in for another factor: without one they go too. */
export async function dropOrphanedRecoveryCodes(tx: Transaction, owner: Owner): Promise<void> {
  if ((await secondFactorsOf(tx, owner)).length > 0) return;
  await tx.recoveryCode.deleteMany({ where: { accountId: owner.accountId } });
}

/**
 * Takes every factor from an account, for an administrator whom somebody has told that they lost all of them, and ends
 * its sessions. The caller holds a lock on the account and has seen that they may do this.
 */
export async function removeAllFactors(
  tx: Transaction,
  ctx: AuthedContext,
  owner: Owner,
): Promise<void> {
  const removed = await discardFactors(tx, owner);
  await recordAccountEvent(tx, ctx, { action: "factor.reset", user: owner, details: { removed } });
  await tellOfRemoval(tx, ctx, owner, removed);
  await revokeSessions(tx, ctx, { accountId: owner.accountId }, "factors_changed");
}

/** Deletes every factor and answers which kinds there were; says so to nobody. */
export async function discardFactors(
  tx: Transaction,
  { accountId }: Pick<Owner, "accountId">,
): Promise<("totp" | "passkey")[]> {
  const where = { accountId };
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
