/** Who would lose a permission of an application if it went. */
import type { Transaction } from "../db/client.ts";
import { ApiError } from "../errors.ts";

/** Whoever is told which are in the way finds the next ones when they ask again. */
const NAMED = 5;

/** @throws ApiError `permission_in_use`, which names some of the roles or keys. */
export async function assertUnused(tx: Transaction, key: string): Promise<void> {
  await assertUnusedByTenants(tx, key);
  // A key that was made meanwhile has an empty word among its scopes: it holds what its user holds.
  const keys = await tx.apiKey.findMany({
    where: {
      scopes: { has: key },
      revokedAt: null,
      OR: [{ expiresAt: null }, { expiresAt: { gt: new Date() } }],
    },
    select: { id: true },
    orderBy: { id: "asc" },
    take: NAMED,
  });
  if (keys.length > 0)
    throw new ApiError(
      "permission_in_use",
      `It is a scope of API keys: ${keys.map(({ id }) => id).join(", ")}. Revoke them first.`,
    );
}

/** @throws ApiError `permission_in_use`, which names some of the roles. */
export async function assertUnusedByTenants(tx: Transaction, key: string): Promise<void> {
  const roles = await tx.role.findMany({
    where: { tenantId: { not: null }, permissions: { some: { permissionKey: key } } },
    select: { id: true, name: true, tenantId: true },
    orderBy: { id: "asc" },
    take: NAMED,
  });
  if (roles.length === 0) return;
  const named = roles.map(({ id, name, tenantId }) => `${name} (${id}, of tenant ${tenantId})`);
  throw new ApiError(
    "permission_in_use",
    `Roles of tenants hold it: ${named.join(", ")}. Take it from them first.`,
  );
}
