/** A forgotten password: a link to the address on file, and a new password for it. */
import { recordAccountEvent } from "../../audit/account-events.ts";
import type { Context } from "../../context.ts";
import { hashedFor } from "../../crypto/password.ts";
import { commit } from "../../db/commit.ts";
import { requestMail } from "../../mail/requests.ts";
import { sendProof, tellUser } from "../../mail/send.ts";
import { issueOneTimeToken } from "../../one-time-tokens/issue.ts";
import { findToken, type OneTimeToken } from "../../one-time-tokens/redeem.ts";
import { revokeSessions } from "../../sessions/revoke.ts";
import { assertAcceptablePassword, ownerSelect } from "../../users/password-policy.ts";
import { findAccount } from "../account.ts";
import { proveAddress } from "../address/prove-address.ts";
import { NO_FAILURES } from "../guessing.ts";
import { linkFor } from "../mails/links.ts";
import { invalidMailedToken, lockForMail, useMailedToken } from "../mails/mailed-token.ts";
import type { AddressInput } from "../mails/schemas.ts";
import type { ResetPasswordInput } from "./schemas.ts";

const LINK_MINUTES = 30;

/** Asks for a link. Changes nothing at the account: nobody is kept out by what a stranger asks for. */
export function forgotPassword(ctx: Context, { email, tenant }: AddressInput): Promise<void> {
  return requestMail(ctx, { kind: "reset_password", email, tenant });
}

/** The job behind it. */
export async function sendResetMail(
  ctx: Context,
  { userId, ...name }: AddressInput & { userId?: string },
): Promise<void> {
  const account = await findAccount(ctx, name);
  if (!account || (userId !== undefined && account.id !== userId)) return;
  await commit(ctx, async (tx) => {
    const user = await lockForMail(tx, ctx, account, "reset_password");
    if (!user) return;
    const { token } = await issueOneTimeToken(tx, ctx, {
      purpose: "reset_password",
      user,
      email: user.email,
      ttlSeconds: LINK_MINUTES * 60,
    });
    await sendProof(tx, ctx, user, {
      template: "reset_password",
      link: linkFor(ctx, "reset_password", token),
      minutes: LINK_MINUTES,
    });
    await recordAccountEvent(tx, ctx, {
      action: "auth.password_reset_requested",
      user,
      auditTenantId: account.auditTenantId,
    });
  });
}

/**
 * Sets a new password by the token of a link. It logs nobody in and takes no second factor away: a mailbox alone must
 * not be enough where the account wants more (ASVS 5.0, 6.4.3). Every session ends, and a lockout is lifted.
 *
 * A link to an account that a tenant has made proves its address. Where the person has a shared account with that address,
 * the password is for that (accounts/settle.ts): it is the one that they log in with from here on, and whoever reads the
 * mail may reset it anyway. The tenant's people, who can have such a link sent, gain nothing: they do not read it.
 * @throws ApiError `invalid_one_time_token`, `overloaded`; ValidationError.
 */
export async function resetPassword(
  ctx: Context,
  { token, newPassword }: ResetPasswordInput,
): Promise<void> {
  const found = await findToken(ctx.db, ctx, ["reset_password"], token);
  const owner = found && (await readOwner(ctx, found));
  if (!owner) throw invalidMailedToken();
  await assertAcceptablePassword(ctx.config, newPassword, owner, "newPassword");
  // Before the transaction: a connection must not wait for the queue of hashes.
  const passwordHash = await ctx.passwords.hash(newPassword, hashedFor(ctx, found));

  await commit(ctx, async (tx) => {
    const user = await useMailedToken(tx, found);
    if (!user) throw invalidMailedToken();
    const accountId = await proveAddress(tx, ctx, user, null);
    await tx.account.update({
      where: { id: accountId },
      data: { passwordHash, passwordOrigin: "own", ...NO_FAILURES },
      select: { id: true },
    });
    await revokeSessions(tx, ctx, { accountId }, "password_reset");
    const event = { action: "user.password_reset", user: { ...user, accountId } } as const;
    await recordAccountEvent(tx, ctx, event, user.id);
    // The link has proved the address by now.
    await tellUser(tx, ctx, user, { template: "password_changed" });
  });
}

async function readOwner(ctx: Context, { userId, tenantId }: OneTimeToken) {
  return ctx.db.user.findFirst({
    where: { id: userId ?? "", tenantId, isDeleted: false },
    select: ownerSelect,
  });
}
