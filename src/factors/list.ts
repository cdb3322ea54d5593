import type { SessionContext } from "../context.ts";
import { ApiError } from "../errors.ts";
import { passkeySelect, toPasskey } from "./passkeys.ts";
import type { Factors } from "./schemas.ts";

/** How the caller can prove who they are. */
export async function listFactors(ctx: SessionContext): Promise<Factors> {
  const row = await ctx.db.account.findFirst({
    where: { id: ctx.principal.accountId, isDeleted: false },
    select: {
      passwordHash: true,
      totpFactors: { where: { confirmedAt: { not: null } }, select: { confirmedAt: true } },
      passkeys: { orderBy: { id: "asc" }, select: passkeySelect },
      _count: { select: { recoveryCodes: { where: { usedAt: null } } } },
    },
  });
  if (!row) throw new ApiError("invalid_token", "The account is gone.");
  const confirmedAt = row.totpFactors[0]?.confirmedAt;
  return {
    password: row.passwordHash !== null,
    totp: confirmedAt ? { createdAt: confirmedAt.toISOString() } : null,
    passkeys: row.passkeys.map(toPasskey),
    recoveryCodesLeft: row._count.recoveryCodes,
  };
}
