/** Setting up an authenticator app, and removing it. */
import { recordAccountEvent } from "../audit/account-events.ts";
import type { SessionContext } from "../context.ts";
import { commit } from "../db/commit.ts";
import { newId } from "../db/id.ts";
import { ApiError, NotFoundError, ValidationError } from "../errors.ts";
import { dropOrphanedRecoveryCodes, recordFactorChange, recordFactorRefusal } from "./changes.ts";
import { lockOwner } from "./owner.ts";
import { hasRecoveryCodes, replaceRecoveryCodes } from "./recovery-codes.ts";
import type { ConfirmedTotp, PendingTotp } from "./schemas.ts";
import { matchingStep, newTotpSecret, openSecret, sealSecret, totpUri } from "./totp.ts";

/** How long the secret on the screen may wait for its first code. */
const ENROLMENT_MINUTES = 30;

const WRONG_CODE = "Is wrong or too old: type the six digits that the app shows now";

/**
 * Draws a secret and shows it, this once. It is no factor before a code of it was right (ASVS 5.0, 6.4.1), and a newer
 * one takes its place. @throws ApiError `factor_exists`.
 */
export async function startTotp(ctx: SessionContext): Promise<PendingTotp> {
  const secret = newTotpSecret();
  const { email } = await commit(ctx, async (tx) => {
    const owner = await lockOwner(tx, ctx);
    const { accountId } = owner;
    const confirmed = await tx.totpFactor.count({
      where: { accountId, confirmedAt: { not: null } },
    });
    if (confirmed > 0) throw new ApiError("factor_exists");
    await tx.totpFactor.deleteMany({ where: { accountId } });
    const id = newId();
    await tx.totpFactor.create({
      data: { id, accountId, secret: sealSecret(ctx, id, secret) },
      select: { id: true },
    });
    await recordAccountEvent(tx, ctx, {
      action: "factor.enrolment_started",
      user: owner,
      details: { factor: "totp" },
    });
    return owner;
  });
  return { secret, uri: totpUri(secret, ctx.config.productName, email) };
}

/**
 * Completes the enrolment with a first code, which is thereby used. Answers recovery codes to whoever has none.
 * @throws NotFoundError when nothing waits for a code; ValidationError when the code is wrong.
 */
export async function confirmTotp(ctx: SessionContext, code: string): Promise<ConfirmedTotp> {
  const done = await commit(ctx, async (tx) => {
    const owner = await lockOwner(tx, ctx);
    const { accountId } = owner;
    const pending = await tx.totpFactor.findFirst({
      where: {
        accountId,
        confirmedAt: null,
        createdAt: { gt: new Date(Date.now() - ENROLMENT_MINUTES * 60_000) },
      },
      select: { id: true, secret: true },
    });
    if (!pending) throw new NotFoundError("enrolment");
    const step = matchingStep(openSecret(ctx, pending), code);
    if (step === null) {
      await recordFactorRefusal(tx, ctx, owner, "totp");
      return null;
    }
    await tx.totpFactor.update({
      where: { id: pending.id, accountId },
      data: { confirmedAt: new Date(), lastStep: step },
      select: { id: true },
    });
    const recoveryCodes = (await hasRecoveryCodes(tx, owner))
      ? null
      : await replaceRecoveryCodes(tx, owner);
    await recordFactorChange(tx, ctx, owner, { factor: "totp", change: "added" });
    return { recoveryCodes };
  });
  if (!done) throw new ValidationError([{ path: "code", message: WRONG_CODE }]);
  return done;
}

/** @throws NotFoundError when there is none. */
export async function removeTotp(ctx: SessionContext): Promise<void> {
  await commit(ctx, async (tx) => {
    const owner = await lockOwner(tx, ctx);
    const { count } = await tx.totpFactor.deleteMany({
      where: { accountId: owner.accountId, confirmedAt: { not: null } },
    });
    if (count === 0) throw new NotFoundError("authenticator app");
    await dropOrphanedRecoveryCodes(tx, owner);
    await recordFactorChange(tx, ctx, owner, { factor: "totp", change: "removed" });
  });
}
