/** Whose factors they are. */
import { Prisma } from "../../generated/prisma/client.ts";
import type { SessionContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { LIVE_USER_SQL } from "../db/live.ts";
import { ApiError } from "../errors.ts";
import { assertSessionLives } from "../sessions/assert-live.ts";
import { assertRecentProof } from "../sessions/recent-proof.ts";

/** The account that has them, and the user by whom it is spoken of: in whose name tokens are, and rows of the audit log. */
export type Owner = { id: string; tenantId: string | null; accountId: string };

/**
 * Locks the caller's account, so that changes of its factors come one after the other, for whoever has proved lately
 * that it is theirs: every change of one's own factors begins here. A session that was ended while
 * the request was under way changes nothing any more: a password reset that throws an intruder out must not be followed
 * by the intruder's passkey. @throws ApiError `invalid_token`, `reauthentication_required`.
 */
export async function lockOwner(
  tx: Transaction,
  ctx: SessionContext,
): Promise<Owner & { email: string }> {
  assertRecentProof(ctx);
  const { userId, tenantId } = ctx.principal;
  const [owner] = await tx.$queryRaw<(Owner & { email: string })[]>`
    SELECT users.id, users.tenant_id AS "tenantId", accounts.id AS "accountId", accounts.email
    FROM accounts JOIN users ON users.account_id = accounts.id
    WHERE users.id = ${userId}::uuid AND users.tenant_id IS NOT DISTINCT FROM ${tenantId}::uuid
      AND ${Prisma.raw(LIVE_USER_SQL)}
    FOR UPDATE OF accounts, users`;
  // A statement of its own: what the first one saw of the session may be older than the lock.
  await assertSessionLives(tx, ctx);
  if (!owner) throw new ApiError("invalid_token", "The account is gone.");
  return owner;
}
