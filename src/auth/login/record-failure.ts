import { type AuditEntry, recordAudit } from "../../audit/record.ts";
import type { Context } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import { afterCommit } from "../../db/commit.ts";

type Failure = Pick<AuditEntry, "action" | "details"> & {
  /** Of nobody whom we know, and of nobody whose tenant may read of it, there is none. */
  userId: string | null | undefined;
  tenantId: string | null | undefined;
  /** Who it was, where that was proved all the same. */
  actorId?: string | undefined;
};

/** Audits that somebody did not prove who they are. */
export async function recordFailure(
  tx: Transaction,
  ctx: Context,
  { userId = null, tenantId = null, actorId, ...entry }: Failure,
): Promise<void> {
  const of = { resourceType: "user", resourceId: userId, tenantId };
  await recordAudit(tx, ctx, { ...entry, ...of, outcome: "failure" }, actorId);
  const { metrics } = ctx;
  // Where the details give no reason, there is but one.
  const { reason = "wrong_password" } = entry.details ?? {};
  if (metrics) afterCommit(tx, () => metrics.logins.add("refused", String(reason)));
}
