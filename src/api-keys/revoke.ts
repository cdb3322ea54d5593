import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import { afterCommit, commit } from "../db/commit.ts";
import { isId } from "../db/id.ts";
import { NotFoundError } from "../errors.ts";
import { assertMayManage } from "../roles/giving.ts";
import { assertInPerson } from "../roles/in-person.ts";
import { assertMayChangeLogin } from "../sessions/recent-proof.ts";
import { reachableKeys } from "./reach.ts";

/**
 * Revokes a key, for good and at once. @throws NotFoundError also for one that was revoked before, and for one that the
 * caller may not see; PermissionError when its user may do more than the caller; for a key of the caller's own ApiError
 * `reauthentication_required`, and `session_required` for a machine.
 */
export async function revokeApiKey(ctx: AuthedContext, id: string): Promise<void> {
  assertInPerson(ctx.principal, "api_key:delete");
  const reachable = reachableKeys(ctx, "api_key:delete");
  if (!isId(id)) throw new NotFoundError("API key");
  await commit(ctx, async (tx) => {
    const key = await tx.apiKey.findFirst({
      where: { ...reachable, id, revokedAt: null },
      select: { userId: true, tenantId: true, name: true, prefix: true, scopes: true },
    });
    if (!key) throw new NotFoundError("API key");
    const { userId, tenantId, ...details } = key;
    await assertMayManage(tx, ctx, userId);
    assertMayChangeLogin(ctx, userId);
    // Of two revocations at once the second one finds nothing to revoke.
    const { count } = await tx.apiKey.updateMany({
      where: { id, userId, tenantId, revokedAt: null },
      data: { revokedAt: new Date() },
    });
    if (count === 0) throw new NotFoundError("API key");
    afterCommit(tx, () => ctx.apiKeys.forget());
    await recordAudit(tx, ctx, {
      action: "api_key.revoked",
      resourceType: "api_key",
      resourceId: id,
      tenantId,
      details: { userId, ...details },
    });
  });
}
