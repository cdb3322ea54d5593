import { changesBetween } from "../audit/changes.ts";
import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import { afterCommit, commit } from "../db/commit.ts";
import { assertExpected, type Expected } from "../db/expected.ts";
import { touch } from "../db/touch.ts";
import { NotFoundError } from "../errors.ts";
import {
  assertMayAssign,
  assertMayManage,
  assertNotLastRuler,
  rulingRole,
} from "../roles/giving.ts";
import { assertInPerson } from "../roles/in-person.ts";
import { assertMayChangeLogin } from "../sessions/recent-proof.ts";
import { revokeSessions } from "../sessions/revoke.ts";
import { admitPerson } from "../tenants/admission.ts";
import { replaceRoles } from "./assign-roles.ts";
import { assertNotTakenHere, beginAddressChange } from "./change-address.ts";
import { withEmailTaken } from "./create.ts";
import { settlePlaceholder } from "./placeholders.ts";
import { isErased } from "./privacy/erased.ts";
import { toUserWithRoles, type User, userWithRolesSelect } from "./public-user.ts";
import { holdTenantOf, lockUser } from "./reach.ts";
import { revokeApiKeysOf } from "./revoke-api-keys.ts";
import type { UpdateUserInput } from "./schemas.ts";

/**
 * Changes a user. Disabling ends their sessions at once; a new address counts once it is proved (change-address.ts).
 * @throws NotFoundError, PermissionError, ValidationError; ApiError `precondition_failed`, `email_taken`, `last_owner`,
 * `last_super_admin`; for one's own address and status `reauthentication_required`, and `session_required` for a machine.
 */
export async function updateUser(
  ctx: AuthedContext,
  id: string,
  input: UpdateUserInput,
  expected?: Expected,
): Promise<User> {
  const { roles, email, ...fields } = input;
  if (roles) assertMayAssign(ctx, "Changing");
  if (email !== undefined) assertInPerson(ctx.principal, "change_address");
  return commit(ctx, async (tx) => {
    const before = await lockUser(tx, ctx, id);
    const { tenantId } = before;
    await assertMayManage(tx, ctx, before.id);
    assertExpected(expected, before.version);
    if (fields.status !== undefined && fields.status !== before.status) {
      assertInPerson(ctx.principal, "change_status");
      assertMayChangeLogin(ctx, before.id);
    }
    const disabled = fields.status === "disabled";
    if (disabled || (roles && !roles.includes(rulingRole(tenantId))))
      await assertNotLastRuler(tx, before);
    const old = await tx.user.findFirstOrThrow({
      where: { id, tenantId },
      select: userWithRolesSelect,
    });
    if (roles) await replaceRoles(tx, ctx, before, roles);
    if (email !== undefined) await assertNotTakenHere(tx, ctx, before, email);
    const address = email === undefined ? {} : await beginAddressChange(tx, ctx, before, email);
    const row = await tx.user.update({
      where: { id, tenantId },
      data: { ...fields, ...address, ...touch(ctx) },
      select: userWithRolesSelect,
    });
    if (disabled) await revokeSessions(tx, ctx, { userId: id, tenantId }, "user_disabled");
    if (fields.status) afterCommit(tx, () => ctx.apiKeys.forget());
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
          fields: [...Object.keys(input), "pendingEmail"],
          shown: ["status", "roles"],
        }),
      },
    });
    return user;
  });
}

/**
 * Soft delete: sessions end, API keys are revoked, the address is free again.
 * @throws NotFoundError, PermissionError; ApiError `precondition_failed`, `last_owner`; `reauthentication_required` for
 * oneself.
 */
export async function deleteUser(
  ctx: AuthedContext,
  id: string,
  expected?: Expected,
): Promise<void> {
  assertInPerson(ctx.principal, "user:delete");
  await commit(ctx, async (tx) => {
    const before = await lockUser(tx, ctx, id);
    const { tenantId } = before;
    await assertMayManage(tx, ctx, before.id);
    assertMayChangeLogin(ctx, before.id);
    assertExpected(expected, before.version);
    await assertNotLastRuler(tx, before);
    await tx.user.update({
      where: { id, tenantId },
      data: { isDeleted: true, deletedAt: new Date(), pendingEmail: null, ...touch(ctx) },
    });
    await revokeSessions(tx, ctx, { userId: id, tenantId }, "user_deleted");
    await revokeApiKeysOf(tx, ctx, before);
    await recordAudit(tx, ctx, {
      action: "user.deleted",
      resourceType: "user",
      resourceId: id,
      tenantId,
    });
  });
}

/**
 * Takes a soft delete back. When the address has an account elsewhere by now, the user comes back as a
 * placeholder (placeholders.ts).
 * @throws NotFoundError, PermissionError; ApiError `email_taken` when somebody in the tenant has the address, `seat_limit`.
 */
export async function restoreUser(ctx: AuthedContext, id: string): Promise<User> {
  return commit(ctx, async (tx) => {
    await holdTenantOf(tx, ctx, id);
    const before = await lockUser(tx, ctx, id, { deleted: true });
    // There is nobody left to come back.
    if (isErased(before)) throw new NotFoundError("user");
    const { tenantId } = before;
    await assertMayManage(tx, ctx, id);
    await admitPerson(tx, tenantId, null);
    const row = await withEmailTaken(
      tx.user.update({
        where: { id, tenantId, isDeleted: true },
        data: { isDeleted: false, deletedAt: null, emailScope: tenantId, ...touch(ctx) },
        select: userWithRolesSelect,
      }),
    );
    await settlePlaceholder(tx, ctx, before);
    await recordAudit(tx, ctx, {
      action: "user.restored",
      resourceType: "user",
      resourceId: id,
      tenantId,
    });
    return toUserWithRoles(row);
  });
}
