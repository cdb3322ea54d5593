import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { afterCommit, commit } from "../db/commit.ts";
import { touch } from "../db/touch.ts";
import { NotFoundError } from "../errors.ts";
import { assertMayManage, assertNotLastRuler, rolesToGrant, rulingRole } from "../roles/giving.ts";
import { roleSelect, toRole, type UserRoles } from "../roles/schemas.ts";
import { revokeSessions } from "../sessions/revoke.ts";
import { lockUser, visibleUser } from "./reach.ts";

const rolesSelect = { roles: { select: { role: { select: roleSelect } } } };

/** The roles of a user, with what each may do. @throws NotFoundError */
export async function getUserRoles(ctx: AuthedContext, id: string): Promise<UserRoles> {
  const row = await ctx.db.user.findFirst({
    where: { ...visibleUser(ctx, id), isDeleted: false },
    select: rolesSelect,
  });
  if (!row) throw new NotFoundError("user");
  return toUserRoles(row);
}

/**
 * Makes the user's roles exactly these, for whoever may assign roles and change nothing else of users.
 * @throws NotFoundError, PermissionError, ValidationError; ApiError `last_owner`, `last_super_admin`.
 */
export async function assignRoles(
  ctx: AuthedContext,
  id: string,
  names: string[],
): Promise<UserRoles> {
  return commit(ctx, async (tx) => {
    const user = await lockUser(tx, ctx, id);
    const { tenantId } = user;
    await assertMayManage(tx, ctx, user.id);
    if (!names.includes(rulingRole(tenantId))) await assertNotLastRuler(tx, user);
    const before = await tx.user.findFirst({ where: { id, tenantId }, select: rolesSelect });
    await replaceRoles(tx, ctx, user, names);
    const row = await tx.user.update({
      where: { id, tenantId },
      data: touch(ctx),
      select: rolesSelect,
    });
    const [had, has] = [namesOf(before ?? { roles: [] }), namesOf(row)];
    await recordAudit(tx, ctx, {
      action: "user.roles_assigned",
      resourceType: "user",
      resourceId: id,
      tenantId,
      details: {
        added: has.filter((name) => !had.includes(name)),
        removed: had.filter((name) => !has.includes(name)),
      },
    });
    return toUserRoles(row);
  });
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
  afterCommit(tx, () => ctx.grants.forget(user.id));
  // Who no longer runs the platform acts as nobody else either. The instances hear of it by the trigger's notification.
  if (user.tenantId === null)
    await revokeSessions(tx, ctx, { impersonatorId: user.id }, "impersonator_left");
}

type Row = { roles: { role: Parameters<typeof toRole>[0] }[] };

function toUserRoles({ roles }: Row): UserRoles {
  const items = roles.map(({ role }) => toRole(role));
  return { roles: items.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

function namesOf({ roles }: Row): string[] {
  return roles.map(({ role }) => role.name).sort();
}
