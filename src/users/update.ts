import { changesBetween } from "../audit/changes.ts";
import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import { assertExpected, type Expected } from "../db/expected.ts";
import { touch } from "../db/touch.ts";
import { ApiError, NotFoundError, PermissionError } from "../errors.ts";
import { tellOwner } from "../factors/owner.ts";
import { revokeSessions } from "../sessions/revoke.ts";
import { admitAddress, admitPerson } from "../tenants/admission.ts";
import { withEmailTaken } from "./create.ts";
import { isErased } from "./privacy/erased.ts";
import { toUserWithRoles, type User, userWithRolesSelect } from "./public-user.ts";
import { revokeApiKeysOf } from "./revoke-api-keys.ts";
import { replaceRoles } from "./roles.ts";
import type { UpdateUserInput } from "./schemas.ts";
import { assertMayManage, assertNotLastRuler, lockUser, rulingRole } from "./scope.ts";

/**
 * Changes a user. Disabling ends their sessions at once; a new address is an unverified one.
 * @throws NotFoundError, PermissionError, ValidationError; ApiError `precondition_failed`, `email_taken`, `last_owner`,
 * `last_super_admin`.
 */
export async function updateUser(
  ctx: AuthedContext,
  id: string,
  input: UpdateUserInput,
  expected?: Expected,
): Promise<User> {
  const { roles, ...fields } = input;
  if (roles && !ctx.principal.permissions.has("role:assign")) {
    throw new PermissionError("Changing roles needs the permission role:assign.");
  }
  if (fields.email !== undefined && ctx.principal.impersonatorId !== null)
    throw new ApiError("impersonation_forbidden", "Nobody changes an address in another's name.");
  const { user, ended } = await ctx.db.$transaction(async (tx) => {
    const before = await lockUser(tx, ctx, id);
    const { tenantId } = before;
    await assertMayManage(tx, ctx, before.id);
    assertExpected(expected, before.version);
    const disabled = fields.status === "disabled";
    if (disabled || (roles && !roles.includes(rulingRole(tenantId))))
      await assertNotLastRuler(tx, before);
    const old = await tx.user.findFirstOrThrow({
      where: { id, tenantId },
      select: userWithRolesSelect,
    });
    if (roles) await replaceRoles(tx, ctx, before, roles);
    const newAddress = fields.email !== undefined && fields.email !== before.email;
    if (newAddress) await admitAddress(tx, tenantId, fields.email ?? "");
    const row = await withEmailTaken(
      tx.user.update({
        where: { id, tenantId },
        data: { ...fields, ...(newAddress && { emailVerifiedAt: null }), ...touch(ctx) },
        select: userWithRolesSelect,
      }),
    );
    // ASVS 5.0, 6.3.7: an administrator's change too. Whoever has the account now is not who hears of it.
    if (newAddress)
      await tellOwner(
        tx,
        ctx,
        before,
        { template: "email_changed", newEmail: row.email },
        before.email,
      );
    const ended = disabled
      ? await revokeSessions(tx, { userId: id, tenantId }, "user_disabled")
      : [];
    const user = toUserWithRoles(row);
    await recordAudit(tx, ctx, {
      action: "user.updated",
      resourceType: "user",
      resourceId: id,
      tenantId,
      details: {
        fields: Object.keys(input),
        ...(roles && { roles }),
        ...(fields.status && { status: fields.status }),
        ...changesBetween(toUserWithRoles(old), user, {
          fields: Object.keys(input),
          shown: ["status", "roles"],
        }),
      },
    });
    return { user, ended };
  });
  ctx.revocations.add(ended);
  if (fields.status) ctx.apiKeys.forget();
  if (roles) ctx.grants.forget(user.id);
  return user;
}

/**
 * Soft delete: sessions end, API keys are revoked, the address is free again.
 * @throws NotFoundError, PermissionError; ApiError `precondition_failed`, `last_owner`.
 */
export async function deleteUser(
  ctx: AuthedContext,
  id: string,
  expected?: Expected,
): Promise<void> {
  const ended = await ctx.db.$transaction(async (tx) => {
    const before = await lockUser(tx, ctx, id);
    const { tenantId } = before;
    await assertMayManage(tx, ctx, before.id);
    assertExpected(expected, before.version);
    await assertNotLastRuler(tx, before);
    await tx.user.update({
      where: { id, tenantId },
      data: { isDeleted: true, deletedAt: new Date(), ...touch(ctx) },
    });
    const ended = await revokeSessions(tx, { userId: id, tenantId }, "user_deleted");
    await revokeApiKeysOf(tx, before);
    await recordAudit(tx, ctx, {
      action: "user.deleted",
      resourceType: "user",
      resourceId: id,
      tenantId,
    });
    return ended;
  });
  ctx.revocations.add(ended);
  ctx.apiKeys.forget();
}

/** Takes a soft delete back. @throws NotFoundError, PermissionError; ApiError `email_taken` when the address found a new owner, `seat_limit`. */
export async function restoreUser(ctx: AuthedContext, id: string): Promise<User> {
  return ctx.db.$transaction(async (tx) => {
    const before = await lockUser(tx, ctx, id, { deleted: true });
    // There is nobody left to come back.
    if (isErased(before)) throw new NotFoundError("user");
    const { tenantId } = before;
    await assertMayManage(tx, ctx, id);
    await admitPerson(tx, tenantId, null);
    const row = await withEmailTaken(
      tx.user.update({
        where: { id, tenantId, isDeleted: true },
        data: { isDeleted: false, deletedAt: null, ...touch(ctx) },
        select: userWithRolesSelect,
      }),
    );
    await recordAudit(tx, ctx, {
      action: "user.restored",
      resourceType: "user",
      resourceId: id,
      tenantId,
    });
    return toUserWithRoles(row);
  });
}
