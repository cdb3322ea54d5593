/**
 * What makes an account live: its user is active, and so is the tenant of a user who has one; neither is deleted. Nobody
 * else logs in, goes on with a session, calls with a key, invites or gets a mail.
 */

import type { Prisma } from "../../generated/prisma/client.ts";

/** Of a row of `users`. */
export const LIVE_USER_SQL = "users.status = 'active' AND NOT users.is_deleted";
/** Of a row of `tenants`. */
export const LIVE_TENANT_SQL = "tenants.status = 'active' AND NOT tenants.is_deleted";
/** Of a row of `users` with that of its tenant beside it. */
export const LIVE_ACCOUNT_SQL = `(${LIVE_USER_SQL} AND (users.tenant_id IS NULL OR ${LIVE_TENANT_SQL}))`;
/** The first two for Prisma. */
export const LIVE = { status: "active", isDeleted: false } as const;

/**
 * An account keeps its address while it has a user of the platform, or of a tenant that is not deleted: `keeps_address` of
 * migrations-sql/030_users.sql, for Prisma. Else whoever takes the address sets it aside, and it comes back with a tenant.
 */
export const KEEPS_ADDRESS = {
  isDeleted: false,
  users: {
    some: { isDeleted: false, OR: [{ tenantId: null }, { tenant: { isDeleted: false } }] },
  },
} satisfies Prisma.AccountWhereInput;

/** Of an invitation: nobody has accepted or revoked it. While it has not expired either, it keeps a seat and its roles. */
export const UNANSWERED = { acceptedAt: null, revokedAt: null } as const;

export const PENDING_INVITATION_SQL =
  "accepted_at IS NULL AND revoked_at IS NULL AND expires_at > now()";

export function pendingInvitation() {
  return { ...UNANSWERED, expiresAt: { gt: new Date() } };
}
