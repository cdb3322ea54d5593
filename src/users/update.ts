import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { touch } from "../db/touch.ts";
import { NotFoundError, PermissionError } from "../errors.ts";
import { revokeSessions } from "../sessions/revoke.ts";
import { withEmailTaken } from "./create.ts";
import { toUserWithRoles, type User, userWithRolesSelect } from "./public-user.ts";
import { replaceRoles } from "./roles.ts";
import type { UpdateUserInput } from "./schemas.ts";
import { assertMayManage, assertSomebodyRules, visibleUser } from "./scope.ts";

/**
 * Changes a user. Disabling ends their sessions at once; a new address is an unverified one.
 * @throws NotFoundError, PermissionError, ValidationError; ApiError `email_taken`, `last_owner`, `last_super_admin`.
 */
export async function updateUser(ctx: AuthedContext, id: string, input: UpdateUserInput): Promise<User> {
  const { roles, ...fields } = input;
  if (roles && !ctx.principal.permissions.has("role:assign")) {
    throw new PermissionError("Changing roles needs the permission role:assign.");
  }
  const { user, ended } = await ctx.db.$transaction(async (tx) => {
    const before = await lockUser(tx, ctx, id);
    await assertMayManage(tx, ctx, id);
    if (roles) await replaceRoles(tx, ctx, before, roles);
    const newAddress = fields.email !== undefined && fields.email !== before.email;
    const row = await withEmailTaken(
      tx.user.update({
        where: { id, tenantId: before.tenantId },
        data: { ...fields, ...(newAddress && { emailVerifiedAt: null }), ...touch(ctx) },
        select: userWithRolesSelect,
      }),
    );
    const disabled = fields.status === "disabled";
    const ended = disabled ? await revokeSessions(tx, { userId: id, tenantId: before.tenantId }, "user_disabled") : [];
    if (disabled || roles) await assertSomebodyRules(tx, before.tenantId);
    await recordAudit(tx, ctx, {
      action: "user.updated",
      resourceType: "user",
      resourceId: id,
      tenantId: before.tenantId,
      details: { fields: Object.keys(input), ...(roles && { roles }), ...(fields.status && { status: fields.status }) },
    });
    return { user: toUserWithRoles(row), ended };
  });
  ctx.revocations.add(ended);
  if (roles) ctx.grants.forget(id);
  return user;
}

/** Soft delete: sessions end, the address is free again. @throws NotFoundError, PermissionError; ApiError `last_owner`. */
export async function deleteUser(ctx: AuthedContext, id: string): Promise<void> {
  const ended = await ctx.db.$transaction(async (tx) => {
    const { tenantId } = await lockUser(tx, ctx, id);
    await assertMayManage(tx, ctx, id);
    await tx.user.update({ where: { id, tenantId }, data: { isDeleted: true, deletedAt: new Date(), ...touch(ctx) } });
    const ended = await revokeSessions(tx, { userId: id, tenantId }, "user_deleted");
    await assertSomebodyRules(tx, tenantId);
    await recordAudit(tx, ctx, { action: "user.deleted", resourceType: "user", resourceId: id, tenantId });
    return ended;
  });
  ctx.revocations.add(ended);
}

/** Takes a soft delete back. @throws NotFoundError, PermissionError; ApiError `email_taken` when the address found a new owner. */
export async function restoreUser(ctx: AuthedContext, id: string): Promise<User> {
  return ctx.db.$transaction(async (tx) => {
    const { tenantId } = await lockUser(tx, ctx, id, { deleted: true });
    await assertMayManage(tx, ctx, id);
    const row = await withEmailTaken(
      tx.user.update({
        where: { id, tenantId },
        data: { isDeleted: false, deletedAt: null, ...touch(ctx) },
        select: userWithRolesSelect,
      }),
    );
    await recordAudit(tx, ctx, { action: "user.restored", resourceType: "user", resourceId: id, tenantId });
    return toUserWithRoles(row);
  });
}

type LockedUser = { id: string; tenantId: string | null; email: string };

/** Locks the row, so that what is checked here still holds when it is written. @throws NotFoundError */
async function lockUser(tx: Transaction, ctx: AuthedContext, id: string, { deleted = false } = {}): Promise<LockedUser> {
  const user = await tx.user.findFirst({
    where: { ...visibleUser(ctx, id), isDeleted: deleted },
    select: { id: true, tenantId: true, email: true },
  });
  if (!user) throw new NotFoundError("user");
  const locked = await tx.$queryRaw<unknown[]>`
    SELECT id FROM users WHERE id = ${id}::uuid AND is_deleted = ${deleted} FOR UPDATE`;
  if (locked.length === 0) throw new NotFoundError("user");
  return user;
}
