import type { Prisma } from "../../generated/prisma/client.ts";
import type { Transaction } from "../db/client.ts";

export type RevocationReason =
  | "logout"
  | "logout_all"
  | "ended_by_user"
  | "ended_by_admin"
  | "reauthenticated"
  | "session_limit"
  | "password_reset"
  | "email_changed"
  | "address_proved"
  | "factors_changed"
  | "password_changed"
  | "user_disabled"
  | "user_deleted"
  | "tenant_suspended"
  | "tenant_deleted"
  | "refresh_token_reuse";

/**
 * Ends the sessions that match and go on; answers their ids. After the commit give these to `ctx.revocations.add`, so
 * that this instance refuses at once; the others hear of it by the trigger's notification.
 */
export async function revokeSessions(
  tx: Transaction,
  where: Prisma.SessionWhereInput,
  reason: RevocationReason,
): Promise<string[]> {
  const ended = await tx.session.updateManyAndReturn({
    where: { ...where, revokedAt: null },
    data: { revokedAt: new Date(), revokedReason: reason },
    select: { id: true },
  });
  return ended.map((session) => session.id);
}
