import { recordAccountEvent } from "../audit/account-events.ts";
import type { Context } from "../context.ts";
import { commit } from "../db/commit.ts";
import type { AccountName } from "../mail/requests.ts";
import { sendProof } from "../mail/send.ts";
import { issueOneTimeToken } from "../one-time-tokens/issue.ts";
import { findToken } from "../one-time-tokens/redeem.ts";
import { findAccount } from "./account.ts";
import { NO_FAILURES } from "./guessing.ts";
import type { UnlockInput } from "./login/schemas.ts";
import { linkFor } from "./mails/links.ts";
import { invalidMailedToken, lockForMail, useMailedToken } from "./mails/mailed-token.ts";

const LINK_HOURS = 24;

/** The job that tells the owner of an account which somebody's guesses have locked out. */
export async function sendUnlockMail(ctx: Context, name: AccountName): Promise<void> {
  const account = await findAccount(ctx, name);
  if (!account) return;
  await commit(ctx, async (tx) => {
    const user = await lockForMail(tx, ctx, account, "unlock");
    if (!user) return;
    const { token } = await issueOneTimeToken(tx, ctx, {
      purpose: "unlock",
      user,
      email: user.email,
      ttlSeconds: LINK_HOURS * 3600,
    });
    await sendProof(tx, ctx, user, {
      template: "account_locked",
      link: linkFor(ctx, "unlock", token),
      minutes: LINK_HOURS * 60,
    });
    const { auditTenantId } = account;
    await recordAccountEvent(tx, ctx, { action: "user.locked", user, auditTenantId });
  });
}

/**
 * Lifts the lockout that somebody's guesses have put on an account, by the token that its address was sent then (ASVS 5.0,
 * 6.1.1: no lockout may keep the owner out). It logs nobody in. @throws ApiError `invalid_one_time_token`.
 */
export async function unlock(ctx: Context, { token }: UnlockInput): Promise<void> {
  await commit(ctx, async (tx) => {
    const found = await findToken(tx, ctx, ["unlock"], token);
    const user = found && (await useMailedToken(tx, found));
    if (!user) throw invalidMailedToken();
    const { accountId } = user;
    await tx.account.update({ where: { id: accountId }, data: NO_FAILURES, select: { id: true } });
    await recordAccountEvent(tx, ctx, { action: "user.unlocked", user }, user.id);
  });
}
