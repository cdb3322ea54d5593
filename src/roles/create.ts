import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { commit } from "../db/commit.ts";
import { newId } from "../db/id.ts";
import { holdTenant } from "../db/tenant-locks.ts";
import { ApiError, NotFoundError, ValidationError } from "../errors.ts";
import { targetTenant } from "../principal.ts";
import { assertForTenants } from "./declared.ts";
import { assertWithin, lockGrants, permissionsHeldNow } from "./held.ts";
import { assertNameFree } from "./reach.ts";
import { type CreateRoleInput, type Role, roleSelect, toRole } from "./schemas.ts";

export const MOST_ROLES = 100;

/**
 * Makes a role of the caller's tenant; a platform account names the tenant. Nobody puts a permission into it that they
 * lack themselves. @throws PermissionError, ValidationError, NotFoundError (the tenant); ApiError `role_name_taken`,
 * `too_many_roles`.
 */
export async function createRole(ctx: AuthedContext, input: CreateRoleInput): Promise<Role> {
  const { name, description, permissions } = input;
  const tenantId = targetTenant(ctx, input.tenantId, "Roles");
  if (tenantId === null)
    throw new ValidationError([
      { path: "tenantId", message: "Name the tenant that the role is for" },
    ]);
  return commit(ctx, async (tx) => {
    await assertTenant(tx, tenantId);
    await lockGrants(tx, ctx, tenantId);
    await assertForTenants(tx, permissions);
    assertWithin(await permissionsHeldNow(tx, ctx), permissions);
    await assertNameFree(tx, tenantId, name);
    if ((await tx.role.count({ where: { tenantId } })) >= MOST_ROLES)
      throw new ApiError("too_many_roles", `A tenant has ${MOST_ROLES} roles of its own at most.`);
    const row = await tx.role.create({
      data: {
        id: newId(),
        tenantId,
        name,
        description: description ?? null,
        permissions: { create: permissions.map((permissionKey) => ({ permissionKey, tenantId })) },
      },
      select: roleSelect,
    });
    await recordAudit(tx, ctx, {
      action: "role.created",
      resourceType: "role",
      resourceId: row.id,
      tenantId,
      details: { name, permissions },
    });
    return { ...toRole(row), holders: 0 };
  });
}

/** Kept from going while the role is made. */
async function assertTenant(tx: Transaction, tenantId: string): Promise<void> {
  await holdTenant(tx, tenantId);
  const rows = await tx.$queryRaw<unknown[]>`
    SELECT id FROM tenants WHERE id = ${tenantId}::uuid AND NOT is_deleted FOR SHARE`;
  if (rows.length === 0) throw new NotFoundError("tenant");
}
