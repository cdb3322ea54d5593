import { type AuditEntry, recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import { ValidationError } from "../errors.ts";
import { revokeSessions } from "../sessions/revoke.ts";
import { touch } from "../db/touch.ts";
import { assertAcceptablePassword } from "../users/password-policy.ts";
import type { ChangePasswordInput } from "./schemas.ts";

/**
 * Changes the caller's password and ends their other sessions (ASVS 5.0, 6.2.3 and 7.4.3).
 * @throws ValidationError, also when the current password is wrong; ApiError `overloaded`.
 */
export async function changePassword(ctx: AuthedContext, input: ChangePasswordInput): Promise<void> {
  assertAcceptablePassword(ctx.config, input.newPassword, "newPassword");
  const { userId, tenantId, sessionId } = ctx.principal;
  const account = await ctx.db.user.findFirst({
    where: { id: userId, tenantId, isDeleted: false },
    select: { passwordHash: true },
  });
  const matches = await ctx.passwords.verify(account?.passwordHash ?? null, input.currentPassword);
  if (!account || !matches) {
    await ctx.db.$transaction((tx) => recordAudit(tx, ctx, changed(userId, tenantId, "failure")));
    throw wrongPassword();
  }
  const passwordHash = await ctx.passwords.hash(input.newPassword);

  const ended = await ctx.db.$transaction(async (tx) => {
    // The hash that was verified must still be there: of two changes at once the second one fails.
    const { count } = await tx.user.updateMany({
      where: { id: userId, tenantId, isDeleted: false, passwordHash: account.passwordHash },
      data: { passwordHash, ...touch(ctx) },
    });
    if (count === 0) throw wrongPassword();
    const ids = await revokeSessions(tx, { userId, tenantId, id: { not: sessionId } }, "password_changed");
    await recordAudit(tx, ctx, changed(userId, tenantId, "success"));
    return ids;
  });
  ctx.revocations.add(ended);
}

function changed(userId: string, tenantId: string | null, outcome: "success" | "failure"): AuditEntry {
  return { action: "user.password_changed", resourceType: "user", resourceId: userId, tenantId, outcome };
}

/** Not a 401: the caller is authenticated, and a client would throw its token away. */
function wrongPassword(): ValidationError {
  return new ValidationError([{ path: "currentPassword", message: "Is not the current password" }]);
}
