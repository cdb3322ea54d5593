/** Which users a caller may touch. How far: roles/giving.ts. */
import type { Prisma, UserKind, UserStatus } from "../../generated/prisma/client.ts";
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { isId } from "../db/id.ts";
import { ANNOUNCE_TENANT_OF_USER, HOLD_TENANT } from "../db/tenant-locks.ts";
import { NotFoundError } from "../errors.ts";

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
  /** Null for a service account, and for who was erased. */
  accountId: string | null;
  /** Of the account; null for the pool that all tenants share. */
  poolId: string | null;
  kind: UserKind;
  email: string;
  /** What it will be once it is proved. */
  pendingEmail: string | null;
  status: UserStatus;
  version: number;
  isDeleted: boolean;
};

/**
 * Locks the user, if the caller may see them, so that what is checked from here on still holds when it is written; and
 * their account before, unless it is one that others share too (`lock_account` in migrations-sql/030_users.sql).
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
  const wanted = deleted === "either" ? [true, false] : [deleted];
  const [user] = await tx.$queryRaw<LockedUser[]>`
    WITH announced AS MATERIALIZED (
      SELECT id, ${ANNOUNCE_TENANT_OF_USER} FROM users
      WHERE id = ${id}::uuid AND (${own}::uuid IS NULL OR tenant_id = ${own}::uuid)
    ), held AS MATERIALIZED (
      SELECT locked_pool FROM announced, lock_account(announced.id, ${own}::uuid))
    SELECT id, tenant_id AS "tenantId", account_id AS "accountId", locked_pool AS "poolId", kind::text, email,
      pending_email AS "pendingEmail", status::text, version, is_deleted AS "isDeleted"
    FROM held, users
    WHERE id = ${id}::uuid AND is_deleted = ANY(${wanted}) AND kind::text = ANY(${kinds})
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
