/** Letting a super admin back in, with the token that an operator made at the console (way-in.ts). */
import { recordAudit } from "../audit/record.ts";
import { NO_FAILURES } from "../auth/guessing.ts";
import { completeLogin } from "../auth/login/complete-login.ts";
import type { Context } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { LIVE_USER_SQL } from "../db/live.ts";
import { discardFactors } from "../factors/changes.ts";
import { redeemToken } from "../one-time-tokens/redeem.ts";
import { revokeSessions } from "../sessions/revoke.ts";
import { tellSuperAdmins } from "./way-in.ts";

type Recovery = { userId: string; email: string; token: string; passwordHash: string };

/**
 * Sets the password, takes every factor away, ends every session and logs in. Null when the user is not active any more, has
 * another address, or the token was used this moment.
 */
export async function recoverSuperAdmin(
  tx: Transaction,
  ctx: Context,
  { userId: id, email, token, passwordHash }: Recovery,
): Promise<ReturnType<typeof completeLogin> extends Promise<infer T> ? T | null : never> {
  const [found] = await tx.$queryRawUnsafe<{ accountId: string }[]>(
    `SELECT accounts.id AS "accountId" FROM accounts JOIN users ON users.account_id = accounts.id
     WHERE users.id = $1::uuid AND users.tenant_id IS NULL AND ${LIVE_USER_SQL} AND NOT accounts.is_deleted AND accounts.email = $2
     FOR UPDATE OF accounts, users`,
    ...[id, email],
  );
  if (!found || !(await redeemToken(tx, ctx, ["bootstrap"], token))) return null;
  const { accountId } = found;
  const user = { id, tenantId: null, accountId };
  const removed = await discardFactors(tx, user);
  await tx.account.update({
    where: { id: accountId },
    // Whoever reads the console says which address is theirs, as with the first one.
    data: { passwordHash, passwordOrigin: "own", emailVerifiedAt: new Date(), ...NO_FAILURES },
    select: { id: true },
  });
  await revokeSessions(tx, ctx, { accountId }, "password_reset");
  const entry = { resourceType: "user", resourceId: id, tenantId: null, details: { removed } };
  await recordAudit(tx, ctx, { action: "platform.way_in_used", ...entry }, id);
  await tellSuperAdmins(tx, ctx);
  return completeLogin(tx, ctx, user, { methods: ["pwd"] });
}
