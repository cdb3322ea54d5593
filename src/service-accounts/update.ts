import { changesBetween } from "../audit/changes.ts";
import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import { afterCommit, commit } from "../db/commit.ts";
import { touch } from "../db/touch.ts";
import { assertMayAssign, assertMayManage } from "../roles/giving.ts";
import { assertInPerson } from "../roles/in-person.ts";
import { assertMayChangeLogin } from "../sessions/recent-proof.ts";
import { replaceRoles } from "../users/assign-roles.ts";
import { toUserWithRoles, userWithRolesSelect } from "../users/public-user.ts";
import { lockUser } from "../users/reach.ts";
import { revokeApiKeysOf } from "../users/revoke-api-keys.ts";
import {
  type ServiceAccount,
  toServiceAccount,
  type UpdateServiceAccountInput,
} from "./schemas.ts";

/**
 * Changes a service account. While it is disabled its keys are refused, and work again afterwards: to pause a machine
 * is not to renew its secrets. @throws NotFoundError, PermissionError, ValidationError; ApiError `session_required` for
 * a machine that would pause itself.
 */
export async function updateServiceAccount(
  ctx: AuthedContext,
  id: string,
  input: UpdateServiceAccountInput,
): Promise<ServiceAccount> {
  const { name, status, roles } = input;
  if (roles) assertMayAssign(ctx, "Changing");
  return commit(ctx, async (tx) => {
    const before = await lockUser(tx, ctx, id, { kinds: ["service"] });
    const { tenantId } = before;
    await assertMayManage(tx, ctx, before.id);
    if (status !== undefined) assertMayChangeLogin(ctx, before.id);
    const old = await tx.user.findFirstOrThrow({
      where: { id, tenantId },
      select: userWithRolesSelect,
    });
    if (roles) await replaceRoles(tx, ctx, before, roles);
    const row = await tx.user.update({
      where: { id, tenantId },
      data: {
        ...(name !== undefined && { firstName: name }),
        ...(status !== undefined && { status }),
        ...touch(ctx),
      },
      select: userWithRolesSelect,
    });
    if (status) afterCommit(tx, () => ctx.apiKeys.forget());
    const updated = toServiceAccount(toUserWithRoles(row));
    await recordAudit(tx, ctx, {
      action: "service_account.updated",
      resourceType: "service_account",
      resourceId: id,
      tenantId,
      details: {
        fields: Object.keys(input),
        ...(roles && { roles }),
        ...(status && { status }),
        ...changesBetween(toServiceAccount(toUserWithRoles(old)), updated, {
          fields: Object.keys(input),
          shown: ["name", "status", "roles"],
        }),
      },
    });
    return updated;
  });
}

/** Soft delete: its keys are revoked at once and for good. @throws NotFoundError, PermissionError. */
export async function deleteServiceAccount(ctx: AuthedContext, id: string): Promise<void> {
  assertInPerson(ctx.principal, "service_account:delete");
  await commit(ctx, async (tx) => {
    const before = await lockUser(tx, ctx, id, { kinds: ["service"] });
    const { tenantId } = before;
    await assertMayManage(tx, ctx, before.id);
    assertMayChangeLogin(ctx, before.id);
    await tx.user.update({
      where: { id, tenantId },
      data: { isDeleted: true, deletedAt: new Date(), ...touch(ctx) },
    });
    const keys = await revokeApiKeysOf(tx, ctx, before);
    await recordAudit(tx, ctx, {
      action: "service_account.deleted",
      resourceType: "service_account",
      resourceId: id,
      tenantId,
      details: { keysRevoked: keys },
    });
  });
}
