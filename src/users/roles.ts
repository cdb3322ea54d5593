import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { PermissionError, ValidationError } from "../errors.ts";
import { SYSTEM_ROLES } from "../roles/permissions.ts";

type Role = { id: string; name: string };

/**
 * The roles with these names for a user of `tenantId`, all of which the caller may give.
 * @throws ValidationError for unknown names and for a role of the wrong side (super_admin is for platform accounts, the
 * others for tenants); PermissionError for a role that may do more than the caller (ASVS 5.0, 8.2).
 */
export async function rolesToGrant(
  tx: Transaction,
  ctx: AuthedContext,
  tenantId: string | null,
  names: string[],
): Promise<Role[]> {
  const wanted = [...new Set(names)];
  const found = await tx.role.findMany({
    where: { name: { in: wanted }, OR: [{ tenantId: null }, { tenantId: tenantId }] },
    select: { id: true, name: true, permissions: { select: { permissionKey: true } } },
  });
  const fits = found.filter(
    (role) => (role.id === SYSTEM_ROLES.super_admin) === (tenantId === null),
  );
  const unknown = wanted.filter((name) => !fits.some((role) => role.name === name));
  if (unknown.length > 0) {
    throw new ValidationError(
      unknown.map((name) => ({
        path: "roles",
        message: `There is no role ${JSON.stringify(name)} to give here`,
      })),
    );
  }
  const own = ctx.principal.permissions;
  const above = fits.filter((role) =>
    role.permissions.some(({ permissionKey }) => !own.has(permissionKey)),
  );
  if (above.length > 0) {
    throw new PermissionError(
      `You cannot give what you do not hold: ${above.map((role) => role.name).join(", ")}.`,
    );
  }
  return fits.map(({ id, name }) => ({ id, name }));
}

/** Makes the user's roles exactly these. @throws PermissionError when the caller may not take one away. */
export async function replaceRoles(
  tx: Transaction,
  ctx: AuthedContext,
  user: { id: string; tenantId: string | null },
  names: string[],
): Promise<void> {
  const roles = await rolesToGrant(tx, ctx, user.tenantId, names);
  const ids = roles.map((role) => role.id);
  await tx.userRole.deleteMany({
    where: { userId: user.id, tenantId: user.tenantId, roleId: { notIn: ids } },
  });
  await tx.userRole.createMany({
    data: ids.map((roleId) => ({
      userId: user.id,
      roleId,
      tenantId: user.tenantId,
      grantedBy: ctx.principal.userId,
    })),
    skipDuplicates: true,
  });
}
