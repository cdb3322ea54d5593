import type { Context } from "../../context.ts";
import { hashedFor, isOurs } from "../../crypto/password.ts";
import { ApiError } from "../../errors.ts";

type Owner = { tenantId: string | null; passwordHash: string | null };

/**
 * A hash as we make them, for an account whose hash is not: weaker, dearer or of another kind. Only where the password was
 * just proved is it at hand.
 */
export async function renewedHash(
  ctx: Context,
  account: Owner,
  password: string,
): Promise<{ passwordHash?: string }> {
  if (!hasForeignHash(account)) return {};
  try {
    return { passwordHash: await ctx.passwords.hash(password, hashedFor(ctx, account)) };
  } catch (err) {
    // The queue is full: the password was right, and there will be another login.
    if (err instanceof ApiError && err.code === "overloaded") return {};
    throw err;
  }
}

export function hasForeignHash(account: Owner | undefined): boolean {
  return typeof account?.passwordHash === "string" && !isOurs(account.passwordHash);
}
