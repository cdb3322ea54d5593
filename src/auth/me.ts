import type { SessionContext } from "../context.ts";
import { acrossTenants } from "../db/scope.ts";
import { ApiError } from "../errors.ts";
import type { Me } from "./schemas.ts";

/** Who the caller is and what they may do. */
export async function getMe(ctx: SessionContext): Promise<Me> {
  const { roles, permissions } = ctx.principal;
  const shown = await ctx.me.of(ctx.principal);
  // The session was alive a moment ago: the account has just been deleted.
  if (!shown) throw new ApiError("invalid_token", "The account is gone.");
  const sorted = roles.toSorted();
  return {
    user: { ...shown.user, roles: sorted },
    tenant: shown.tenant,
    roles: sorted,
    permissions: [...permissions].sort(),
    impersonation: await impersonationOf(ctx),
  };
}

/** What a banner says: who acts as the user, why, and until when. */
async function impersonationOf({ db, principal }: SessionContext): Promise<Me["impersonation"]> {
  const { tenantId, accountId, sessionId, impersonatorId } = principal;
  if (impersonatorId === null) return null;
  const [session, started, email] = await Promise.all([
    db.session.findFirst({
      where: { id: sessionId, accountId },
      select: { expiresAt: true },
    }),
    db.auditLog.findFirst({
      where: {
        tenantId,
        resourceType: "session",
        resourceId: sessionId,
        action: "platform.impersonation_started",
      },
      select: { details: true },
    }),
    emailOf(db, impersonatorId),
  ]);
  if (!session) throw new ApiError("invalid_token", "The session is gone.");
  const { reason } = { reason: "", ...(started?.details as object) };
  return {
    by: { id: impersonatorId, email },
    reason: String(reason),
    expiresAt: session.expiresAt.toISOString(),
  };
}

/** Of a platform account: the one row that is looked at here and is not the tenant's. */
async function emailOf(db: SessionContext["db"], id: string): Promise<string | null> {
  const account = await acrossTenants(() =>
    db.user.findFirst({ where: { id, tenantId: null }, select: { email: true } }),
  );
  return account?.email ?? null;
}
