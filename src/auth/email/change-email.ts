/** Changing one's own address: the new one has to be proved, and the old one is told. */
import type { SessionContext } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import { acrossTenants } from "../../db/scope.ts";
import { touch } from "../../db/touch.ts";
import { sendMail } from "../../mail/send.ts";
import { issueOneTimeToken } from "../../one-time-tokens/issue.ts";
import { CODE_SECONDS } from "../../one-time-tokens/redeem.ts";
import { revokeSessions } from "../../sessions/revoke.ts";
import { admitAddress } from "../../tenants/admission.ts";
import { withEmailTaken } from "../../users/create.ts";
import { findAccount } from "../find-account.ts";
import { linkFor } from "./links.ts";
import { lockForMail, type Recipient } from "./mailed-token.ts";
import { recordOwn } from "./record-own.ts";
import type { ChangeEmailInput } from "./schemas.ts";

const LINK_MINUTES = 60;

/**
 * Begins a change of address: a link and a code go to the new one, and the account keeps the old one until they come
 * back. An address that somebody else has gets a mail that says so; the caller is not told.
 * @throws ValidationError for an address of a domain that the tenant does not let in.
 */
export async function requestEmailChange(
  ctx: SessionContext,
  { email }: ChangeEmailInput,
): Promise<{ expiresIn: number }> {
  const { userId: id, tenantId, sessionId } = ctx.principal;
  await admitAddress(ctx.db, tenantId, email);
  const taken = await acrossTenants(async () =>
    findAccount(ctx, { email, tenant: await slugOf(ctx) }),
  );
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
    await recordOwn(tx, ctx, "user.email_change_requested");
  });
  return { expiresIn: CODE_SECONDS };
}

/**
 * Gives the caller, whose row is locked, the new address. Answers the sessions that ended: all but this one.
 * @throws ApiError `email_taken`; ValidationError.
 */
export async function completeEmailChange(
  tx: Transaction,
  ctx: SessionContext,
  { id, tenantId, email: oldEmail, language }: Recipient,
  email: string,
): Promise<string[]> {
  await admitAddress(tx, tenantId, email);
  await withEmailTaken(
    tx.user.update({
      where: { id, tenantId },
      data: { email, emailVerifiedAt: new Date(), ...touch(ctx) },
      select: { id: true },
    }),
  );
  const others = { userId: id, tenantId, id: { not: ctx.principal.sessionId } };
  const ended = await revokeSessions(tx, others, "email_changed");
  await recordOwn(tx, ctx, "user.email_changed");
  // To the old address: whoever took the account over has the new one (ASVS 5.0, 6.3.7).
  await sendMail(tx, ctx, {
    template: "email_changed",
    to: oldEmail,
    newEmail: email,
    language: language ?? ctx.origin.language,
  });
  return ended;
}

/** The tenant in which the caller's address has to be unique; none where addresses are unique in the installation. */
async function slugOf(ctx: SessionContext): Promise<string | undefined> {
  const { tenantId } = ctx.principal;
  if (ctx.config.emailScope === "global" || tenantId === null) return undefined;
  const tenant = await ctx.db.tenant.findFirst({
    where: { id: tenantId },
    select: { slug: true },
  });
  return tenant?.slug;
}
