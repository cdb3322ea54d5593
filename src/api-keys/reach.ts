import type { Prisma } from "../../generated/prisma/client.ts";
import type { AuthedContext } from "../context.ts";
import { PermissionError } from "../errors.ts";
import type { PermissionKey } from "../roles/permissions.ts";

/**
 * The keys that the caller may see or revoke: those of the tenant with the permission, their own without it. A machine
 * needs it for those of its own user too, since its scopes are all that it was given. @throws PermissionError
 */
export function reachableKeys(
  ctx: AuthedContext,
  permission: PermissionKey,
): Prisma.ApiKeyWhereInput {
  const { userId, tenantId, apiKeyId, permissions } = ctx.principal;
  if (permissions.has(permission)) return tenantId === null ? {} : { tenantId };
  if (apiKeyId !== null) throw new PermissionError(`This needs the permission ${permission}.`);
  return { userId, tenantId };
}
