import { changesBetween } from "../audit/changes.ts";
import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { afterCommit, commit } from "../db/commit.ts";
import { pendingInvitation } from "../db/live.ts";
import { ApiError } from "../errors.ts";
import { assertForTenants } from "./declared.ts";
import { assertWithin } from "./held.ts";
import { assertNameFree, lockRole, type TenantRole } from "./reach.ts";
import { holdersOf } from "./read.ts";
import { permissionsOf, type Role, roleSelect, toRole, type UpdateRoleInput } from "./schemas.ts";

/**
 * Changes a role of the tenant, and with it what its holders may do from now on. Nobody raises others, or themselves,
 * above what they hold. @throws NotFoundError, PermissionError; ApiError `role_name_taken`.
 */
export async function updateRole(
  ctx: AuthedContext,
  id: string,
  input: UpdateRoleInput,
): Promise<Role> {
  return commit(ctx, async (tx) => {
    const { role, held } = await lockRole(tx, ctx, id);
    const { tenantId } = role;
    const before = permissionsOf(role);
    const wanted: readonly string[] = input.permissions ?? before;
    const added = wanted.filter((key) => !before.includes(key));
    const removed = before.filter((key) => !wanted.includes(key));
    await assertForTenants(tx, added);
    assertWithin(held, added);
    if (input.name !== undefined) await assertNameFree(tx, tenantId, input.name, id);

    await replacePermissions(tx, role, added, removed);
    const row = await tx.role.update({
      where: { id, tenantId },
      data: {
        ...(input.name !== undefined && { name: input.name }),
        ...(input.description !== undefined && { description: input.description }),
        updatedAt: new Date(),
      },
      select: roleSelect,
    });
    afterCommit(tx, () => ctx.grants.forget());
    // Of permissions the database tells by itself; names are remembered beside them.
    if (input.name !== undefined) await tx.$executeRaw`SELECT pg_notify('grants_changed', '*')`;
    await recordAudit(tx, ctx, {
      action: "role.updated",
      resourceType: "role",
      resourceId: id,
      tenantId,
      details: {
        name: role.name,
        fields: Object.keys(input),
        added,
        removed,
        ...changesBetween(role, row, {
          fields: ["name", "description"],
          shown: ["name", "description"],
        }),
      },
    });
    const holders = await holdersOf(tx, [id], tenantId);
    return { ...toRole(row), holders: holders.get(id) ?? 0 };
  });
}

/**
 * Deletes a role of the tenant that nobody holds and no open invitation promises. Deleted users who held it come back
 * without it, should they be restored. @throws NotFoundError, PermissionError; ApiError `role_in_use`.
 */
export async function deleteRole(ctx: AuthedContext, id: string): Promise<void> {
  await commit(ctx, async (tx) => {
    const { role } = await lockRole(tx, ctx, id);
    const { tenantId, name } = role;
    // Whoever accepts an invitation gives roles without the other lock: from here on they wait for this one.
    await tx.$queryRaw`SELECT id FROM roles WHERE id = ${id}::uuid AND tenant_id = ${tenantId}::uuid FOR UPDATE`;
    await assertUnused(tx, role);
    await tx.userRole.deleteMany({ where: { roleId: id, tenantId } });
    await tx.role.delete({ where: { id, tenantId } });
    await recordAudit(tx, ctx, {
      action: "role.deleted",
      resourceType: "role",
      resourceId: id,
      tenantId,
      details: { name, permissions: permissionsOf(role) },
    });
  });
}

async function replacePermissions(
  tx: Transaction,
  { id, tenantId }: TenantRole,
  added: string[],
  removed: string[],
): Promise<void> {
  if (removed.length > 0)
    await tx.rolePermission.deleteMany({
      where: { roleId: id, tenantId, permissionKey: { in: removed } },
    });
  if (added.length > 0)
    await tx.rolePermission.createMany({
      data: added.map((permissionKey) => ({ roleId: id, permissionKey, tenantId })),
    });
}

async function assertUnused(tx: Transaction, { id, tenantId }: TenantRole): Promise<void> {
  const holders = (await holdersOf(tx, [id], tenantId)).get(id) ?? 0;
  if (holders > 0)
    throw new ApiError("role_in_use", `Take the role from its ${holders} holders first.`);
  const invitations = await tx.invitation.count({
    where: { tenantId, roleIds: { has: id }, ...pendingInvitation() },
  });
  if (invitations > 0)
    throw new ApiError("role_in_use", "Open invitations promise the role: revoke them first.");
}
