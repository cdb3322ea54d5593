/** Accepting an invitation with an account that one has: a person may be in several tenants. */

import { userPoolOf } from "../accounts/pool.ts";
import { standingOfPool } from "../accounts/settle.ts";
import { recordAudit } from "../audit/record.ts";
import { discardUnproved, proveAddress } from "../auth/address/prove-address.ts";
import type { SessionContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { commit } from "../db/commit.ts";
import { acrossTenants } from "../db/scope.ts";
import { PermissionError } from "../errors.ts";
import { assertRecentProof } from "../sessions/recent-proof.ts";
import { readSettings } from "../tenant-settings/settings.ts";
import { admitAddress } from "../tenants/admission.ts";
import { lockActiveTenant } from "../tenants/lock.ts";
import { insertMembership, type Joiner, lockJoiner, speakingAs } from "../users/join.ts";
import { type Membership, membershipsOf } from "../users/memberships.ts";
import { joinAdded, joinedAdded } from "./added.ts";
import {
  acceptedInvitation,
  findInvitation,
  invalidInvitation,
  type OpenInvitation,
  takeInvitation,
} from "./open.ts";
import { endProvisional, lockProvisional } from "./provisional.ts";
import type { InvitationTokenInput } from "./schemas.ts";

/**
 * Makes the caller's account a user of the tenant that invites it, and answers the membership. The session goes on, and may
 * speak for that tenant from here on. Done again, or by a member, it leads to the tenant too.
 * @throws ApiError `invalid_one_time_token`, also for an invitation to another address than the caller's;
 * `reauthentication_required`; PermissionError for platform accounts and where a tenant keeps its own pool of accounts;
 * ValidationError.
 */
export function joinTenant(ctx: SessionContext, input: InvitationTokenInput): Promise<Membership> {
  assertRecentProof(ctx);
  // It takes the word of one tenant, and gives to another.
  return acrossTenants(() => join(ctx, input));
}

async function join(ctx: SessionContext, { token }: InvitationTokenInput): Promise<Membership> {
  const { tenantId, accountId } = ctx.principal;
  if (tenantId === null) throw new PermissionError("A platform account belongs to no tenant.");
  const found = await findInvitation(ctx.db, token);
  const joined = found ? await accept(ctx, found) : await joinAdded(ctx, token);
  if (joined) return membership(ctx, joined.accountId, joined.tenantId);
  // Accepted before, perhaps by this very account.
  const accepted =
    (await acceptedInvitation(ctx.db, token, accountId)) ??
    (await joinedAdded(ctx.db, token, accountId));
  if (!accepted) throw invalidInvitation();
  return membership(ctx, accountId, accepted.tenantId);
}

async function membership({ db }: SessionContext, accountId: string, tenantId: string) {
  const [found] = await membershipsOf(db, accountId, { tenantId });
  if (!found) throw invalidInvitation();
  return found;
}

/** Answers null when it cannot be accepted: the transaction must commit. */
function accept(
  ctx: SessionContext,
  found: OpenInvitation,
): Promise<{ accountId: string; tenantId: string } | null> {
  const { tenantId } = found;
  return commit(ctx, async (tx) => {
    if (!(await lockActiveTenant(tx, tenantId))) return null;
    // Before the account that joins, as where an account settles.
    await lockProvisional(tx, found);
    const joiner = await lockJoiner(tx, ctx);
    // It was sent to an address, and is for nobody else (ASVS 5.0, 8.2.2). It is not used up: it still works for them.
    if (joiner.email !== found.email) return null;
    if (await memberId(tx, joiner, tenantId)) return { accountId: joiner.accountId, tenantId };
    await assertMayShare(tx, ctx, joiner, found);
    await admitAddress(tx, tenantId, joiner.email);
    const invitation = await takeInvitation(tx, ctx, found, { joins: joiner.accountId });
    if (!invitation) return null;
    const accountId = await proveByInvitation(tx, ctx, joiner);
    // The person may have been there all along with the account that they have proved to be theirs: as what they are there.
    const there = await memberId(tx, { accountId }, tenantId);
    const roles = there ? [] : invitation.roles;
    if (!there) await endProvisional(tx, ctx, { tenantId, email: joiner.email, personId: null });
    const roleIds = roles.map((role) => role.id);
    const given = { tenantId, roleIds, grantedBy: invitation.inviterId };
    const id = there ?? (await insertMembership(tx, { ...joiner, accountId }, given));
    await tx.invitation.update({
      where: { id: invitation.id, tenantId },
      data: { acceptedBy: id },
      select: { id: true },
    });
    // The tenant reads who came, and not who they are elsewhere.
    await recordAudit(tx, speakingAs(ctx, { id, tenantId }), {
      action: "invitation.accepted",
      resourceType: "invitation",
      resourceId: invitation.id,
      tenantId,
      details: { userId: id, roles: roles.map((role) => role.name) },
    });
    return { accountId, tenantId };
  });
}

async function memberId(
  tx: Transaction,
  { accountId }: { accountId: string },
  tenantId: string,
): Promise<string | null> {
  const where = { accountId, tenantId, isDeleted: false };
  return (await tx.user.findFirst({ where, select: { id: true } }))?.id ?? null;
}

/** @throws PermissionError where either keeps its own accounts: one of those opens no other tenant. */
async function assertMayShare(
  tx: Transaction,
  ctx: SessionContext,
  { accountId }: Joiner,
  { tenant }: OpenInvitation,
): Promise<void> {
  const isIsolated =
    userPoolOf(ctx.config, readSettings(tenant.settings)) === "isolated" ||
    (await standingOfPool(tx, ctx, accountId)) === "isolated";
  if (isIsolated)
    throw new PermissionError(
      "This account opens its own tenant alone. Accept the invitation with a new account: POST /v1/invitations/accept.",
    );
}

/**
 * The link went to the caller's address and nowhere else. Nobody of the tenant that they come from must get into the new one
 * with what they have set: its password goes. Answers the account that stays.
 */
async function proveByInvitation(
  tx: Transaction,
  ctx: SessionContext,
  joiner: Joiner,
): Promise<string> {
  const { emailVerifiedAt, passwordHash, passwordOrigin } = await tx.account.findFirstOrThrow({
    where: { id: joiner.accountId },
    select: { emailVerifiedAt: true, passwordHash: true, passwordOrigin: true },
  });
  const { sessionId } = ctx.principal;
  const verified = emailVerifiedAt !== null;
  if (verified && passwordHash !== null && passwordOrigin === "tenant")
    await discardUnproved(tx, ctx, joiner, { sessionId });
  return proveAddress(tx, ctx, { ...joiner, verified, passwordOrigin }, sessionId);
}
