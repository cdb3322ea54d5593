import { assertMayChangeAccount } from "../accounts/powers.ts";
import { changesBetween } from "../audit/changes.ts";
import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
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
import { revokeSessionUsers } from "../sessions/revoke.ts";
import { admitPerson } from "../tenants/admission.ts";
import { replaceRoles } from "./assign-roles.ts";
import { assertNotTakenHere, beginAddressChange } from "./change-address.ts";
import { emailTaken, withEmailTaken } from "./create.ts";
import { isErased } from "./privacy/erased.ts";
import { toUserWithRoles, type User, userWithRolesSelect } from "./public-user.ts";
import { holdTenantOf, type LockedUser, lockUser } from "./reach.ts";
import { revokeApiKeysOf } from "./revoke-api-keys.ts";
import type { UpdateUserInput } from "./schemas.ts";

/**
 * Changes a user. Disabling ends their sessions at once; a new address counts once it is proved (change-address.ts).
 * @throws NotFoundError, PermissionError, ValidationError; ApiError `precondition_failed`, `email_taken`, `last_owner`,
 * `last_super_admin`; `shared_account` for an address that is not the tenant's to change; for one's own address and status `reauthentication_required`, and `session_required` for a machine.
 */
export async function updateUser(
  ctx: AuthedContext,
  id: string,
  input: UpdateUserInput,
  expected: Expected = {},
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
    if (email !== undefined) await changeAddress(tx, ctx, before, email);
    const row = await tx.user.update({
      where: { id, tenantId },
      data: { ...fields, ...touch(ctx) },
      select: userWithRolesSelect,
    });
    if (disabled) await revokeSessionUsers(tx, ctx, { userId: id, tenantId }, "user_disabled");
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
 * Soft delete: sessions speak for the user no more, and API keys are revoked. With the last user of an account the account
 * is deleted too, and the address free again.
 * @throws NotFoundError, PermissionError; ApiError `precondition_failed`, `last_owner`; `reauthentication_required` for
 * oneself.
 */
export async function deleteUser(
  ctx: AuthedContext,
  id: string,
  expected: Expected = {},
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
      // Of a deleted user nothing is copied any more.
      data: { isDeleted: true, deletedAt: new Date(), pendingEmail: null, ...touch(ctx) },
    });
    await revokeSessionUsers(tx, ctx, { userId: id, tenantId }, "user_deleted");
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
 * Takes a soft delete back, and with it the account's. Where the address has another account in the shared pool by now, the
 * user comes back with one in the tenant's own (accounts/pool.ts).
 * @throws NotFoundError, also for who left by themselves and has to be invited anew; PermissionError; ApiError `email_taken`
 * when somebody in the tenant has the address, `seat_limit`.
 */
export async function restoreUser(ctx: AuthedContext, id: string): Promise<User> {
  return commit(ctx, async (tx) => {
    await holdTenantOf(tx, ctx, id);
    const before = await lockUser(tx, ctx, id, { deleted: true });
    // There is nobody left to come back.
    if (isErased(before) || (await hasLeft(tx, id))) throw new NotFoundError("user");
    const { tenantId } = before;
    await assertMayManage(tx, ctx, id);
    await admitPerson(tx, tenantId, null);
    await makeRoom(tx, ctx, before);
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

/** Whoever deleted themselves has left (invitations/leave.ts), and is not brought back without being asked. */
async function hasLeft(tx: Transaction, id: string): Promise<boolean> {
  return (await tx.user.count({ where: { id, updatedBy: id, isDeleted: true } })) > 0;
}

/**
 * Gives a user an account in the tenant's own pool where somebody else has the address of theirs meanwhile. For whoever sees
 * who that is, it is a refusal. Always the same statement: a tenant must not learn that there is somebody.
 * @throws ApiError `email_taken`, to a platform account, or when somebody in the tenant has the address.
 */
async function makeRoom(tx: Transaction, ctx: AuthedContext, { id }: LockedUser): Promise<void> {
  const [{ moved }] = await withEmailTaken(
    tx.$queryRaw<[{ moved: boolean }]>`SELECT make_room_for_user(${id}::uuid) AS moved`,
  );
  if (moved && ctx.principal.tenantId === null) throw emailTaken();
}

/** @throws ApiError `shared_account`, `email_taken`, and what `beginAddressChange` throws. */
async function changeAddress(
  tx: Transaction,
  ctx: AuthedContext,
  { accountId, ...user }: LockedUser,
  email: string,
): Promise<void> {
  if (accountId === null) throw new NotFoundError("user");
  // Whoever sends all fields back changes nothing by that.
  if (email === user.email && user.pendingEmail === null) return;
  const owner = { ...user, accountId };
  assertMayChangeAccount(ctx, owner);
  await assertNotTakenHere(tx, ctx, owner, email);
  const address = await beginAddressChange(tx, ctx, owner, email);
  await tx.account.update({ where: { id: accountId }, data: address, select: { id: true } });
}
