/** Which users a caller may touch, and how far. */
import type { Prisma, UserKind, UserStatus } from "../../generated/prisma/client.ts";
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { isId } from "../db/id.ts";
import { LOCKS } from "../db/lock-names.ts";
import { ANNOUNCE_TENANT_OF_USER, HOLD_TENANT } from "../db/tenant-locks.ts";
import { ApiError, NotFoundError, PermissionError } from "../errors.ts";
import { SYSTEM_ROLES } from "../roles/permissions.ts";

/** Service accounts are users to the database alone: whoever does not ask for them does not get them. */
const PEOPLE: UserKind[] = ["person"];

/** The users of the caller's tenant; a platform account sees those of every tenant. */
export function visibleUsers(ctx: AuthedContext, kinds = PEOPLE): Prisma.UserWhereInput {
  const { tenantId } = ctx.principal;
  return { kind: { in: kinds }, ...(tenantId !== null && { tenantId }) };
}

/** The one user with this id, if the caller may see them. @throws NotFoundError for what cannot be an id. */
export function visibleUser(ctx: AuthedContext, id: string, kinds = PEOPLE): Prisma.UserWhereInput {
  if (!isId(id)) throw new NotFoundError("user");
  return { ...visibleUsers(ctx, kinds), id };
}

export type LockedUser = {
  id: string;
  tenantId: string | null;
  kind: UserKind;
  email: string;
  /** What it will be once it is proved. */
  pendingEmail: string | null;
  status: UserStatus;
  version: number;
  isDeleted: boolean;
};

/**
 * Locks the user, if the caller may see them, so that what is checked from here on still holds when it is written.
 * One statement: what a second one read before the lock would be stale. A long transaction that stands in the way ends
 * for it (db/tenant-locks.ts). @throws NotFoundError
 */
export async function lockUser(
  tx: Transaction,
  ctx: AuthedContext,
  id: string,
  { deleted = false, kinds = PEOPLE }: { deleted?: boolean | "either"; kinds?: UserKind[] } = {},
): Promise<LockedUser> {
  if (!isId(id)) throw new NotFoundError("user");
  const own = ctx.principal.tenantId;
  const states = deleted === "either" ? [true, false] : [deleted];
  const [user] = await tx.$queryRaw<LockedUser[]>`
    WITH announced AS MATERIALIZED (
      SELECT ${ANNOUNCE_TENANT_OF_USER} FROM users
      WHERE id = ${id}::uuid AND (${own}::uuid IS NULL OR tenant_id = ${own}::uuid))
    SELECT id, tenant_id AS "tenantId", kind::text, email, pending_email AS "pendingEmail", status::text, version,
      is_deleted AS "isDeleted"
    FROM announced, users
    WHERE id = ${id}::uuid AND is_deleted = ANY(${states}) AND kind::text = ANY(${kinds})
      AND (${own}::uuid IS NULL OR tenant_id = ${own}::uuid)
    FOR UPDATE OF users`;
  if (!user) throw new NotFoundError("user");
  return user;
}

/**
 * Holds the tenant of the user, if there is one that the caller may see: for what will ask for a seat of it. A tenant
 * comes before its user's row, as everywhere.
 */
export async function holdTenantOf(
  tx: Transaction,
  { principal: { tenantId: own } }: AuthedContext,
  id: string,
): Promise<void> {
  if (!isId(id)) throw new NotFoundError("user");
  await tx.$executeRaw`
    SELECT ${HOLD_TENANT} FROM users
    WHERE id = ${id}::uuid AND tenant_id IS NOT NULL AND (${own}::uuid IS NULL OR tenant_id = ${own}::uuid)`;
}

/**
 * Nobody changes an account that may do more than they may: an admin who could take over the owner would be the owner.
 * A machine may not change its own user either unless its scopes hold all that the user may do: with a new address for
 * its user, and a new password by mail, a key of one scope would become a session with every right.
 * @throws PermissionError
 */
export async function assertMayManage(
  tx: Transaction,
  ctx: AuthedContext,
  userId: string,
): Promise<void> {
  if (userId === ctx.principal.userId && ctx.principal.apiKeyId === null) return;
  const held = await tx.rolePermission.findMany({
    where: { role: { users: { some: { userId } } } },
    select: { permissionKey: true },
    distinct: ["permissionKey"],
  });
  const missing = held
    .map((row) => row.permissionKey)
    .filter((key) => !ctx.principal.permissions.has(key));
  if (missing.length > 0)
    throw new PermissionError("This user may do more than you: only their peers can change them.");
}

/**
 * Keeps the last active owner of a tenant, or the last super admin, from going. Call it before `user` loses the role,
 * the account or access to it: callers of one tenant come one after the other, so that two owners cannot remove each
 * other at once. @throws ApiError `last_owner` or `last_super_admin`.
 */
export async function assertNotLastRuler(
  tx: Transaction,
  { id, tenantId }: LockedUser,
): Promise<void> {
  // Namespaced by its first key; released at the end of the transaction.
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LOCKS.grants}::int, hashtext(${tenantId ?? "platform"}))`;
  const roleId = SYSTEM_ROLES[rulingRole(tenantId)];
  const rulers = await tx.user.findMany({
    where: {
      tenantId,
      // A machine cannot rule: it cannot log in.
      kind: "person",
      isDeleted: false,
      status: "active",
      roles: { some: { roleId, tenantId } },
    },
    select: { id: true },
    take: 2,
  });
  if (rulers.length !== 1 || rulers[0]?.id !== id) return;
  if (tenantId === null) throw new ApiError("last_super_admin", "Make another super admin first.");
  throw new ApiError("last_owner", "Make another user an owner first.");
}

/** The role of which a tenant, or the platform, must always have somebody. */
export function rulingRole(tenantId: string | null) {
  return tenantId === null ? "super_admin" : "owner";
}
