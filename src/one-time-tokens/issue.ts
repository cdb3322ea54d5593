/** Making a proof that is good for one use. */
import { randomInt } from "node:crypto";
import type { OneTimePurpose } from "../../generated/prisma/client.ts";
import type { Context } from "../context.ts";
import { encrypt, hashToken, hashWithKey, randomToken } from "../crypto/secret.ts";
import type { Transaction } from "../db/client.ts";
import { newId } from "../db/id.ts";

/**
 * Of these an account has one at a time, in whatever tenant's name: a newer request makes the older link or code worthless
 * (ASVS 5.0, 6.6.2). Of two requests at once both would stay open: whoever issues one of these holds a lock on the account.
 */
const ONE_AT_A_TIME: readonly OneTimePurpose[] = [
  "verify_email",
  "change_email",
  "magic_link",
  "reset_password",
  "unlock",
];

export type OneTimeTokenRequest = {
  purpose: OneTimePurpose;
  /** Null where there is no user yet. */
  user: { id: string; tenantId: string | null } | null;
  ttlSeconds: number;
  /** The address that it goes to. */
  email?: string;
  /** What only the requester is told. With it, or with `boundTo`, six digits are drawn for typing. */
  challenge?: string;
  /** The session or the log-in that it belongs to. */
  boundTo?: string;
  withCode?: boolean;
  /** What was proved before. */
  amr?: readonly string[];
  /** Kept encrypted until the token is used. */
  payload?: unknown;
  /** Given where somebody else must draw it (WebAuthn's challenge); else 256 random bits. */
  token?: string;
};

export type IssuedToken = { id: string; token: string; code: string | null };

/** Stores the hashes and answers the secrets, which exist nowhere else. One statement, times by the database's clock. */
export async function issueOneTimeToken(
  tx: Transaction,
  ctx: Pick<Context, "keyring">,
  request: OneTimeTokenRequest,
): Promise<IssuedToken> {
  const { purpose, user, email, challenge, boundTo, amr, payload, ttlSeconds } = request;
  const id = newId();
  const token = request.token ?? randomToken();
  // 20 bits, so it counts for ten minutes and few tries, and only from where it was asked for (ASVS 5.0, 6.5.4, 6.6.2).
  const code = request.withCode ? String(randomInt(1_000_000)).padStart(6, "0") : null;
  const codeHash = code === null ? null : hashWithKey(ctx.keyring.code, codeText(id, code));
  const sealed =
    payload === undefined ? null : encrypt(ctx.keyring.data, JSON.stringify(payload), id);
  const voidsOlder = user !== null && ONE_AT_A_TIME.includes(purpose) ? user.id : null;
  // Seven days are an hour less in the week that the clocks go forward, and the CHECK counts days.
  await tx.$executeRaw`
    WITH voided AS (
      UPDATE one_time_tokens SET used_at = now()
      WHERE user_id IN (
          SELECT other.id FROM users JOIN users AS other ON other.account_id = users.account_id
          WHERE users.id = ${voidsOlder}::uuid)
        AND purpose = ${purpose}::one_time_purpose AND used_at IS NULL)
    INSERT INTO one_time_tokens (id, purpose, user_id, tenant_id, email, token_hash, code_hash, challenge_hash,
      bound_to, amr, payload, created_at, expires_at)
    VALUES (${id}::uuid, ${purpose}::one_time_purpose, ${user?.id ?? null}::uuid, ${user?.tenantId ?? null}::uuid,
      ${email ?? null}, ${hashToken(token)}, ${codeHash}, ${challenge === undefined ? null : hashToken(challenge)},
      ${boundTo ?? null}::uuid, ${[...(amr ?? [])]}, ${sealed}, now(),
      least(now() + make_interval(secs => ${ttlSeconds}), now() + interval '7 days'))`;
  return { id, token, code };
}

/** What of a code is hashed. With the token's id, so that equal codes of two tokens have different hashes. */
export function codeText(id: string, code: string): string {
  return `${id} ${code}`;
}
