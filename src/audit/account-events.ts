/** What happens to an account, and so to every tenant that it has a user in: its password, factors, locks, address, sessions. */
import type { Prisma } from "../../generated/prisma/client.ts";
import type { Transaction } from "../db/client.ts";
import { afterCommit } from "../db/commit.ts";
import type { AuditAction } from "./actions.ts";
import { type Actor, recordAudit, toRow } from "./record.ts";

export type AccountEvent = {
  action: AuditAction;
  /** Whose account, as the user by whom it came about. A service account has none. */
  user: { id: string; tenantId: string | null; accountId: string | null };
  /**
   * The tenant that may read of it; the user's, where nothing is said. Null: it is for the platform alone, such as what
   * strangers do with an address of which a tenant alone says whose it is (accounts/pool.ts).
   */
  auditTenantId?: string | null;
  /** What it was done to; the user, where nothing is said. Other tenants read of their user. */
  resource?: { type: string; id: string | null };
  outcome?: "success" | "failure";
  /** Never a secret, and nothing that one tenant knows and another must not: the only tenant of an account reads it. */
  details?: Prisma.InputJsonObject;
};

/**
 * Records what happened to an account. Where it has one user, that is a row in the chain of that user's tenant. Where it has
 * several, the platform's chain has all that there is to say, and that of each tenant with a live user of it a row without
 * details, and without the origin (address, device, session) for all tenants but the one for which the caller speaks. So
 * no tenant learns of another.
 * @param actorId who it was, where nobody is logged in.
 */
export async function recordAccountEvent(
  tx: Transaction,
  ctx: Actor,
  { user, auditTenantId = user.tenantId, resource, ...event }: AccountEvent,
  actorId?: string,
): Promise<void> {
  const entry = {
    ...event,
    resourceType: resource?.type ?? "user",
    resourceId: resource ? resource.id : user.id,
    tenantId: auditTenantId,
  };
  const { accountId } = user;
  if (accountId === null) return recordAudit(tx, ctx, entry, actorId);
  afterCommit(tx, () => ctx.me.forget({ accountId }));
  const row = toRow(ctx, entry, actorId);
  const isForPlatform = auditTenantId === null && user.tenantId !== null;
  await tx.$executeRaw`
    SELECT record_account_event(${isForPlatform ? null : accountId}::uuid, ${JSON.stringify({
      id: row.id,
      tenant_id: row.tenantId,
      actor_id: row.actorId,
      impersonator_id: row.impersonatorId,
      session_id: row.sessionId,
      action: row.action,
      resource_type: row.resourceType,
      resource_id: row.resourceId,
      outcome: row.outcome,
      details: row.details,
      ip: row.ip,
      user_agent: row.userAgent,
      request_id: row.requestId,
      created_at: new Date(),
    })}::jsonb)`;
}
