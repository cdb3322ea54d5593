/** Changing an address: the new one has to be proved, and the old one is told. How it begins: users/change-address.ts. */
import { freeBarred } from "../../accounts/barred.ts";
import { settleAccount } from "../../accounts/settle.ts";
import { recordAccountEvent } from "../../audit/account-events.ts";
import type { Context, SessionContext } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import { commit } from "../../db/commit.ts";
import { touch } from "../../db/touch.ts";
import type { AddressChange, BegunBy } from "../../mail/requests.ts";
import { sendProof, tellUser } from "../../mail/send.ts";
import { issueOneTimeToken } from "../../one-time-tokens/issue.ts";
import { CODE_SECONDS, type OneTimeToken } from "../../one-time-tokens/redeem.ts";
import { assertRecentProof } from "../../sessions/recent-proof.ts";
import { revokeSessions } from "../../sessions/revoke.ts";
import { admitAddress } from "../../tenants/admission.ts";
import { beginAddressChange } from "../../users/change-address.ts";
import { withEmailTaken } from "../../users/create.ts";
import { lockUser } from "../../users/reach.ts";
import { linkFor } from "../mails/links.ts";
import { lockForMail, type Recipient } from "../mails/mailed-token.ts";
import { markProved } from "./prove-address.ts";
import type { ChangeEmailInput } from "./schemas.ts";
import { addressHolder } from "./taken.ts";

/** Where the owner waits for it, and types the code beside it. */
const OWN_LINK_MINUTES = 60;
/** Where somebody else has asked for it: whoever gets the mail was not waiting. */
const LINK_MINUTES = 7 * 24 * 60;

/** What is kept with the token. Those of before this was kept are the owner's: nobody else began any. */
type ChangePayload = { begunBy: BegunBy };

/**
 * Begins a change of the caller's own address, for all tenants that their account has a user in: a link and a code go to
 * the new one, and the account keeps the old one until they come back. An address that somebody else has gets a mail that
 * says so; the caller is not told.
 * @throws ValidationError for an address of a domain that the tenant does not let in for which the caller speaks, and of no
 * other: domains count when somebody comes in, and no tenant is to tell of another; ApiError
 * `reauthentication_required`.
 */
export async function requestEmailChange(
  ctx: SessionContext,
  { email }: ChangeEmailInput,
): Promise<{ expiresIn: number }> {
  assertRecentProof(ctx);
  await commit(ctx, async (tx) => {
    const user = await lockUser(tx, ctx, ctx.principal.userId);
    const address = await beginAddressChange(tx, ctx, user, email);
    if (address.pendingEmail === undefined) return;
    await tx.account.update({
      where: { id: ctx.principal.accountId },
      data: address,
      select: { id: true },
    });
    await tx.user.update({
      where: { id: user.id, tenantId: user.tenantId },
      data: touch(ctx),
      select: { id: true },
    });
  });
  return { expiresIn: CODE_SECONDS };
}

/** The job behind every change. It sends nothing for one that was called off, or gave way to another address, meanwhile. */
export async function sendChangeMail(
  ctx: Context,
  { userId: id, tenantId, email, begunBy, sessionId }: AddressChange,
): Promise<void> {
  const isOwn = begunBy === "owner" && sessionId !== null;
  const minutes = isOwn ? OWN_LINK_MINUTES : LINK_MINUTES;
  await commit(ctx, async (tx) => {
    const user = await lockForMail(tx, ctx, { id, tenantId }, "change_email");
    if (user?.pendingEmail !== email) return;
    const taken = await addressHolder(tx, user.poolId, email);
    // Issued for a taken address too, of which nobody learns link or code: wrong codes must count in both cases.
    const { token, code } = await issueOneTimeToken(tx, ctx, {
      purpose: "change_email",
      user,
      email,
      ttlSeconds: minutes * 60,
      payload: { begunBy } satisfies ChangePayload,
      ...(isOwn && { boundTo: sessionId, withCode: true }),
    });
    if (taken) {
      const notice = { template: "address_in_use", link: ctx.config.appUrl } as const;
      await tellUser(tx, ctx, taken, notice);
    } else {
      await sendProof(
        tx,
        ctx,
        { ...user, email },
        {
          template: "change_email",
          link: linkFor(ctx, "change_email", token),
          code,
          minutes,
        },
      );
    }
  });
}

/** Who has begun the change that this token completes. */
export function begunByOf({ payload }: Pick<OneTimeToken, "payload">): BegunBy {
  return (payload as ChangePayload | null)?.begunBy ?? "owner";
}

/**
 * Gives the account, whose row is locked, the address that its person has proved, and ends all sessions but the one that
 * asks. The address is another one in every tenant that the account has a user in; only the one through which it is
 * changed has a say in the domain. One that a tenant has made becomes shared by it (accounts/settle.ts). Where nobody ever proved an address of the account, what was set up before goes that may be a stranger's
 * (prove-address.ts). Where one was proved, factors and password stay: it is the same person's account, who has a new
 * address.
 * @param sessionId the session within which it is completed; null for a link alone.
 * @throws ApiError `email_taken`, to whoever reads the mailbox; ValidationError.
 */
export async function completeEmailChange(
  tx: Transaction,
  ctx: Context,
  user: Recipient,
  { email, sessionId }: { email: string; sessionId: string | null },
): Promise<void> {
  const { id, tenantId, accountId } = user;
  await admitAddress(tx, tenantId, email);
  await markProved(tx, ctx, user, sessionId);
  await freeBarred(tx, email);
  await withEmailTaken(
    tx.account.update({
      where: { id: accountId },
      data: { email, pendingEmail: null, emailVerifiedAt: new Date() },
      select: { id: true },
    }),
  );
  // The version a trigger has raised, of each of the account's users.
  await tx.user.update({
    where: { id, tenantId },
    data: { updatedBy: id, updatedAt: new Date() },
    select: { id: true },
  });
  const others = { accountId, ...(sessionId !== null && { id: { not: sessionId } }) };
  await revokeSessions(tx, ctx, others, "email_changed");
  await recordAccountEvent(tx, ctx, { action: "user.email_changed", user }, id);
  // To the old address: whoever took the account over has the new one (ASVS 5.0, 6.3.7). One that was never proved may be
  // anybody's, and hears nothing of a person who is not there.
  await tellUser(tx, ctx, user, { template: "email_changed" }, user);
  await settleAccount(tx, ctx, user);
}
