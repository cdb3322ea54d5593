/** Work that lasts: whoever began it may have been stopped meanwhile. */
import type { AuthedContext, Context } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { LIVE } from "../db/live.ts";
import { acrossTenants } from "../db/scope.ts";
import { ApiError, PermissionError } from "../errors.ts";
import { permissionsHeldNow } from "../roles/held.ts";
import { assertSessionLives } from "./assert-live.ts";

/**
 * Holds the caller to what they are now. Between the items of a request, the batches of an import and the pages of an
 * export: a suspended tenant, an ended session, a revoked key and a permission that was taken away end it there. Of a
 * session it costs no statement while the listener is healthy.
 * @throws ApiError `invalid_token`; PermissionError
 */
export async function assertStillAllowed(ctx: AuthedContext, permission: string): Promise<void> {
  if (await isOver(ctx)) throw ended();
  const { permissions } = await ctx.grants.of(ctx.principal.userId);
  if (!permissions.has(permission)) throw takenAway(permission);
}

/**
 * The same in a transaction, which may have waited for the very change that stops the caller. It takes no connection but
 * the transaction's. @throws ApiError `invalid_token`; PermissionError
 */
export async function assertStillAllowedIn(
  tx: Transaction,
  ctx: AuthedContext,
  permission: string,
): Promise<void> {
  const { userId, tenantId, apiKeyId } = ctx.principal;
  await assertSessionLives(tx, ctx);
  const isGone =
    (await tx.user.count({ where: { id: userId, tenantId, ...LIVE } })) === 0 ||
    (apiKeyId !== null &&
      (await tx.apiKey.count({ where: { id: apiKeyId, tenantId, revokedAt: null } })) === 0);
  if (isGone) throw ended();
  if (!(await permissionsHeldNow(tx, ctx)).has(permission)) throw takenAway(permission);
}

/**
 * Once the body has come, for which a caller has minutes after they were let in: whoever keeps a request open must not
 * come back by it after their session ended, or what they held was taken away. Of a session it costs no statement while
 * the listener is healthy; what is at stake to the moment asks again under its lock (assert-live.ts).
 * @throws ApiError `invalid_token`; PermissionError
 */
export async function assertStillThere(ctx: AuthedContext): Promise<void> {
  if (isKnownThere(ctx)) return;
  const { userId, permissions: had } = ctx.principal;
  if (await isOver(ctx)) throw ended();
  const { permissions } = await ctx.grants.of(userId);
  for (const permission of had) if (!permissions.has(permission)) throw takenAway(permission);
}

/**
 * Whether another session took this one's place so lately that the answer with its tokens may not have arrived: as long as
 * for a refresh (REFRESH_GRACE_SECONDS). Its access token opens nothing but the way to prove once more who one is.
 */
export async function wasReplacedLately(ctx: Context, sessionId: string): Promise<boolean> {
  const { refreshGraceSeconds } = ctx.config;
  const replaced = await acrossTenants(
    () => ctx.db.$queryRaw<unknown[]>`
      SELECT FROM sessions WHERE id = ${sessionId}::uuid AND revoked_reason = 'reauthenticated'
        AND revoked_at > now() - make_interval(secs => ${refreshGraceSeconds})`,
  );
  return replaced.length > 0;
}

/** Whether memory alone says so: of a session that goes on, and whose user still has the very set (roles/grants.ts). */
function isKnownThere({ principal, revocations, grants }: AuthedContext): boolean {
  const { userId, sessionId, permissions } = principal;
  return (
    sessionId !== null &&
    revocations.known(sessionId, userId) === false &&
    grants.known(userId)?.permissions === permissions
  );
}

/** With a suspended or deleted tenant, and with a disabled user, their sessions end. */
async function isOver({ principal, revocations, apiKeys }: AuthedContext): Promise<boolean> {
  const { userId, sessionId, apiKeyId, isReplaced } = principal;
  return (
    (sessionId !== null && !isReplaced && (await revocations.isRevoked(sessionId, userId))) ||
    (apiKeyId !== null && !(await apiKeys.isLive(apiKeyId)))
  );
}

function ended(): ApiError {
  return new ApiError("invalid_token", "The session, or the key, ended while this was under way.");
}

function takenAway(permission: string): PermissionError {
  return new PermissionError(`This needs the permission ${permission}, which was taken away.`);
}
