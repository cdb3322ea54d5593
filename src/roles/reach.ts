/** Which roles a caller may see, and which they may change. */
import type { Prisma } from "../../generated/prisma/client.ts";
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { isId } from "../db/id.ts";
import { announce } from "../db/tenant-locks.ts";
import { ApiError, NotFoundError, PermissionError } from "../errors.ts";
import { assertWithin, lockGrants, permissionsHeldNow } from "./held.ts";
import { SYSTEM_ROLES } from "./permissions.ts";
import { permissionsOf, type RoleRow, roleSelect } from "./schemas.ts";

export type TenantRole = RoleRow & { tenantId: string };

/** The system roles and those of the caller's tenant; a platform account sees those of every tenant. */
export function visibleRoles({ principal }: AuthedContext): Prisma.RoleWhereInput {
  const { tenantId } = principal;
  return tenantId === null ? {} : { OR: [{ tenantId: null }, { tenantId }] };
}

/** The one role with this id, if the caller may see it. @throws NotFoundError for what cannot be an id. */
export function visibleRole(ctx: AuthedContext, id: string): Prisma.RoleWhereInput {
  if (!isId(id)) throw new NotFoundError("role");
  return { ...visibleRoles(ctx), id };
}

/**
 * Finds a role to change and makes it stand still, with what the caller holds at this moment. A role that may do more
 * than they do is not theirs to change: they would take from others what they cannot give back.
 * @throws NotFoundError, PermissionError for a system role and for one that is above the caller.
 */
export async function lockRole(
  tx: Transaction,
  ctx: AuthedContext,
  id: string,
): Promise<{ role: TenantRole; held: ReadonlySet<string> }> {
  const where = visibleRole(ctx, id);
  const seen = await tx.role.findFirst({ where, select: { tenantId: true } });
  if (!seen) throw new NotFoundError("role");
  const { tenantId } = seen;
  if (tenantId === null)
    throw new PermissionError(
      "A system role is the same for every tenant: make a role of your own.",
    );
  await announce(tx, tenantId);
  await lockGrants(tx, ctx, tenantId);
  // Read again: what was read before the lock may be gone, or hold other permissions.
  const role = await tx.role.findFirst({ where, select: roleSelect });
  if (!role) throw new NotFoundError("role");
  const held = await permissionsHeldNow(tx, ctx);
  assertWithin(held, permissionsOf(role), "This role may do what you may not");
  return { role: { ...role, tenantId }, held };
}

/** @throws ApiError `role_name_taken` for the name of a system role, or of another role of the tenant. */
export async function assertNameFree(
  tx: Transaction,
  tenantId: string,
  name: string,
  own?: string,
): Promise<void> {
  const other = await tx.role.findFirst({
    where: { tenantId, name, ...(own !== undefined && { id: { not: own } }) },
    select: { id: true },
  });
  if (Object.hasOwn(SYSTEM_ROLES, name) || other)
    throw new ApiError("role_name_taken", `There is a role with the name ${name} already.`);
}
