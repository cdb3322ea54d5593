import type { AuditAction } from "../../audit/actions.ts";
import { recordAudit } from "../../audit/record.ts";
import type { SessionContext } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";

/** What somebody did about their own address. Without it, link or code: whoever reads the log sees these. */
export async function recordOwn(
  tx: Transaction,
  ctx: SessionContext,
  action: AuditAction,
  outcome: "success" | "failure" = "success",
): Promise<void> {
  const { userId, tenantId } = ctx.principal;
  await recordAudit(tx, ctx, {
    action,
    resourceType: "user",
    resourceId: userId,
    tenantId,
    outcome,
  });
}
