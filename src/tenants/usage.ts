import { Prisma } from "../../generated/prisma/client.ts";
import type { AuthedContext } from "../context.ts";
import { PENDING_INVITATION_SQL } from "../db/live.ts";
import { fromReplica } from "../db/replica.ts";
import { NotFoundError } from "../errors.ts";
import { visibleTenant } from "./read.ts";
import type { TenantUsage } from "./schemas.ts";

type Counts = {
  active: number;
  disabled: number;
  deleted: number;
  people: number;
  services: number;
  invitations: number;
  sessions: number;
  keys: number;
  lastActivityAt: Date | null;
};

/**
 * What a tenant uses, counted as of now. Each table is read once, by an index that begins with the tenant; of the API
 * keys too. @throws NotFoundError
 */
export async function getTenantUsage(ctx: AuthedContext, id: string): Promise<TenantUsage> {
  const tenant = await ctx.db.tenant.findFirst({
    where: visibleTenant(ctx, id),
    select: { id: true, seatLimit: true },
  });
  if (!tenant) throw new NotFoundError("tenant");
  const counts = await fromReplica(ctx, (at) =>
    at.pool.costly("read", () => countAll(at, tenant.id)),
  );
  if (!counts) throw new NotFoundError("tenant");
  return toUsage(counts, tenant.seatLimit);
}

async function countAll({ db }: AuthedContext, tenantId: string): Promise<Counts | undefined> {
  const [counts] = await db.$queryRaw<Counts[]>`
    SELECT of_users.*, of_sessions.*,
      (SELECT count(*)::int FROM invitations WHERE tenant_id = ${tenantId}::uuid
        AND ${Prisma.raw(PENDING_INVITATION_SQL)}) AS invitations,
      (SELECT count(*)::int FROM api_keys WHERE tenant_id = ${tenantId}::uuid
        AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())) AS keys
    FROM (
      SELECT
        (count(*) FILTER (WHERE kind = 'person' AND NOT is_deleted AND status = 'active'))::int AS active,
        (count(*) FILTER (WHERE kind = 'person' AND NOT is_deleted AND status = 'disabled'))::int AS disabled,
        (count(*) FILTER (WHERE kind = 'person' AND is_deleted))::int AS deleted,
        (count(*) FILTER (WHERE kind = 'person' AND NOT is_deleted))::int AS people,
        (count(*) FILTER (WHERE kind = 'service' AND NOT is_deleted))::int AS services
      FROM users WHERE tenant_id = ${tenantId}::uuid
    ) AS of_users, (
      SELECT (count(*) FILTER (WHERE session_users.revoked_at IS NULL
          AND sessions.revoked_at IS NULL AND idle_expires_at > now()))::int AS sessions,
        max(session_users.last_used_at) AS "lastActivityAt"
      FROM session_users JOIN sessions ON sessions.id = session_id WHERE session_users.tenant_id = ${tenantId}::uuid
    ) AS of_sessions`;
  return counts;
}

function toUsage(counts: Counts, seatLimit: number | null): TenantUsage {
  return {
    users: { active: counts.active, disabled: counts.disabled, deleted: counts.deleted },
    serviceAccounts: counts.services,
    pendingInvitations: counts.invitations,
    seats: { taken: counts.people + counts.invitations, limit: seatLimit },
    activeSessions: counts.sessions,
    apiKeys: counts.keys,
    lastActivityAt: counts.lastActivityAt?.toISOString() ?? null,
  };
}
