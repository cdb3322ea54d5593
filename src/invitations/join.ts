/** Accepting an invitation with an account that one has: a person belongs to one tenant, so they move. */
import { recordAudit } from "../audit/record.ts";
import { discardUnproved, proveAddress } from "../auth/address/prove-address.ts";
import type { SessionContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { afterCommit, commit } from "../db/commit.ts";
import { acrossTenants } from "../db/scope.ts";
import { touch } from "../db/touch.ts";
import { ApiError, PermissionError } from "../errors.ts";
import { assertNotLastRuler } from "../roles/giving.ts";
import { assertSessionLives } from "../sessions/assert-live.ts";
import { assertRecentProof } from "../sessions/recent-proof.ts";
import { revokeSessions } from "../sessions/revoke.ts";
import { admitAddress } from "../tenants/admission.ts";
import { lockActiveTenant } from "../tenants/lock.ts";
import { withEmailTaken } from "../users/create.ts";
import { emailScopeOf, endPlaceholder } from "../users/placeholders.ts";
import { lockUser } from "../users/reach.ts";
import { findInvitation, invalidInvitation, type TakenInvitation, takeInvitation } from "./open.ts";
import type { InvitationTokenInput } from "./schemas.ts";

/**
 * Moves the caller to the tenant that invites them. Their password, unless the old tenant has set it, and second factors
 * come with them; roles, sessions and API keys of the old tenant do not. They log in again.
 * @throws ApiError `invalid_one_time_token`, also for an invitation to another address than the caller's; `email_taken`
 * (a member already), `last_owner`, `reauthentication_required`; PermissionError, ValidationError.
 */
export function joinTenant(ctx: SessionContext, input: InvitationTokenInput): Promise<void> {
  assertRecentProof(ctx);
  // It takes from one tenant and gives to the other.
  return acrossTenants(() => join(ctx, input));
}

async function join(ctx: SessionContext, { token }: InvitationTokenInput): Promise<void> {
  const { userId, tenantId } = ctx.principal;
  if (tenantId === null) throw new PermissionError("A platform account belongs to no tenant.");
  const found = await findInvitation(ctx.db, token);
  if (!found) throw invalidInvitation();
  if (found.tenantId === tenantId)
    throw new ApiError("email_taken", "You belong to this tenant already.");

  const isDone = await commit(ctx, async (tx) => {
    // A tenant comes before its user's row, as everywhere (db/tenant-locks.ts).
    if (!(await lockActiveTenant(tx, found.tenantId))) return false;
    const user = await lockUser(tx, ctx, userId);
    await assertSessionLives(tx, ctx);
    // It was sent to an address, and is for nobody else (ASVS 5.0, 8.2.2). It is not used up: it still works for them.
    if (user.email !== found.email) return false;
    await assertNotLastRuler(tx, user);
    await admitAddress(tx, found.tenantId, user.email);
    const invitation = await takeInvitation(tx, ctx, found, userId);
    if (!invitation) return false;
    await proveByInvitation(tx, ctx, { id: userId, tenantId });
    await endPlaceholder(tx, ctx, { ...invitation, personId: userId });
    await move(tx, ctx, { id: userId, tenantId }, invitation);
    return true;
  });
  if (!isDone) throw invalidInvitation();
}

/**
 * The link went to the caller's address and nowhere else. Nobody of the old tenant must get into the new one with what
 * they have set: its password goes even where its word counts, and where the address was proved by it.
 */
async function proveByInvitation(
  tx: Transaction,
  ctx: SessionContext,
  user: { id: string; tenantId: string },
): Promise<void> {
  const { emailVerifiedAt, passwordHash, passwordOrigin } = await tx.user.findFirstOrThrow({
    where: user,
    select: { emailVerifiedAt: true, passwordHash: true, passwordOrigin: true },
  });
  const { sessionId } = ctx.principal;
  if (passwordHash !== null && passwordOrigin === "tenant")
    return discardUnproved(tx, ctx, user, { sessionId });
  const proving = { ...user, verified: emailVerifiedAt !== null, passwordOrigin };
  return proveAddress(tx, ctx, proving, sessionId);
}

async function move(
  tx: Transaction,
  ctx: SessionContext,
  { id, tenantId: from }: { id: string; tenantId: string },
  { id: invitationId, tenantId: to, roles, inviterId }: TakenInvitation,
): Promise<void> {
  const old = { userId: id, tenantId: from };
  await revokeSessions(tx, ctx, old, "tenant_left");
  await leaveBehind(tx, ctx, old);
  // Profile, factors and ended sessions follow by their keys (ON UPDATE CASCADE).
  await withEmailTaken(
    tx.user.update({
      where: { id, tenantId: from },
      data: {
        tenantId: to,
        emailScope: emailScopeOf(ctx, to),
        emailVerifiedAt: new Date(),
        // What the old tenant has begun ends with it.
        pendingEmail: null,
        ...touch(ctx),
      },
      select: { id: true },
    }),
  );
  await tx.userRole.createMany({
    data: roles.map((role) => ({
      userId: id,
      roleId: role.id,
      tenantId: to,
      grantedBy: inviterId,
    })),
  });
  // Each tenant reads of its own side: where somebody came from, or went, is not its business.
  await recordAudit(tx, ctx, {
    action: "user.left_tenant",
    resourceType: "user",
    resourceId: id,
    tenantId: from,
  });
  await recordAudit(tx, ctx, {
    action: "invitation.accepted",
    resourceType: "invitation",
    resourceId: invitationId,
    tenantId: to,
    details: { userId: id, roles: roles.map((role) => role.name) },
  });
}

/**
 * What does not come along. Of sessions the ended ones do: an instance that missed the end must still find it. Their
 * devices and addresses are no business of the tenant that they come to.
 */
async function leaveBehind(
  tx: Transaction,
  ctx: SessionContext,
  where: { userId: string; tenantId: string },
): Promise<void> {
  await tx.apiKey.deleteMany({ where });
  await tx.userRole.deleteMany({ where });
  await tx.oneTimeToken.deleteMany({ where });
  await tx.idempotencyKey.deleteMany({ where });
  await tx.session.updateMany({ where, data: { deviceName: null, userAgent: null, ip: null } });
  afterCommit(tx, () => ctx.apiKeys.forget());
  afterCommit(tx, () => ctx.grants.forget(where.userId));
}
