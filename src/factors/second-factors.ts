import { Prisma } from "../../generated/prisma/client.ts";
import type { Transaction } from "../db/client.ts";

export const SECOND_FACTORS = ["totp", "passkey", "recovery_code"] as const;
export type SecondFactor = (typeof SECOND_FACTORS)[number];

/** What an account has, as a row says it. */
export type HasFactors = Record<SecondFactor, boolean>;

/** The columns of `HasFactors`, as SQL. */
export function factorsSql(accountId: string): Prisma.Sql {
  return Prisma.sql`
    EXISTS (SELECT FROM totp_factors WHERE account_id = ${accountId}::uuid AND confirmed_at IS NOT NULL) AS totp,
    EXISTS (SELECT FROM passkeys WHERE account_id = ${accountId}::uuid) AS passkey,
    EXISTS (SELECT FROM recovery_codes WHERE account_id = ${accountId}::uuid AND used_at IS NULL) AS recovery_code`;
}

/** What an account may show as the second factor. None: a password is enough. */
export async function secondFactorsOf(
  tx: Transaction,
  { accountId }: { accountId: string },
): Promise<SecondFactor[]> {
  const [has] = await tx.$queryRaw<[HasFactors]>`SELECT ${factorsSql(accountId)}`;
  return factorsIn(has);
}

/** The same of such a row. Recovery codes alone are no factor. */
export function factorsIn(has: HasFactors): SecondFactor[] {
  return has.totp || has.passkey ? SECOND_FACTORS.filter((factor) => has[factor]) : [];
}
