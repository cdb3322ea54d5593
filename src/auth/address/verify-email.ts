/** Proving one's own address, and completing its change, within a session: a link alone proves nothing for a stranger. */
import type { Context, SessionContext } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import { commit } from "../../db/commit.ts";
import { acrossTenants } from "../../db/scope.ts";
import { sendProof } from "../../mail/send.ts";
import { issueOneTimeToken } from "../../one-time-tokens/issue.ts";
import { CODE_SECONDS, findToken, type OneTimeToken } from "../../one-time-tokens/redeem.ts";
import { assertSessionLives } from "../../sessions/assert-live.ts";
import { assertRecentProof } from "../../sessions/recent-proof.ts";
import { NO_FAILURES } from "../guessing.ts";
import { linkFor } from "../mails/links.ts";
import {
  invalidMailedToken,
  lockForMail,
  type Recipient,
  useMailedToken,
} from "../mails/mailed-token.ts";
import { type Redeemed, redeemCode } from "../mails/redeem-code.ts";
import { begunByOf, completeEmailChange } from "./change-email.ts";
import { proveAddress } from "./prove-address.ts";
import { recordOwn } from "./record-own.ts";
import type { VerifyEmailInput } from "./schemas.ts";

const LINK_MINUTES = 60;
const PURPOSES = ["verify_email", "change_email"] as const;

/**
 * Sends a link and a code to an address that is to be proved, for the session that asks. The caller holds a lock on the
 * account.
 */
export async function sendVerification(
  tx: Transaction,
  ctx: Context,
  user: Pick<Recipient, "id" | "tenantId" | "email">,
  sessionId: string,
): Promise<void> {
  const { token, code } = await issueOneTimeToken(tx, ctx, {
    purpose: "verify_email",
    user,
    email: user.email,
    ttlSeconds: LINK_MINUTES * 60,
    boundTo: sessionId,
    withCode: true,
  });
  await sendProof(tx, ctx, user, {
    template: "verify_email",
    link: linkFor(ctx, "verify_email", token),
    code: code ?? "",
    minutes: LINK_MINUTES,
  });
}

/** Sends the caller a new link and code; does nothing when the address is proved. */
export async function resendVerification(ctx: SessionContext): Promise<{ expiresIn: number }> {
  const { userId: id, tenantId, sessionId } = ctx.principal;
  await commit(ctx, async (tx) => {
    const user = await lockForMail(tx, ctx, { id, tenantId }, "verify_email");
    if (!user || user.verified) return;
    await sendVerification(tx, ctx, user, sessionId);
    await recordOwn(tx, ctx, "user.email_verification_requested");
  });
  return { expiresIn: CODE_SECONDS };
}

/**
 * Proves the caller's address, or completes its change: then the old address is told, and the other sessions end. A
 * first proof takes a password away that the tenant has set (prove-address.ts): the person sets their own next. Where they
 * have an account elsewhere, the session is over with it, and they log in with that. The link may have been asked for as
 * another of the account's users, in another tenant: so the rows of all are looked at.
 * @throws ApiError `invalid_one_time_token`, `email_taken`; `reauthentication_required` for a change that somebody else
 * has begun.
 */
export async function verifyEmail(ctx: SessionContext, input: VerifyEmailInput): Promise<void> {
  const isProved = await acrossTenants(() => commit(ctx, (tx) => prove(tx, ctx, input)));
  if (!isProved) throw invalidMailedToken();
}

async function prove(
  tx: Transaction,
  ctx: SessionContext,
  input: VerifyEmailInput,
): Promise<boolean> {
  const { sessionId } = ctx.principal;
  const used =
    "token" in input
      ? await useLink(tx, ctx, input.token)
      : (await redeemCode(tx, ctx, PURPOSES, { boundTo: sessionId }, input.code)).used;
  if (!used) {
    await recordOwn(tx, ctx, "user.email_verified", "failure");
    return false;
  }
  const { token, user } = used;
  // The account is locked: a session that ended while this was under way gives it no address.
  await assertSessionLives(tx, ctx);
  if (token.purpose === "change_email")
    await completeEmailChange(tx, ctx, user, { email: token.email ?? "", sessionId });
  else await markVerified(tx, ctx, user);
  return true;
}

async function useLink(
  tx: Transaction,
  ctx: SessionContext,
  text: string,
): Promise<Redeemed["used"]> {
  const token = await findToken(tx, ctx, PURPOSES, text);
  // Somebody else's link is not used up: it still works for them.
  if (!token || !(await isOwn(tx, ctx, token))) return null;
  // The owner proved who they are when they began it. Of what somebody else began nobody has: whoever finds an open
  // browser, and has a friend among the administrators, must not have the account by a link to their own mailbox.
  if (token.purpose === "change_email" && begunByOf(token) !== "owner") assertRecentProof(ctx);
  const user = await useMailedToken(tx, token);
  return user && { token, user };
}

async function isOwn(
  tx: Transaction,
  { principal: { accountId } }: SessionContext,
  { userId }: OneTimeToken,
): Promise<boolean> {
  return userId !== null && (await tx.user.count({ where: { id: userId, accountId } })) > 0;
}

/** It says what a log-in by mail says, so it sets the failures back as that does. */
async function markVerified(tx: Transaction, ctx: SessionContext, user: Recipient): Promise<void> {
  await recordOwn(tx, ctx, "user.email_verified");
  const id = await proveAddress(tx, ctx, user, ctx.principal.sessionId);
  await tx.account.update({ where: { id }, data: NO_FAILURES, select: { id: true } });
}
