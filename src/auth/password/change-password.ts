import { type AccountEvent, recordAccountEvent } from "../../audit/account-events.ts";
import type { SessionContext } from "../../context.ts";
import { hashedFor } from "../../crypto/password.ts";
import { commit } from "../../db/commit.ts";
import { ValidationError } from "../../errors.ts";
import { tellUser } from "../../mail/send.ts";
import { assertSessionLives } from "../../sessions/assert-live.ts";
import { assertRecentProof } from "../../sessions/recent-proof.ts";
import { revokeSessions } from "../../sessions/revoke.ts";
import { assertAcceptablePassword, ownerSelect } from "../../users/password-policy.ts";
import { countGuess, guesserInSession, NO_FAILURES, notLockedOut } from "../guessing.ts";
import type { ChangePasswordInput } from "./schemas.ts";

/**
 * Changes the password of the caller's account and ends its other sessions, in whatever tenant they speak (ASVS 5.0, 6.2.3 and 7.4.3). Who has none yet, because
 * they log in by mail or passkey, sets their first one, and must have logged in lately instead.
 * @throws ValidationError, also when the current password is wrong; ApiError `overloaded`, `rate_limited`,
 * `reauthentication_required`.
 */
export async function changePassword(
  ctx: SessionContext,
  input: ChangePasswordInput,
): Promise<void> {
  const { userId: id, tenantId, sessionId } = ctx.principal;
  // Before the password is looked at, as at login.
  await ctx.rateLimits.consume("guess", guesserInSession(ctx));
  const user = await ctx.db.user.findFirst({
    where: { id, tenantId, isDeleted: false },
    select: {
      account: { select: { id: true, passwordHash: true, passwordOrigin: true } },
      ...ownerSelect,
    },
  });
  if (user) await assertAcceptablePassword(ctx.config, input.newPassword, user, "newPassword");
  const account = user?.account;
  if (!account || !(await mayChange(ctx, account.passwordHash, input))) throw await refuse(ctx);
  const passwordHash = await ctx.passwords.hash(input.newPassword, hashedFor(ctx));
  // Whoever knows what somebody else has set can be here: what they make of it is no more the person's own, and no less. So
  // it goes with a proof of the address, or stays, as the first one would (address/prove-address.ts).
  const passwordOrigin = account.passwordHash === null ? "own" : account.passwordOrigin;

  const isChanged = await commit(ctx, async (tx) => {
    // The hash that was verified must still be there: of two changes at once the second one fails.
    const { count } = await tx.account.updateMany({
      where: {
        id: account.id,
        isDeleted: false,
        passwordHash: account.passwordHash,
        ...notLockedOut(ctx),
      },
      data: { passwordHash, passwordOrigin, ...NO_FAILURES },
    });
    if (count === 0) return false;
    // The row is locked: a session that a proof or a reset has ended sets no first password after it.
    await assertSessionLives(tx, ctx);
    const others = { accountId: account.id, id: { not: sessionId } };
    await revokeSessions(tx, ctx, others, "password_changed");
    await recordAccountEvent(tx, ctx, changed(ctx, "success"));
    await tellUser(tx, ctx, { id, tenantId }, { template: "password_changed" });
    return true;
  });
  if (!isChanged) throw await refuse(ctx);
  await ctx.rateLimits.reset("guess", guesserInSession(ctx));
}

async function mayChange(
  ctx: SessionContext,
  passwordHash: string | null,
  { currentPassword }: ChangePasswordInput,
): Promise<boolean> {
  if (currentPassword !== undefined)
    return ctx.passwords.verify(passwordHash, currentPassword, hashedFor(ctx));
  if (passwordHash !== null)
    throw new ValidationError([{ path: "currentPassword", message: "Is required" }]);
  // A first password is a way in, and there is none before it to show.
  assertRecentProof(ctx);
  return true;
}

/**
 * Counts and audits the failure. It counts like one at login: a stolen access token must not be a way to guess the
 * password without end. The answer is not a 401: the caller is authenticated, and a client would throw its token away.
 */
async function refuse(ctx: SessionContext): Promise<ValidationError> {
  await commit(ctx, async (tx) => {
    await countGuess(tx, ctx, { id: ctx.principal.userId });
    await recordAccountEvent(tx, ctx, changed(ctx, "failure"));
  });
  return new ValidationError([{ path: "currentPassword", message: "Is not the current password" }]);
}

function changed(
  { principal: { userId: id, tenantId, accountId } }: SessionContext,
  outcome: "success" | "failure",
): AccountEvent {
  return { action: "user.password_changed", user: { id, tenantId, accountId }, outcome };
}
