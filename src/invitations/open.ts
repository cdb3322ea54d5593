/** The invitation behind a link, and what it still gives. */
import { Prisma } from "../../generated/prisma/client.ts";
import { recordAudit } from "../audit/record.ts";
import type { Context } from "../context.ts";
import { hashToken } from "../crypto/secret.ts";
import type { Database, Transaction } from "../db/client.ts";
import { LIVE, PENDING_INVITATION_SQL, pendingInvitation } from "../db/live.ts";
import { ApiError } from "../errors.ts";
import { rolesStillGiven } from "../roles/giving.ts";
import { lockActiveTenant } from "../tenants/lock.ts";
import { ownerSelect } from "../users/password-policy.ts";
import { lockProvisional } from "./provisional.ts";
import { invitationSelect } from "./schemas.ts";

export type OpenInvitation = {
  id: string;
  tenantId: string;
  email: string;
  roleIds: string[];
  invitedBy: string | null;
  expiresAt: Date;
  tokenHash: Buffer;
  tenant: { name: string; slug: string; settings: unknown };
};

type Role = { id: string; name: string };
export type TakenInvitation = OpenInvitation & { roles: Role[]; inviterId: string };

/** Null when there is none that could be accepted: expired, revoked, replaced, used, or of a tenant that is not active. */
export async function findInvitation(db: Database, token: string): Promise<OpenInvitation | null> {
  const tokenHash = hashToken(token);
  const found = await db.invitation.findFirst({
    where: {
      tokenHash: Uint8Array.from(tokenHash),
      ...pendingInvitation(),
      tenant: LIVE,
    },
    select: { ...invitationSelect, tenant: ownerSelect.tenant },
  });
  return found && { ...found, tokenHash };
}

/**
 * Takes the invitation for whoever accepts it: of fifty at once the row lets one through. An invitation is the word of
 * whoever sent it, so it gives no more than they may give now: when they were disabled, left or lost a right of it, it
 * is revoked. Null when it could not be taken: the transaction must commit.
 * @param by the id of who comes, or the account that joins: the id of its user there is not known yet, and the caller
 * writes it.
 */
export async function takeInvitation(
  tx: Transaction,
  ctx: Context,
  invitation: OpenInvitation,
  by: { id: string } | { joins: string },
): Promise<TakenInvitation | null> {
  const { id, tenantId, tokenHash } = invitation;
  if (!(await lockActiveTenant(tx, tenantId))) return null;
  // Who comes ends it (provisional.ts), and rows of users are locked before the grants.
  await lockProvisional(tx, invitation);
  // The hash too: a link that was sent again in the meantime has another one.
  const [open] = await tx.$queryRaw<{ invitedBy: string | null; roleIds: string[] }[]>`
    SELECT invited_by AS "invitedBy", role_ids::text[] AS "roleIds" FROM invitations
    WHERE id = ${id}::uuid AND tenant_id = ${tenantId}::uuid AND token_hash = ${tokenHash}
      AND ${Prisma.raw(PENDING_INVITATION_SQL)}
    FOR UPDATE`;
  if (!open) return null;
  const roles = await rolesStillGiven(tx, tenantId, open);
  await tx.invitation.update({
    where: { id, tenantId },
    data: roles
      ? { acceptedAt: new Date(), acceptedBy: "id" in by ? by.id : by.joins }
      : { revokedAt: new Date() },
    select: { id: true },
  });
  if (roles && open.invitedBy !== null)
    return { ...invitation, ...open, roles, inviterId: open.invitedBy };
  await recordAudit(tx, ctx, {
    action: "invitation.accepted",
    resourceType: "invitation",
    resourceId: id,
    tenantId,
    outcome: "failure",
    details: { reason: "inviter_may_not" },
  });
  return null;
}

/** An invitation that this account has accepted, for whoever opens its link again. */
export async function acceptedInvitation(
  db: Database,
  token: string,
  accountId: string,
): Promise<{ tenantId: string } | null> {
  const found = await db.invitation.findFirst({
    where: { tokenHash: Uint8Array.from(hashToken(token)), acceptedAt: { not: null } },
    select: { tenantId: true, acceptedBy: true },
  });
  const isTheirs =
    found?.acceptedBy &&
    (await db.user.count({ where: { id: found.acceptedBy, accountId, isDeleted: false } })) > 0;
  return isTheirs ? found : null;
}

/** Whatever is wrong: used, expired, revoked, replaced by a newer one, or never ours. */
export function invalidInvitation(): ApiError {
  return new ApiError(
    "invalid_one_time_token",
    "The invitation is expired, used, revoked, replaced by a newer one, or not ours. Ask for a new one.",
  );
}
