/** What a caller may give at this moment, not at the moment when the request began. */
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { LOCKS } from "../db/lock-names.ts";

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
  // A platform account's own grants belong to no tenant. A change of them begins with its row (users/scope.ts).
  if (principal.tenantId !== tenantId)
    await tx.$queryRaw`SELECT id FROM users WHERE id = ${principal.userId}::uuid FOR SHARE`;
  // The same lock as that of the last owner.
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LOCKS.grants}::int, hashtext(${tenantId ?? "platform"}))`;
}

/** The permissions that the caller held when they came and still holds. To be read under `lockGrants`. */
export async function permissionsHeldNow(
  tx: Transaction,
  { principal }: Pick<AuthedContext, "principal">,
): Promise<ReadonlySet<string>> {
  const { userId, tenantId, permissions } = principal;
  const held = await tx.rolePermission.findMany({
    where: { role: { users: { some: { userId, tenantId } } } },
    select: { permissionKey: true },
    distinct: ["permissionKey"],
  });
  // Both: an API key may do less than its user.
  return new Set(held.map((row) => row.permissionKey).filter((key) => permissions.has(key)));
}
