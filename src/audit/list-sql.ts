/** Pages of a tenant's whole audit log, by hand. */
import type { AuditLog } from "../../generated/prisma/client.ts";
import { newestOfTenant } from "../db/newest.ts";

export const latestAuditRows = newestOfTenant<AuditLog>({
  table: "audit_log",
  columns: `
    id, tenant_id AS "tenantId", actor_id AS "actorId", impersonator_id AS "impersonatorId", session_id AS "sessionId",
    action, resource_type AS "resourceType", resource_id AS "resourceId", outcome, details, ip, user_agent AS "userAgent",
    request_id AS "requestId", created_at AS "createdAt"`,
});
