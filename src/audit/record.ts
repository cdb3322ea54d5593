/** Writing audit rows: always with the transaction of the change they speak of. */

import { Prisma } from "../../generated/prisma/client.ts";
import type { Context } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { afterCommit } from "../db/commit.ts";
import { newId } from "../db/id.ts";
import type { Principal } from "../principal.ts";
import type { AuditAction } from "./actions.ts";

export type AuditEntry = {
  action: AuditAction;
  resourceType: string;
  resourceId?: string | null;
  /** The tenant that the row belongs to: that of the resource. */
  tenantId: string | null;
  outcome?: "success" | "failure";
  /** Never a secret: whoever reads the log sees this. */
  details?: Prisma.InputJsonObject;
};

export type Actor = Context & { principal?: Principal };

/**
 * Records one entry in `tx`; the actor and the origin come from the context, never from input. What this instance shows of
 * the user or tenant that it tells of is read again after the commit.
 */
export async function recordAudit(
  tx: Transaction,
  ctx: Actor,
  entry: AuditEntry,
  actorId?: string,
): Promise<void> {
  await tx.auditLog.create({ data: toRow(ctx, entry, actorId) });
  forgetShown(tx, ctx, entry);
}

/**
 * Other instances hear of each change by a trigger. So would this one, but perhaps after whoever changed it has asked; and
 * no change is without its row here.
 */
function forgetShown(tx: Transaction, ctx: Actor, { resourceType, resourceId }: AuditEntry): void {
  if (typeof resourceId !== "string") return;
  if (resourceType === "user") afterCommit(tx, () => ctx.me.forget({ userId: resourceId }));
  if (resourceType === "tenant") afterCommit(tx, () => ctx.me.forget({ tenantId: resourceId }));
}

/**
 * The statement of `recordAudit`, for those who put it beside another one in the same round trip. A test holds the two equal.
 * @param where SQL: as of `insertingSession`.
 */
export function recording(
  ctx: Actor,
  entry: AuditEntry,
  actorId?: string,
  where: Prisma.Sql = Prisma.sql`WHERE true`,
): Prisma.Sql {
  const row = toRow(ctx, entry, actorId);
  return Prisma.sql`
    INSERT INTO audit_log (id, tenant_id, actor_id, impersonator_id, session_id, action, resource_type, resource_id, outcome,
      details, ip, user_agent, request_id, created_at)
    SELECT ${row.id}::uuid, ${row.tenantId}::uuid, ${row.actorId}::uuid, ${row.impersonatorId}::uuid, ${row.sessionId}::uuid,
      ${row.action}, ${row.resourceType}, ${row.resourceId}::uuid, ${row.outcome}::audit_outcome,
      ${JSON.stringify(row.details)}::jsonb, ${row.ip}::inet, ${row.userAgent}, ${row.requestId}, ${new Date()} ${where}`;
}

/** Records many entries in one statement. */
export async function recordAudits(
  tx: Transaction,
  ctx: Actor,
  entries: AuditEntry[],
): Promise<void> {
  await tx.auditLog.createMany({ data: entries.map((entry) => toRow(ctx, entry)) });
  for (const entry of entries) forgetShown(tx, ctx, entry);
}

/** The row of an entry, but for its time. */
export function toRow(ctx: Actor, entry: AuditEntry, actorId?: string) {
  const apiKeyId = ctx.principal?.apiKeyId ?? null;
  return {
    id: newId(),
    tenantId: entry.tenantId,
    actorId: ctx.principal?.userId ?? actorId ?? null,
    impersonatorId: ctx.principal?.impersonatorId ?? null,
    sessionId: ctx.principal?.sessionId ?? null,
    action: entry.action,
    resourceType: entry.resourceType,
    resourceId: entry.resourceId ?? null,
    outcome: entry.outcome ?? "success",
    // A machine acts as its user: the row tells which of the user's keys it was.
    details: { ...entry.details, ...(apiKeyId !== null && { apiKeyId }) },
    ip: ctx.origin.ip,
    userAgent: ctx.origin.userAgent,
    requestId: ctx.origin.requestId,
  };
}
