import { recordAudit } from "../audit/record.ts";
import type { SessionContext } from "../context.ts";
import { afterCommit, commit } from "../db/commit.ts";
import { isId } from "../db/id.ts";
import { acrossTenants } from "../db/scope.ts";
import { announce } from "../db/tenant-locks.ts";
import { touch } from "../db/touch.ts";
import { NotFoundError } from "../errors.ts";
import { assertNotLastRuler } from "../roles/giving.ts";
import { assertRecentProof } from "../sessions/recent-proof.ts";
import { revokeSessionUsers } from "../sessions/revoke.ts";
import { lockJoiner, speakingAs } from "../users/join.ts";
import { lockUser } from "../users/reach.ts";
import { revokeApiKeysOf } from "../users/revoke-api-keys.ts";

/**
 * Takes the caller out of a tenant that they belong to, the one for which the session speaks or another: what their sessions
 * may do there ends, and their API keys there. With the last tenant the account goes.
 * @throws NotFoundError for a tenant that is none of theirs; PermissionError for platform accounts; ApiError `last_owner`,
 * `reauthentication_required`.
 */
export function leaveTenant(ctx: SessionContext, tenantId: string): Promise<void> {
  assertRecentProof(ctx);
  return acrossTenants(() => leave(ctx, tenantId));
}

async function leave(ctx: SessionContext, tenantId: string): Promise<void> {
  if (!isId(tenantId)) throw new NotFoundError("tenant");
  await commit(ctx, async (tx) => {
    // Nobody waits for a long list of people that somebody is at work on there.
    await announce(tx, tenantId);
    const { accountId } = await lockJoiner(tx, ctx);
    const member = await tx.user.findFirst({
      where: { accountId, tenantId, isDeleted: false },
      select: { id: true },
    });
    if (!member) throw new NotFoundError("tenant");
    const as = speakingAs(ctx, { id: member.id, tenantId: tenantId.toLowerCase() });
    const user = await lockUser(tx, as, member.id);
    await assertNotLastRuler(tx, user);
    await tx.user.update({
      where: { id: user.id, tenantId },
      // Of a deleted user nothing is copied any more.
      data: { isDeleted: true, deletedAt: new Date(), pendingEmail: null, ...touch(as) },
      select: { id: true },
    });
    await revokeSessionUsers(tx, ctx, { userId: user.id, tenantId }, "tenant_left");
    await revokeApiKeysOf(tx, ctx, user);
    afterCommit(tx, () => ctx.grants.forget(user.id));
    await recordAudit(tx, as, {
      action: "user.left_tenant",
      resourceType: "user",
      resourceId: user.id,
      tenantId,
    });
  });
}
