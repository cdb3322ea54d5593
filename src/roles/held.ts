/** What somebody holds at this moment, not at the moment when a request began, and the locks under which it stays so. */
import { Prisma } from "../../generated/prisma/client.ts";
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { LOCKS } from "../db/lock-names.ts";
import { PermissionError } from "../errors.ts";

/**
 * Makes the grants of a tenant stand still until the transaction ends: whoever gives, takes or changes roles there comes
 * one after the other. Without it somebody could give a permission while it is being taken from them. After the row of
 * a user, never before it, so that nobody waits in a circle.
 */
export async function lockGrants(
  tx: Transaction,
  { principal }: Pick<AuthedContext, "principal">,
  tenantId: string | null,
): Promise<void> {
  // A platform account's own grants belong to no tenant. A change of them begins with its row (users/reach.ts).
  if (principal.tenantId !== tenantId)
    await tx.$queryRaw`SELECT id FROM users WHERE id = ${principal.userId}::uuid FOR SHARE`;
  await lockGrantsIn(tx, tenantId);
}

/** The lock alone, for whoever holds the row of the giver. Namespaced by its first key. */
export async function lockGrantsIn(tx: Transaction, tenantId: string | null): Promise<void> {
  await tx.$executeRaw`SELECT ${grantsLock(tenantId)}`;
}

/** What `lockGrantsIn` does, as SQL. */
function grantsLock(tenantId: string | null): Prisma.Sql {
  return Prisma.sql`pg_advisory_xact_lock(${LOCKS.grants}::int, hashtext(${tenantId ?? "platform"}))`;
}

/**
 * For whoever gives roles to somebody who is only being made, as SQL: what they hold stands still, and they take nothing from
 * anybody who might be giving it, so they need not wait for each other. Never followed by `lockGrants` in one
 * transaction: two that did both would wait for each other.
 */
export function sharedGrantsLock(tenantId: string): Prisma.Sql {
  return Prisma.sql`pg_advisory_xact_lock_shared(${LOCKS.grants}::int, hashtext(${tenantId}))`;
}

/** What the roles of a user permit. Without a tenant: in whichever one the user is. */
export async function heldBy(
  tx: Transaction,
  user: { userId: string; tenantId?: string | null },
): Promise<ReadonlySet<string>> {
  const held = await tx.rolePermission.findMany({
    where: { role: { users: { some: user } } },
    select: { permissionKey: true },
    distinct: ["permissionKey"],
  });
  return new Set(held.map((row) => row.permissionKey));
}

/** The permissions that the caller held when they came and still holds. To be read under `lockGrants`. */
export async function permissionsHeldNow(
  tx: Transaction,
  { principal: { userId, tenantId, permissions } }: Pick<AuthedContext, "principal">,
): Promise<ReadonlySet<string>> {
  return alsoHad({ permissions }, await heldBy(tx, { userId, tenantId }));
}

/** Of what the user holds, what the caller had when they came: an API key may do less than its user. */
export function alsoHad(
  { permissions }: { permissions: ReadonlySet<string> },
  held: Iterable<string>,
): ReadonlySet<string> {
  return new Set([...held].filter((key) => permissions.has(key)));
}

/** @throws PermissionError that names the permissions which are beyond what is held. */
export function assertWithin(
  held: ReadonlySet<string>,
  wanted: readonly string[],
  message = "You cannot give what you do not hold",
): void {
  const beyond = wanted.filter((key) => !held.has(key));
  if (beyond.length > 0) throw new PermissionError(`${message}: ${beyond.join(", ")}.`);
}
