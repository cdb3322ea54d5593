import type { Prisma } from "../../generated/prisma/client.ts";
import type { AuditAction } from "../audit/actions.ts";
import type { Deps } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { afterCommit } from "../db/commit.ts";
import { newId } from "../db/id.ts";
import { CLOCK_SKEW_SECONDS } from "./revocations.ts";

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
  | "tenant_left"
  | "mfa_required"
  | "refresh_token_reuse"
  | "impersonated_again"
  | "impersonator_left";

/** How long somebody may act as a user. */
export const IMPERSONATION_SECONDS = 15 * 60;

type EndedSession = {
  id: string;
  userId: string;
  tenantId: string | null;
  impersonatorId: string | null;
  revokedReason: string | null;
};

/**
 * Ends the sessions that match and go on; answers how many. With the session of a super admin ends what they do as
 * somebody else. Once it is committed this instance refuses them; the others hear of it by the trigger's notification.
 */
export async function revokeSessions(
  tx: Transaction,
  { revocations }: Pick<Deps, "revocations">,
  where: Prisma.SessionWhereInput,
  reason: RevocationReason,
): Promise<number> {
  const ended = await end(tx, where, reason);
  // Only platform accounts act as others.
  const platform = ended.filter((session) => session.tenantId === null);
  if (platform.length > 0) {
    const within = (IMPERSONATION_SECONDS + CLOCK_SKEW_SECONDS) * 1000;
    const acting = {
      impersonatorId: { in: platform.map((session) => session.userId) },
      // For the index: hardly any other session is that near to its end.
      expiresAt: { lte: new Date(Date.now() + within) },
    };
    ended.push(...(await end(tx, acting, "impersonator_left")));
  }
  await recordImpersonationsEnded(tx, ended);
  afterCommit(tx, () => revocations.add(ended.map((session) => session.id)));
  return ended.length;
}

async function end(
  tx: Transaction,
  where: Prisma.SessionWhereInput,
  reason: RevocationReason,
): Promise<EndedSession[]> {
  return tx.session.updateManyAndReturn({
    where: { ...where, revokedAt: null },
    data: { revokedAt: new Date(), revokedReason: reason },
    select: { id: true, userId: true, tenantId: true, impersonatorId: true, revokedReason: true },
  });
}

/** Whoever ended it: the tenant's log says that nobody acts as its user any more. */
async function recordImpersonationsEnded(tx: Transaction, ended: EndedSession[]): Promise<void> {
  const impersonated = ended.filter((session) => session.impersonatorId !== null);
  if (impersonated.length === 0) return;
  await tx.auditLog.createMany({
    data: impersonated.map(({ id, userId, tenantId, impersonatorId, revokedReason }) => ({
      id: newId(),
      tenantId,
      actorId: userId,
      impersonatorId,
      sessionId: id,
      action: "platform.impersonation_ended" satisfies AuditAction,
      resourceType: "session",
      resourceId: id,
      details: { reason: revokedReason },
    })),
  });
}
