/** Whom the largest tenant has: what is measured needs addresses and ids that are there. */
import { listAuditLogs } from "../../audit/list.ts";
import type { AuthedContext, Deps } from "../../context.ts";
import { newId } from "../../db/id.ts";
import { LIVE_TENANT_SQL } from "../../db/live.ts";
import { acrossTenants, inTenant } from "../../db/scope.ts";
import { SYSTEM_ROLES } from "../../roles/permissions.ts";
import { listUsers } from "../../users/read.ts";
import { ListUsersQuery } from "../../users/schemas.ts";
import { CannotRun } from "../cannot-run.ts";

export type Tenant = {
  tenantId: string;
  slug: string;
  /** Live ones of the tenant. */
  users: number;
  ownerId: string;
  /** Of the whole database, as the planner knows it. */
  allUsers: number;
  auditRows: number;
};

export type Sample = Tenant & {
  emails: string[];
  /** Of the middle of the list; null in a tenant that has no middle. */
  cursor: string | null;
  actorId: string;
  resourceType: string;
  resourceId: string;
};

const TENANT = `
  SELECT tenants.id::text AS "tenantId", slug, count(*)::float8 AS users,
    (SELECT user_id::text FROM user_roles WHERE tenant_id = tenants.id AND role_id = $2 LIMIT 1) AS "ownerId",
    (SELECT reltuples::float8 FROM pg_class WHERE oid = 'users'::regclass) AS "allUsers",
    (SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::float8 FROM pg_partition_tree('audit_log') AS part
      JOIN pg_class AS c ON c.oid = part.relid WHERE part.isleaf) AS "auditRows"
  FROM users JOIN tenants ON tenants.id = users.tenant_id
  WHERE NOT users.is_deleted AND ${LIVE_TENANT_SQL} AND ($1::text IS NULL OR slug = $1)
  GROUP BY tenants.id, slug ORDER BY users DESC LIMIT 1`;

/** @param slug of a tenant; null for the largest. @throws CannotRun */
export async function findTenant({ pool }: Deps, slug: string | null): Promise<Tenant> {
  const { rows } = await acrossTenants(() =>
    pool.query<Tenant & { ownerId: string | null }>(TENANT, [slug, SYSTEM_ROLES.owner]),
  );
  const [tenant] = rows;
  if (tenant?.ownerId) return tenant;
  throw new CannotRun(
    slug ? `there is no live tenant ${slug} with an owner.` : "there is no tenant to measure with.",
  );
}

/** Of no machine (RFC 5737). Without an address a caller is known by nothing, which is another plan. */
const ADDRESS = "192.0.2.1";

/** As its owner, by a key: nobody's session is touched. */
export async function contextOf(deps: Deps, { tenantId, ownerId }: Tenant): Promise<AuthedContext> {
  const nothing = { userAgent: null, language: null, device: null };
  const origin = { requestId: newId(), ip: ADDRESS, ...nothing };
  const { roles, permissions } = await deps.grants.of(ownerId);
  const principal = {
    ...{ userId: ownerId, tenantId, accountId: null, sessionId: null, apiKeyId: null },
    ...{ impersonatorId: null, amr: [], authenticatedAt: 0, roles },
    permissions,
  };
  return { ...deps, origin, principal };
}

const PAGE = 100;
const LAST_PAGE = 500;

/** @throws CannotRun in a tenant of which there is nothing in the audit log. */
export async function takeSample(ctx: AuthedContext, tenant: Tenant): Promise<Sample> {
  const page = Math.min(LAST_PAGE, Math.max(1, Math.floor(tenant.users / 2 / PAGE)));
  const [middle, log] = await inTenant(tenant.tenantId, async () => [
    await listUsers(ctx, ListUsersQuery.parse({ limit: PAGE, page })),
    await listAuditLogs(ctx, { limit: PAGE }),
  ]);
  const row = log.items.find(({ actorId, resourceId }) => actorId !== null && resourceId !== null);
  if (!row?.actorId || !row.resourceId || middle.items.length === 0)
    throw new CannotRun(`the audit log tells nothing of the tenant ${tenant.slug} yet.`);
  return {
    ...tenant,
    emails: middle.items.map(({ email }) => email),
    cursor: middle.nextCursor,
    ...{ actorId: row.actorId, resourceType: row.resourceType, resourceId: row.resourceId },
  };
}
