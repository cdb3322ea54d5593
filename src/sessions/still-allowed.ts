/** Work that lasts: whoever began it may have been stopped meanwhile. */
import type { AuthedContext } from "../context.ts";
import { ApiError, PermissionError } from "../errors.ts";

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
  if (isOver)
    throw new ApiError("invalid_token", "The session, or the key, ended while this was under way.");
  const { permissions } = await ctx.grants.of(userId);
  if (!permissions.has(permission))
    throw new PermissionError(`This needs the permission ${permission}, which was taken away.`);
}
