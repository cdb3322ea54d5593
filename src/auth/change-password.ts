import { type AuditEntry, recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import { touch } from "../db/touch.ts";
import { ValidationError } from "../errors.ts";
import { revokeSessions } from "../sessions/revoke.ts";
import { assertAcceptablePassword } from "../users/password-policy.ts";
import type { ChangePasswordInput } from "./schemas.ts";
import { countFailure, NO_FAILURES, notLocked } from "./throttle.ts";

/**
 * Changes the caller's password and ends their other sessions (ASVS 5.0, 6.2.3 and 7.4.3).
 * @throws ValidationError, also when the current password is wrong; ApiError `overloaded`.
 */
export async function changePassword(
  ctx: AuthedContext,
  input: ChangePasswordInput,
): Promise<void> {
  const { userId, tenantId, sessionId } = ctx.principal;
  const account = await ctx.db.user.findFirst({
    where: { id: userId, tenantId, isDeleted: false },
    select: {
      passwordHash: true,
      email: true,
      firstName: true,
      lastName: true,
      tenant: { select: { name: true, slug: true } },
    },
  });
  if (account) {
    await assertAcceptablePassword(ctx.config, input.newPassword, account, "newPassword");
  }
  const matches = await ctx.passwords.verify(account?.passwordHash ?? null, input.currentPassword);
  if (!account || !matches) throw await refuse(ctx);
  const passwordHash = await ctx.passwords.hash(input.newPassword);

  const ended = await ctx.db.$transaction(async (tx) => {
    // The hash that was verified must still be there: of two changes at once the second one fails.
    const { count } = await tx.user.updateMany({
      where: {
        id: userId,
        tenantId,
        isDeleted: false,
        passwordHash: account.passwordHash,
        ...notLocked(),
      },
      data: { passwordHash, ...NO_FAILURES, ...touch(ctx) },
    });
    if (count === 0) return null;
    const ids = await revokeSessions(
      tx,
      { userId, tenantId, id: { not: sessionId } },
      "password_changed",
    );
    await recordAudit(tx, ctx, changed(userId, tenantId, "success"));
    return ids;
  });
  if (!ended) throw await refuse(ctx);
  ctx.revocations.add(ended);
}

/**
 * Counts and audits the failure. It counts like one at login: a stolen access token must not be a way to guess the
 * password without end. The answer is not a 401: the caller is authenticated, and a client would throw its token away.
 */
async function refuse(ctx: AuthedContext): Promise<ValidationError> {
  const { userId, tenantId } = ctx.principal;
  await ctx.db.$transaction(async (tx) => {
    await countFailure(tx, userId);
    await recordAudit(tx, ctx, changed(userId, tenantId, "failure"));
  });
  return new ValidationError([{ path: "currentPassword", message: "Is not the current password" }]);
}

function changed(
  userId: string,
  tenantId: string | null,
  outcome: "success" | "failure",
): AuditEntry {
  return {
    action: "user.password_changed",
    resourceType: "user",
    resourceId: userId,
    tenantId,
    outcome,
  };
}
