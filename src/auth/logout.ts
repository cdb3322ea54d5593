import { recordAccountEvent } from "../audit/account-events.ts";
import type { AuditAction } from "../audit/actions.ts";
import { recordAudit } from "../audit/record.ts";
import type { Context, SessionContext } from "../context.ts";
import { hashToken } from "../crypto/secret.ts";
import { commit } from "../db/commit.ts";
import { isId } from "../db/id.ts";
import { NotFoundError } from "../errors.ts";
import { assertRecentProof } from "../sessions/recent-proof.ts";
import { revokeSessions } from "../sessions/revoke.ts";

/** Ends the session that the request came through, in all tenants: the one that needs no proof to end. */
export async function logout(ctx: SessionContext): Promise<void> {
  await endSessions(ctx, { id: ctx.principal.sessionId }, "logout", "auth.logged_out");
}

/**
 * Ends the session that the refresh token belongs to, be it used or over: whoever has it might as well go on with the
 * session. Nothing, for one that we do not know (RFC 7009, section 2.2).
 */
export async function logoutByToken(ctx: Context, refreshToken: string): Promise<void> {
  await commit(ctx, async (tx) => {
    const found = await tx.refreshToken.findFirst({
      where: { tokenHash: Uint8Array.from(hashToken(refreshToken)) },
      select: { session: { select: { id: true, accountId: true, users: SPOKE_LAST } } },
    });
    if (!found) return;
    const { id, accountId, users } = found.session;
    const ended = await revokeSessions(tx, ctx, { id, accountId }, "logout");
    const [last] = users;
    if (ended > 0 && last) {
      const entry = { action: "auth.logged_out", resourceType: "session", resourceId: id } as const;
      const { userId, tenantId } = last;
      await recordAudit(tx, ctx, { ...entry, tenantId, details: { ended } }, userId);
    }
  });
}

/** As whom a session has spoken last: in that tenant's log its end stands. */
const SPOKE_LAST = {
  orderBy: { lastUsedAt: "desc" },
  take: 1,
  select: { userId: true, tenantId: true },
} as const;

/** Ends every session of the caller's account, this one too. */
export async function logoutAll(ctx: SessionContext): Promise<void> {
  assertRecentProof(ctx);
  await endSessions(ctx, {}, "logout_all", "auth.logged_out_everywhere");
}

/** Ends one session of the caller's account. @throws NotFoundError also for a session of somebody else, and for one that ended. */
export async function endSession(ctx: SessionContext, sessionId: string): Promise<void> {
  assertRecentProof(ctx);
  if (!isId(sessionId)) throw new NotFoundError("session");
  const ended = await endSessions(ctx, { id: sessionId }, "ended_by_user", "session.ended");
  if (ended === 0) throw new NotFoundError("session");
}

/** Ends every session of the caller's account but this one. */
export async function endOtherSessions(ctx: SessionContext): Promise<void> {
  assertRecentProof(ctx);
  const others = { id: { not: ctx.principal.sessionId } };
  await endSessions(ctx, others, "ended_by_user", "session.others_ended");
}

async function endSessions(
  ctx: SessionContext,
  which: { id?: string | { not: string } },
  reason: "logout" | "logout_all" | "ended_by_user",
  action: AuditAction,
): Promise<number> {
  const { userId, tenantId, accountId } = ctx.principal;
  return commit(ctx, async (tx) => {
    const ended = await revokeSessions(tx, ctx, { ...which, accountId }, reason);
    if (ended > 0) {
      // How many they were is not for one of several tenants to know.
      await recordAccountEvent(tx, ctx, {
        action,
        user: { id: userId, tenantId, accountId },
        resource: { type: "session", id: typeof which.id === "string" ? which.id : null },
        details: { ended },
      });
    }
    return ended;
  });
}
