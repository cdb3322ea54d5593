import { type Actor, recordAudit } from "../../audit/record.ts";
import type { AuthedContext } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import { afterCommit, commit } from "../../db/commit.ts";
import { touchedBy } from "../../db/touch.ts";
import { NotFoundError, ValidationError } from "../../errors.ts";
import { assertMayManage, assertNotLastRuler } from "../../roles/giving.ts";
import { assertInPerson } from "../../roles/in-person.ts";
import { assertMayChangeLogin } from "../../sessions/recent-proof.ts";
import { revokeSessions, revokeSessionUsers } from "../../sessions/revoke.ts";
import { type LockedUser, lockUser } from "../reach.ts";
import { isErased } from "./erased.ts";
import type { EraseInput } from "./schemas.ts";

/**
 * Takes everything about somebody in a tenant out of the database, for good (GDPR, article 17): who they were there. Their
 * account, with its password, factors and sessions, goes with the last user that it has anywhere, deleted ones too (a trigger,
 * `follow_users`): whoever erases in one tenant takes nothing from another. What stays is the row with its id, deleted
 * and without a name, so that what others did to it can still be told, and the audit log, which cannot be changed: it names
 * ids, and the address and user agent from which its rows were caused.
 * @throws NotFoundError, PermissionError; ValidationError when `email` is not theirs; ApiError `last_owner`,
 * `reauthentication_required` for oneself.
 */
export async function eraseUser(
  ctx: AuthedContext,
  id: string,
  { email }: EraseInput,
): Promise<void> {
  assertInPerson(ctx.principal, "user:erase");
  await commit(ctx, async (tx) => {
    const user = await lockUser(tx, ctx, id, { deleted: "either" });
    if (isErased(user)) throw new NotFoundError("user");
    await assertMayManage(tx, ctx, user.id);
    assertMayChangeLogin(ctx, user.id);
    if (email !== user.email)
      throw new ValidationError([{ path: "email", message: "Is not the address of this user" }]);
    if (!user.isDeleted) await assertNotLastRuler(tx, user);
    await eraseLocked(tx, ctx, user);
  });
}

type Erased = Pick<LockedUser, "id" | "tenantId" | "email" | "isDeleted"> & {
  /** Since when somebody else may have the address. */
  leftAt?: Date;
};

/** The same of a user whose row is locked; without a principal the clean-up does it. */
export async function eraseLocked(
  tx: Transaction,
  ctx: Actor,
  user: Erased,
  details?: { reason: string },
): Promise<void> {
  await discard(tx, ctx, user);
  const updatedAt = new Date();
  await tx.user.update({
    where: { id: user.id, tenantId: user.tenantId, isDeleted: user.isDeleted },
    data: {
      ...BLANK,
      email: `erased-${user.id}@erased.invalid`,
      isDeleted: true,
      deletedAt: updatedAt,
      ...touchedBy(ctx.principal?.userId ?? user.id, updatedAt),
    },
  });
  await recordAudit(tx, ctx, {
    action: "user.erased",
    resourceType: "user",
    resourceId: user.id,
    tenantId: user.tenantId,
    ...(details && { details }),
  });
}

const BLANK = {
  accountId: null,
  firstName: null,
  lastName: null,
  emailVerifiedAt: null,
  pendingEmail: null,
  lastLoginAt: null,
} as const;

/** Deletes what is the user's and no other user's of the account. */
async function discard(tx: Transaction, ctx: Actor, user: Erased): Promise<void> {
  const { id: userId, tenantId, email, leftAt } = user;
  const where = { userId, tenantId };
  // Revoked and then deleted: who asks for a session that is not there must hear the same.
  await revokeSessionUsers(tx, ctx, where, "user_deleted");
  // Who runs the platform no longer acts as nobody else either.
  if (tenantId === null)
    await revokeSessions(tx, ctx, { impersonatorId: userId }, "impersonator_left");
  await tx.sessionUser.deleteMany({ where });
  await tx.oneTimeToken.deleteMany({ where });
  await tx.apiKey.deleteMany({ where });
  await tx.userProfile.deleteMany({ where });
  await tx.userRole.deleteMany({ where });
  await tx.idempotencyKey.deleteMany({ where });
  if (tenantId !== null)
    await tx.invitation.deleteMany({
      where: {
        tenantId,
        OR: [{ email, ...(leftAt && { createdAt: { lt: leftAt } }) }, { acceptedBy: userId }],
      },
    });
  afterCommit(tx, () => ctx.apiKeys.forget());
  afterCommit(tx, () => ctx.grants.forget(userId));
}
