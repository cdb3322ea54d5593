/** The token that stands between the two steps of a log-in. A wrong factor does not use it up, but counts (auth/guessing.ts). */
import type { Context } from "../../context.ts";
import type { Database, Transaction } from "../../db/client.ts";
import { findToken, type OneTimeToken } from "../../one-time-tokens/redeem.ts";
import type { AuthenticationMethod } from "../../sessions/facts.ts";

/** `amr` is what was proved in the first step, `boundTo` the session that is renewed. */
export type MfaToken = OneTimeToken & { userId: string; amr: AuthenticationMethod[] };

/** The open token, null when there is none; it is read again once the account is locked. */
export async function findMfaToken(
  db: Database | Transaction,
  ctx: Pick<Context, "keyring">,
  token: string,
): Promise<MfaToken | null> {
  return (await findToken(db, ctx, ["mfa"], token)) as MfaToken | null;
}
