import type { PasswordOrigin } from "../../../generated/prisma/client.ts";
import { settleAccount, standingOfPool } from "../../accounts/settle.ts";
import { recordAccountEvent } from "../../audit/account-events.ts";
import type { Context } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import { discardFactors } from "../../factors/changes.ts";
import { revokeSessions } from "../../sessions/revoke.ts";
import { revokeApiKeysOf } from "../../users/revoke-api-keys.ts";

type Proven = {
  /** The user by whom it is proved. */
  id: string;
  tenantId: string | null;
  accountId: string;
};

/** Whose address is proved, as their locked account has it. */
export type Proving = Proven & {
  /** Whether it was proved before: then nothing is left to do. */
  verified: boolean;
  passwordOrigin: PasswordOrigin;
};

/**
 * Marks the address of an account as proved. The first time, whatever was set up before goes that need not be of the
 * person who reads its mail: a stranger may have registered it, or a tenant have made it with a password that its owner
 * knows, and wait for the person to move in (GHSA-qq9h-g4jm-xgf3). There are two exceptions. A password stays that
 * somebody gave whose word counts (accounts/pool.ts). And nothing goes by a proof within a session that began with such a
 * password, or with the person's own: whoever could set the account up is who proves it.
 *
 * Then an account that a tenant has made becomes shared (accounts/settle.ts). Answers the id of the account that stays:
 * where it is another one, the session is over within which it was proved.
 * @param sessionId the session within which it is proved, which stays; null for a mail alone.
 */
export async function proveAddress(
  tx: Transaction,
  ctx: Context,
  user: Proving,
  sessionId: string | null,
): Promise<string> {
  await markProved(tx, ctx, user, sessionId);
  return settleAccount(tx, ctx, user);
}

/** As `proveAddress`, for an account that is yet to get the address with which it may become shared. */
export async function markProved(
  tx: Transaction,
  ctx: Context,
  user: Proving,
  sessionId: string | null,
): Promise<void> {
  // What a tenant has called proved, while it had a pool of its own, was its word.
  const isProved =
    user.verified && (await standingOfPool(tx, ctx, user.accountId)) !== "provisional";
  if (isProved) return;
  const { accountId, passwordOrigin } = user;
  await tx.account.update({
    where: { id: accountId },
    data: { emailVerifiedAt: new Date() },
    select: { id: true },
  });
  // What a tenant says of a person counts in a pool of its own.
  const isVouched =
    passwordOrigin === "vouched" ||
    (passwordOrigin === "tenant" && (await standingOfPool(tx, ctx, accountId)) === "isolated");
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
  user: Proven,
  { sessionId, keepsPassword = false }: { sessionId: string | null; keepsPassword?: boolean },
): Promise<void> {
  const { accountId } = user;
  await tx.account.update({
    where: { id: accountId },
    // An address that somebody wants to give the account is theirs no more than the rest.
    data: { pendingEmail: null, ...(!keepsPassword && { passwordHash: null }) },
    select: { id: true },
  });
  await discardFactors(tx, user);
  const users = await tx.user.findMany({
    where: { accountId, isDeleted: false },
    select: { id: true, tenantId: true },
  });
  for (const each of users) await revokeApiKeysOf(tx, ctx, each);
  await tx.oneTimeToken.updateMany({
    where: { userId: { in: users.map(({ id }) => id) }, usedAt: null },
    data: { usedAt: new Date() },
  });
  const others = { accountId, ...(sessionId !== null && { id: { not: sessionId } }) };
  await revokeSessions(tx, ctx, others, "address_proved");
  await recordAccountEvent(tx, ctx, { action: "user.unproved_discarded", user }, user.id);
}
