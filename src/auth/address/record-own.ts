import { recordAccountEvent } from "../../audit/account-events.ts";
import type { AuditAction } from "../../audit/actions.ts";
import type { SessionContext } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";

/** What somebody did about their own address. Without it, link or code: whoever reads the log sees these. */
export async function recordOwn(
  tx: Transaction,
  ctx: SessionContext,
  action: AuditAction,
  outcome: "success" | "failure" = "success",
): Promise<void> {
  const { userId: id, tenantId, accountId } = ctx.principal;
  await recordAccountEvent(tx, ctx, { action, user: { id, tenantId, accountId }, outcome });
}
