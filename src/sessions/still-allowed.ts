/** Work that lasts: whoever began it may have been stopped meanwhile. */
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
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
  const { userId, sessionId, apiKeyId } = ctx.principal;
  // With a suspended or deleted tenant, and with a disabled user, their sessions end.
  const isOver =
    (sessionId !== null && (await ctx.revocations.isRevoked(sessionId))) ||
    (apiKeyId !== null && !(await ctx.apiKeys.isLive(apiKeyId)));
  if (isOver) throw ended();
  const { permissions } = await ctx.grants.of(userId);
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
  const { userId, tenantId, sessionId, apiKeyId } = ctx.principal;
  if (sessionId !== null)
    await assertSessionLives(tx, { principal: { ...ctx.principal, sessionId } });
  const isOver =
    (await tx.user.count({ where: { id: userId, tenantId, status: "active" } })) === 0 ||
    (apiKeyId !== null &&
      (await tx.apiKey.count({ where: { id: apiKeyId, tenantId, revokedAt: null } })) === 0);
  if (isOver) throw ended();
  if (!(await permissionsHeldNow(tx, ctx)).has(permission)) throw takenAway(permission);
}

function ended(): ApiError {
  return new ApiError("invalid_token", "The session, or the key, ended while this was under way.");
}

function takenAway(permission: string): PermissionError {
  return new PermissionError(`This needs the permission ${permission}, which was taken away.`);
}
