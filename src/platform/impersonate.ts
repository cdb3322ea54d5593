/** Acting as a user: for a while, on the record, and never as somebody who could do the same. */
import { recordAudit } from "../audit/record.ts";
import { lockActiveAccount } from "../auth/account.ts";
import { tokenAnswer } from "../auth/answer.ts";
import type { TokenAnswer } from "../auth/schemas.ts";
import type { SessionContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { commit } from "../db/commit.ts";
import { ApiError, NotFoundError, PermissionError } from "../errors.ts";
import { secondFactorsOf } from "../factors/second-factors.ts";
import { tellUser } from "../mail/send.ts";
import { POSSESSION } from "../sessions/facts.ts";
import { IMPERSONATION_SECONDS, revokeSessions } from "../sessions/revoke.ts";
import { startImpersonation } from "../sessions/start.ts";
import { type UserRow, userSelect } from "../users/public-user.ts";
import { visibleUser } from "../users/reach.ts";
import type { ImpersonateInput } from "./schemas.ts";

/**
 * Begins a session in which the super admin acts as a tenant's user. It has one access token and no refresh token, ends
 * with the session of the super admin, and the user is told. What is forbidden within it: roles/in-person.ts.
 * @throws NotFoundError, also for a service account; PermissionError for platform accounts and for whoever is not
 * active; ApiError `reauthentication_required`.
 */
export async function impersonate(
  ctx: SessionContext,
  id: string,
  { reason }: ImpersonateInput,
): Promise<TokenAnswer> {
  const { principal } = ctx;
  if (principal.tenantId !== null)
    throw new PermissionError("Only platform accounts act as somebody else.");
  const seconds = Math.min(IMPERSONATION_SECONDS, ctx.config.accessTokenTtlSeconds);
  const { user, session } = await commit(ctx, async (tx) => {
    const user = await lockTarget(tx, ctx, id);
    await assertStillLoggedIn(tx, ctx);
    await assertFactorShown(tx, ctx);
    const again = {
      accountId: user.accountId,
      impersonatorId: principal.userId,
      users: { some: { userId: user.id } },
    };
    await revokeSessions(tx, ctx, again, "impersonated_again");
    const session = await startImpersonation(tx, ctx, user, {
      impersonatorId: principal.userId,
      amr: [...principal.amr],
      seconds,
    });
    await recordAudit(tx, ctx, {
      action: "platform.impersonation_started",
      resourceType: "session",
      resourceId: session.sessionId,
      tenantId: user.tenantId,
      details: { userId: user.id, reason, expiresAt: session.expiresAt.toISOString() },
    });
    // Without the reason: its words are the super admin's. It stands where the user sees who acts in their name.
    await tellUser(tx, ctx, user, {
      template: "impersonated",
      at: session.authenticatedAt.toISOString(),
      link: ctx.config.appUrl,
    });
    return { user, session };
  });
  return tokenAnswer(ctx, user, { ...session, impersonatorId: principal.userId }, seconds);
}

async function lockTarget(
  tx: Transaction,
  ctx: SessionContext,
  id: string,
): Promise<UserRow & { accountId: string }> {
  const user = await tx.user.findFirst({
    where: { ...visibleUser(ctx, id), isDeleted: false },
    select: userSelect,
  });
  if (!user) throw new NotFoundError("user");
  if (user.tenantId === null) throw new PermissionError("Nobody acts as a platform account.");
  const locked = await lockActiveAccount(tx, ctx, user);
  if (!locked)
    throw new PermissionError(
      "Nobody acts as a user who cannot log in: user or tenant is disabled.",
    );
  return { ...user, accountId: locked.accountId };
}

/** Of a log-out at the same moment one comes first: either it finds this session to end, or this finds that it came. */
async function assertStillLoggedIn(tx: Transaction, { principal }: SessionContext): Promise<void> {
  const rows = await tx.$queryRaw<unknown[]>`
    SELECT id FROM sessions
    WHERE id = ${principal.sessionId}::uuid AND account_id = ${principal.accountId}::uuid AND revoked_at IS NULL
    FOR SHARE`;
  if (rows.length === 0) throw new ApiError("invalid_token", "The session has ended.");
}

/** The session may be older than the factor. */
async function assertFactorShown(tx: Transaction, { principal, config }: SessionContext) {
  if (principal.amr.some((method) => POSSESSION.includes(method))) return;
  if ((await secondFactorsOf(tx, principal)).length > 0)
    throw new ApiError(
      "reauthentication_required",
      "Show your second factor: POST /v1/auth/reauthenticate.",
      { maxAgeSeconds: config.stepUpSeconds },
    );
}
