/** Logging in by a mail: a link, or six digits typed where the mail was asked for. */
import { recordAudit } from "../../audit/record.ts";
import type { Context } from "../../context.ts";
import { randomToken } from "../../crypto/secret.ts";
import type { Transaction } from "../../db/client.ts";
import { commit } from "../../db/commit.ts";
import { requestMail } from "../../mail/requests.ts";
import { sendProof } from "../../mail/send.ts";
import { issueOneTimeToken } from "../../one-time-tokens/issue.ts";
import { CODE_SECONDS, findToken, type OneTimeToken } from "../../one-time-tokens/redeem.ts";
import { auditTenantOf, findAccount, opensSeveralTenants } from "../account.ts";
import { proveAddress } from "../address/prove-address.ts";
import { linkFor } from "../mails/links.ts";
import { invalidMailedToken, lockForMail, useMailedToken } from "../mails/mailed-token.ts";
import { type Redeemed, redeemCode } from "../mails/redeem-code.ts";
import type { AddressInput, ChallengeAnswer } from "../mails/schemas.ts";
import type { LoginAnswer } from "../schemas.ts";
import { completeLogin, loginAnswer } from "./complete-login.ts";
import { recordFailure } from "./record-failure.ts";
import type { MagicLinkInput } from "./schemas.ts";

const LINK_MINUTES = 10;

/** Asks for a mail. The answer is the same for every address. */
export async function requestMagicLink(
  ctx: Context,
  { email, tenant }: AddressInput,
): Promise<ChallengeAnswer> {
  const challenge = randomToken();
  await requestMail(ctx, { kind: "magic_link", email, tenant, challenge });
  return { challengeId: challenge, expiresIn: CODE_SECONDS };
}

/** The job behind it. */
export async function sendMagicLink(
  ctx: Context,
  { challenge, ...name }: AddressInput & { challenge?: string },
): Promise<void> {
  const account = await findAccount(ctx, name);
  if (!account) return;
  await commit(ctx, async (tx) => {
    const user = await lockForMail(tx, ctx, account, "magic_link");
    if (!user) return;
    const { token, code } = await issueOneTimeToken(tx, ctx, {
      purpose: "magic_link",
      user,
      email: user.email,
      ttlSeconds: LINK_MINUTES * 60,
      ...(challenge !== undefined && { challenge, withCode: true }),
      payload: { namesTenant: name.tenant !== undefined },
    });
    await sendProof(tx, ctx, user, {
      template: "magic_link",
      link: linkFor(ctx, "magic_link", token),
      code,
      minutes: LINK_MINUTES,
    });
    await recordAudit(tx, ctx, {
      action: "auth.magic_link_requested",
      resourceType: "user",
      resourceId: user.id,
      tenantId: account.auditTenantId,
    });
  });
}

/**
 * Logs in by the token of a link or by a code. A mail is one factor, whatever else it is called: the second one is asked
 * for as after a password. @throws ApiError `invalid_one_time_token`.
 */
export async function logInByMagicLink(ctx: Context, input: MagicLinkInput): Promise<LoginAnswer> {
  const outcome = await commit(ctx, async (tx) => {
    const { used, meant } = await redeem(tx, ctx, input);
    if (!used) {
      await recordFailure(tx, ctx, {
        action: "auth.login_failed",
        userId: meant?.userId,
        tenantId: await auditTenantOf(tx, ctx, meant?.userId ?? null),
        details: { reason: "invalid_link_or_code", methods: ["email"] },
      });
      return null;
    }
    const accountId = await proveAddress(tx, ctx, used.user, null);
    const user = { ...used.user, accountId };
    const severalTenants = !namesTenant(used.token) && (await opensSeveralTenants(tx, accountId));
    return completeLogin(tx, ctx, user, { methods: ["email"], severalTenants });
  });
  if (!outcome) throw invalidMailedToken();
  return loginAnswer(ctx, outcome);
}

/** Whether the mail was asked for with a tenant: then that one is meant, else it is asked for where there are several. */
function namesTenant({ payload }: OneTimeToken): boolean {
  return (payload as { namesTenant: boolean } | null)?.namesTenant ?? false;
}

async function redeem(tx: Transaction, ctx: Context, input: MagicLinkInput): Promise<Redeemed> {
  if ("code" in input)
    return redeemCode(tx, ctx, ["magic_link"], { challenge: input.challengeId }, input.code);
  const token = await findToken(tx, ctx, ["magic_link"], input.token);
  const user = token && (await useMailedToken(tx, token));
  return { meant: token, used: user && { token, user } };
}
