import type { Transaction } from "../db/client.ts";

export const SECOND_FACTORS = ["totp", "passkey", "recovery_code"] as const;
export type SecondFactor = (typeof SECOND_FACTORS)[number];

/** What an account may show as the second factor. None: a password is enough. Recovery codes alone are no factor. */
export async function secondFactorsOf(
  tx: Transaction,
  { accountId }: { accountId: string },
): Promise<SecondFactor[]> {
  const [has] = await tx.$queryRaw<Record<SecondFactor, boolean>[]>`
    SELECT
      EXISTS (SELECT FROM totp_factors WHERE account_id = ${accountId}::uuid AND confirmed_at IS NOT NULL) AS totp,
      EXISTS (SELECT FROM passkeys WHERE account_id = ${accountId}::uuid) AS passkey,
      EXISTS (SELECT FROM recovery_codes WHERE account_id = ${accountId}::uuid AND used_at IS NULL) AS recovery_code`;
  if (!has?.totp && !has?.passkey) return [];
  return SECOND_FACTORS.filter((factor) => has[factor]);
}
