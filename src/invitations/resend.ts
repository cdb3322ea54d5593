import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import { hashToken, randomToken } from "../crypto/secret.ts";
import type { Transaction } from "../db/client.ts";
import { commit } from "../db/commit.ts";
import { UNANSWERED } from "../db/live.ts";
import { NotFoundError, ValidationError } from "../errors.ts";
import { assertMayAssign, defaultRoles, rolesToGrant } from "../roles/giving.ts";
import { admitAddress, admitPerson } from "../tenants/admission.ts";
import { enterTenant } from "../tenants/lock.ts";
import { assertNoMember, inDays, limitMails } from "./create.ts";
import { sendInvitation } from "./mail.ts";
import { visibleInvitation, withRoleNames } from "./read.ts";
import {
  DEFAULT_DAYS,
  type Invitation,
  type InvitationRow,
  invitationSelect,
  toInvitation,
} from "./schemas.ts";

/**
 * Sends a new link for an invitation that is pending or has expired, good for seven days; the old link is void. From
 * then on whoever sends it answers for it: what they may not give, it does not give.
 * @throws NotFoundError, also for one that was accepted or revoked; PermissionError, ValidationError; ApiError
 * `email_taken`, `seat_limit`, `rate_limited`.
 */
export async function resendInvitation(ctx: AuthedContext, id: string): Promise<Invitation> {
  const open = { ...visibleInvitation(ctx, id), ...UNANSWERED };
  const known = await ctx.db.invitation.findFirst({ where: open, select: invitationSelect });
  if (!known) throw new NotFoundError("invitation");
  const { tenantId, email } = known;
  await limitMails(ctx, tenantId, email);
  const token = randomToken();

  return commit(ctx, async (tx) => {
    await enterTenant(tx, tenantId);
    const roles = await rolesToRenew(tx, ctx, known);
    await assertNoMember(tx, tenantId, email);
    // Its seat is free again since it expired.
    if (known.expiresAt.getTime() > Date.now()) await admitAddress(tx, tenantId, email);
    else await admitPerson(tx, tenantId, email);
    const [row] = await tx.invitation.updateManyAndReturn({
      where: open,
      data: {
        roleIds: roles.map((role) => role.id),
        tokenHash: Uint8Array.from(hashToken(token)),
        invitedBy: ctx.principal.userId,
        expiresAt: inDays(DEFAULT_DAYS),
      },
      select: invitationSelect,
    });
    // Accepted or revoked meanwhile.
    if (!row) throw new NotFoundError("invitation");
    await sendInvitation(tx, ctx, row, token);
    const names = roles.map((role) => role.name);
    await recordAudit(tx, ctx, {
      action: "invitation.resent",
      resourceType: "invitation",
      resourceId: row.id,
      tenantId,
      details: { roles: names },
    });
    return toInvitation(row, names);
  });
}

async function rolesToRenew(tx: Transaction, ctx: AuthedContext, row: InvitationRow) {
  const [{ roles: names = [] } = {}] = await withRoleNames(tx, [row]);
  if (names.length === 0)
    throw new ValidationError([
      { path: "roles", message: "Are deleted: invite again, with others" },
    ]);
  const byDefault = await defaultRoles(tx, row.tenantId);
  const isDefault = names.length === byDefault.length && names.every((n) => byDefault.includes(n));
  if (!isDefault) assertMayAssign(ctx);
  return rolesToGrant(tx, ctx, row.tenantId, names);
}
