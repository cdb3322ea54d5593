/** The token that stands between the two steps of a log-in. A wrong factor does not use it up, but counts. */
import { hashToken } from "../../crypto/secret.ts";
import type { Database, Transaction } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import type { AuthenticationMethod } from "../../sessions/facts.ts";

/** Five tries at a million codes. Whoever needs more begins again, and each try counts at the account too. */
const MOST_ATTEMPTS = 5;

export type MfaToken = {
  id: string;
  userId: string;
  tenantId: string | null;
  /** What was proved in the first step. */
  amr: AuthenticationMethod[];
  /** The session that is renewed. */
  boundTo: string | null;
};

/** The open token, null when there is none; it is read again once the account is locked. */
export async function findMfaToken(
  db: Database | Transaction,
  token: string,
): Promise<MfaToken | null> {
  const [found] = await db.$queryRaw<MfaToken[]>`
    SELECT id, user_id AS "userId", tenant_id AS "tenantId", amr, bound_to AS "boundTo" FROM one_time_tokens
    WHERE token_hash = ${hashToken(token)} AND purpose = 'mfa' AND used_at IS NULL AND expires_at > now()`;
  return found ?? null;
}

/** Uses the token up, or counts the try and voids it with the last one. The caller holds a lock on the user's row. */
export async function settleMfaToken(
  tx: Transaction,
  { id }: MfaToken,
  proved: boolean,
): Promise<void> {
  await tx.$executeRaw`
    UPDATE one_time_tokens SET
      attempts = attempts + 1,
      used_at = CASE WHEN ${proved} OR attempts + 1 >= ${MOST_ATTEMPTS} THEN now() END
    WHERE id = ${id}::uuid`;
}

/** Whatever is wrong: used, expired, tried too often, voided by a change of the account, or never ours. */
export function invalidMfaToken(): ApiError {
  return new ApiError(
    "invalid_mfa_token",
    "The time for the second step is over, or the account has changed. Log in again.",
  );
}
