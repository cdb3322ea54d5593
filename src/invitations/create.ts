import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import { hashToken, randomToken } from "../crypto/secret.ts";
import type { Transaction } from "../db/client.ts";
import { commit } from "../db/commit.ts";
import { newId } from "../db/id.ts";
import { UNANSWERED } from "../db/live.ts";
import { ApiError, ValidationError } from "../errors.ts";
import { targetTenant } from "../principal.ts";
import { assertMayAssign, rolesToGrant } from "../roles/giving.ts";
import { admitPerson } from "../tenants/admission.ts";
import { enterTenant } from "../tenants/lock.ts";
import { sendInvitation } from "./mail.ts";
import {
  type CreateInvitationInput,
  type Invitation,
  invitationSelect,
  toInvitation,
} from "./schemas.ts";

/**
 * Invites an address: a mail with a link goes there, and a seat is kept. A newer invitation to the same address takes
 * the place of the older one. Whether the address has an account elsewhere makes no difference, and is not told.
 * @throws PermissionError, also for roles that may do more than the caller; ValidationError; NotFoundError (the tenant);
 * ApiError `email_taken` (a member of the tenant), `seat_limit`, `rate_limited`.
 */
export async function createInvitation(
  ctx: AuthedContext,
  { email, roles: names, expiresInDays, ...input }: CreateInvitationInput,
): Promise<Invitation> {
  const tenantId = targetTenant(ctx, input.tenantId);
  if (tenantId === null) throw new ValidationError([{ path: "tenantId", message: "Is required" }]);
  if (names) assertMayAssign(ctx);
  await limitMails(ctx, tenantId, email);
  const token = randomToken();

  return commit(ctx, async (tx) => {
    await enterTenant(tx, tenantId);
    // From here on invitations of this tenant come one after the other.
    const roles = await rolesToGrant(tx, ctx, tenantId, names);
    await assertNoMember(tx, tenantId, email);
    await tx.invitation.updateMany({
      where: { tenantId, email, ...UNANSWERED },
      data: { revokedAt: new Date() },
    });
    await admitPerson(tx, tenantId, email);
    const row = await tx.invitation.create({
      data: {
        id: newId(),
        tenantId,
        email,
        roleIds: roles.map((role) => role.id),
        tokenHash: Uint8Array.from(hashToken(token)),
        invitedBy: ctx.principal.userId,
        expiresAt: inDays(expiresInDays),
      },
      select: invitationSelect,
    });
    const invited = roles.map((role) => role.name);
    await sendInvitation(tx, ctx, row, token);
    await recordAudit(tx, ctx, {
      action: "invitation.created",
      resourceType: "invitation",
      resourceId: row.id,
      tenantId,
      details: { roles: invited },
    });
    return toInvitation(row, invited);
  });
}

export function inDays(days: number): Date {
  return new Date(Date.now() + days * 86_400_000);
}

/** A mailbox must not be flooded through us. @throws ApiError `rate_limited` */
export async function limitMails(
  ctx: AuthedContext,
  tenantId: string,
  email: string,
): Promise<void> {
  await ctx.rateLimits.consume("mailbox", `${tenantId} ${email}`);
}

/** @throws ApiError `email_taken` */
export async function assertNoMember(
  tx: Transaction,
  tenantId: string,
  email: string,
): Promise<void> {
  const members = await tx.user.count({ where: { tenantId, email, isDeleted: false } });
  if (members > 0)
    throw new ApiError("email_taken", "Somebody in the tenant has this address already.");
}
