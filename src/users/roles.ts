import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { PermissionError, ValidationError } from "../errors.ts";
import { lockGrants, permissionsHeldNow } from "../roles/held.ts";
import { SYSTEM_ROLES } from "../roles/permissions.ts";
import { revokeSessions } from "../sessions/revoke.ts";
import { settingsOf } from "../tenant-settings/settings.ts";

type Role = { id: string; name: string };

/**
 * The roles with these names for a user of `tenantId`, all of which the caller may give: system roles and the tenant's
 * own. What the caller holds is read under a lock, so that nobody gives what is being taken from them.
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
  await lockGrants(tx, ctx, tenantId);
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
  const own = await permissionsHeldNow(tx, ctx);
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

/** What a user gets who is made without roles: the tenant's `defaultRole` while there is such a role, else member. */
export async function defaultRoles(tx: Transaction, tenantId: string | null): Promise<string[]> {
  const { defaultRole: name } = await settingsOf(tx, tenantId);
  if (name === undefined) return ["member"];
  const found = await tx.role.count({ where: { name, OR: [{ tenantId: null }, { tenantId }] } });
  return found > 0 ? [name] : ["member"];
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
  // Who no longer runs the platform acts as nobody else either. The instances hear of it by the trigger's notification.
  if (user.tenantId === null)
    await revokeSessions(tx, { impersonatorId: user.id }, "impersonator_left");
}
