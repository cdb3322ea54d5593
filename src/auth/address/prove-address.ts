import type { PasswordOrigin } from "../../../generated/prisma/client.ts";
import { recordAudit } from "../../audit/record.ts";
import type { Context } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import { discardFactors } from "../../factors/changes.ts";
import { revokeSessions } from "../../sessions/revoke.ts";
import { isVouchedFor } from "../../users/placeholders.ts";
import { revokeApiKeysOf } from "../../users/revoke-api-keys.ts";

/** Whose address is proved, as their locked row has it. */
export type Proving = {
  id: string;
  tenantId: string | null;
  /** Whether it was proved before: then nothing is left to do. */
  verified: boolean;
  passwordOrigin: PasswordOrigin;
};

/**
 * Marks the address of an account as proved. The first time, whatever was set up before goes that need not be of the
 * person who reads its mail: a stranger may have registered it, or a tenant have made it with a password that its owner
 * knows, and wait for the person to move in (GHSA-qq9h-g4jm-xgf3). There are two exceptions. A password stays that
 * somebody gave whose word counts (users/placeholders.ts). And nothing goes by a proof within a session that began with such a
 * password, or with the person's own: whoever could set the account up is who proves it.
 * @param sessionId the session within which it is proved, which stays; null for a mail alone.
 */
export async function proveAddress(
  tx: Transaction,
  ctx: Context,
  user: Proving,
  sessionId: string | null,
): Promise<void> {
  if (user.verified) return;
  const { id, tenantId, passwordOrigin } = user;
  await tx.user.update({
    where: { id, tenantId },
    data: { emailVerifiedAt: new Date() },
    select: { id: true },
  });
  const isVouched = isVouchedFor(ctx, tenantId, passwordOrigin);
  if (sessionId !== null && (isVouched || passwordOrigin === "own")) return;
  await discardUnproved(tx, ctx, user, { sessionId, keepsPassword: isVouched });
}

/**
 * Takes from an account what is not the person's own for sure: factors, API keys, links, half-finished log-ins, every
 * session but the one that is named, and the password.
 */
export async function discardUnproved(
  tx: Transaction,
  ctx: Context,
  { id, tenantId }: { id: string; tenantId: string | null },
  { sessionId, keepsPassword = false }: { sessionId: string | null; keepsPassword?: boolean },
): Promise<void> {
  const where = { userId: id, tenantId };
  await tx.user.update({
    where: { id, tenantId },
    // An address that somebody wants to give the account is theirs no more than the rest.
    data: { pendingEmail: null, ...(!keepsPassword && { passwordHash: null }) },
    select: { id: true },
  });
  await discardFactors(tx, { id, tenantId });
  await revokeApiKeysOf(tx, ctx, { id, tenantId });
  await tx.oneTimeToken.updateMany({
    where: { ...where, usedAt: null },
    data: { usedAt: new Date() },
  });
  const others = sessionId === null ? where : { ...where, id: { not: sessionId } };
  await revokeSessions(tx, ctx, others, "address_proved");
  await recordAudit(
    tx,
    ctx,
    { action: "user.unproved_discarded", resourceType: "user", resourceId: id, tenantId },
    id,
  );
}
