import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import { commit } from "../db/commit.ts";
import { UNANSWERED } from "../db/live.ts";
import { NotFoundError } from "../errors.ts";
import { visibleInvitation } from "./read.ts";

/** Takes an invitation back: its link is void, its seat free. @throws NotFoundError, also for one that is over. */
export async function revokeInvitation(ctx: AuthedContext, id: string): Promise<void> {
  await commit(ctx, async (tx) => {
    const [revoked] = await tx.invitation.updateManyAndReturn({
      where: { ...visibleInvitation(ctx, id), ...UNANSWERED },
      data: { revokedAt: new Date() },
      select: { id: true, tenantId: true },
    });
    if (!revoked) throw new NotFoundError("invitation");
    await recordAudit(tx, ctx, {
      action: "invitation.revoked",
      resourceType: "invitation",
      resourceId: revoked.id,
      tenantId: revoked.tenantId,
    });
  });
}
