/** Proving one's own address, and changing it. Both happen within a session: a link alone proves nothing for a stranger. */
import { recordAudit } from "../../audit/record.ts";
import type { Context, SessionContext } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import { touch } from "../../db/touch.ts";
import { sendMail } from "../../mail/send.ts";
import { issueOneTimeToken } from "../../one-time-tokens/issue.ts";
import { CODE_SECONDS, findByCode, findToken } from "../../one-time-tokens/redeem.ts";
import { revokeSessions } from "../../sessions/revoke.ts";
import { withEmailTaken } from "../../users/create.ts";
import { findAccount } from "../find-account.ts";
import { linkFor } from "./links.ts";
import { invalidMailedToken, lockForMail, type Recipient, useMailedToken } from "./mailed-token.ts";
import type { ChangeEmailInput, VerifyEmailInput } from "./schemas.ts";

const LINK_MINUTES = 60;
const PURPOSES = ["verify_email", "change_email"] as const;

type Addressee = Pick<Recipient, "id" | "tenantId" | "email" | "language">;

/**
 * Sends a link and a code to an address that is to be proved, for the session that asks. The caller holds a lock on the
 * user.
 */
export async function sendVerification(
  tx: Transaction,
  ctx: Context,
  user: Addressee,
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
  await sendMail(tx, ctx, {
    template: "verify_email",
    to: user.email,
    language: user.language ?? ctx.origin.language,
    link: linkFor(ctx, "verify_email", token),
    code: code ?? "",
    minutes: LINK_MINUTES,
  });
}

/** Sends the caller a new link and code; does nothing when the address is proved. */
export async function resendVerification(ctx: SessionContext): Promise<{ expiresIn: number }> {
  const { userId: id, tenantId, sessionId } = ctx.principal;
  await ctx.db.$transaction(async (tx) => {
    const user = await lockForMail(tx, { id, tenantId }, "verify_email");
    if (!user || user.verified) return;
    await sendVerification(tx, ctx, user, sessionId);
    await record(tx, ctx, "user.email_verification_requested");
  });
  return { expiresIn: CODE_SECONDS };
}

/**
 * Begins a change of address: a link and a code go to the new one, and the account keeps the old one until they come
 * back. An address that somebody else has gets a mail that says so; the caller is not told.
 */
export async function requestEmailChange(
  ctx: SessionContext,
  { email }: ChangeEmailInput,
): Promise<{ expiresIn: number }> {
  const { userId: id, tenantId, sessionId } = ctx.principal;
  const taken = await findAccount(ctx, { email, tenant: await slugOf(ctx) });
  await ctx.db.$transaction(async (tx) => {
    const user = await lockForMail(tx, { id, tenantId }, "change_email");
    if (!user || user.email === email) return;
    // Issued in both cases, so that the time does not tell; of a taken address nobody learns link or code.
    const { token, code } = await issueOneTimeToken(tx, ctx, {
      purpose: "change_email",
      user,
      email,
      ttlSeconds: LINK_MINUTES * 60,
      boundTo: sessionId,
      withCode: true,
    });
    const mail = taken
      ? ({ template: "address_in_use", link: ctx.config.appUrl } as const)
      : ({
          template: "change_email",
          link: linkFor(ctx, "change_email", token),
          code: code ?? "",
          minutes: LINK_MINUTES,
        } as const);
    await sendMail(tx, ctx, { ...mail, to: email, language: user.language ?? ctx.origin.language });
    await record(tx, ctx, "user.email_change_requested");
  });
  return { expiresIn: CODE_SECONDS };
}

/**
 * Proves the caller's address, or completes its change: then the old address is told, and the other sessions end.
 * @throws ApiError `invalid_one_time_token`, `email_taken`.
 */
export async function verifyEmail(ctx: SessionContext, input: VerifyEmailInput): Promise<void> {
  const { userId, sessionId } = ctx.principal;
  const ended = await ctx.db.$transaction(async (tx) => {
    const token =
      "token" in input
        ? await findToken(tx, ctx, PURPOSES, input.token)
        : await findByCode(tx, ctx, PURPOSES, { boundTo: sessionId }, input.code);
    // Somebody else's link is not used up: it still works for them.
    const user = token?.userId === userId && (await useMailedToken(tx, token));
    if (!user) {
      await record(tx, ctx, "user.email_verified", "failure");
      return null;
    }
    return token.purpose === "change_email"
      ? changeEmail(tx, ctx, user, token.email ?? "")
      : markVerified(tx, ctx);
  });
  if (!ended) throw invalidMailedToken();
  ctx.revocations.add(ended);
}

async function markVerified(tx: Transaction, ctx: SessionContext): Promise<string[]> {
  const { userId: id, tenantId } = ctx.principal;
  await tx.user.update({
    where: { id, tenantId },
    data: { emailVerifiedAt: new Date() },
    select: { id: true },
  });
  await record(tx, ctx, "user.email_verified");
  return [];
}

async function changeEmail(
  tx: Transaction,
  ctx: SessionContext,
  { id, tenantId, email: oldEmail, language }: Recipient,
  email: string,
): Promise<string[]> {
  await withEmailTaken(
    tx.user.update({
      where: { id, tenantId },
      data: { email, emailVerifiedAt: new Date(), ...touch(ctx) },
      select: { id: true },
    }),
  );
  const others = { userId: id, tenantId, id: { not: ctx.principal.sessionId } };
  const ended = await revokeSessions(tx, others, "email_changed");
  await record(tx, ctx, "user.email_changed");
  // To the old address: whoever took the account over has the new one (ASVS 5.0, 6.3.7).
  await sendMail(tx, ctx, {
    template: "email_changed",
    to: oldEmail,
    newEmail: email,
    language: language ?? ctx.origin.language,
  });
  return ended;
}

/** Without address, link or code: whoever reads the log sees it. */
async function record(
  tx: Transaction,
  ctx: SessionContext,
  action: string,
  outcome: "success" | "failure" = "success",
): Promise<void> {
  const { userId, tenantId } = ctx.principal;
  await recordAudit(tx, ctx, {
    action,
    resourceType: "user",
    resourceId: userId,
    tenantId,
    outcome,
  });
}

/** The tenant in which the caller's address has to be unique; none where addresses are unique in the installation. */
async function slugOf(ctx: SessionContext): Promise<string | undefined> {
  const { tenantId } = ctx.principal;
  if (ctx.config.emailScope === "global" || tenantId === null) return undefined;
  const tenant = await ctx.db.tenant.findUnique({
    where: { id: tenantId },
    select: { slug: true },
  });
  return tenant?.slug;
}
