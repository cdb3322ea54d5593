/** Using up a proof. What is wrong with one is never told apart: expired, used, voided and unknown look the same. */
import { type OneTimePurpose, Prisma } from "../../generated/prisma/client.ts";
import type { Context } from "../context.ts";
import { decrypt, hashToken, isHashWithKey } from "../crypto/secret.ts";
import type { Database, Transaction } from "../db/client.ts";
import { codeText } from "./issue.ts";

/** Five tries at a million codes. Whoever needs more asks for a new code. */
export const MOST_ATTEMPTS = 5;
/** How long a code counts, however long the link beside it does (ASVS 5.0, 6.5.5). */
export const CODE_SECONDS = 600;

export type OneTimeToken = {
  id: string;
  purpose: OneTimePurpose;
  userId: string | null;
  tenantId: string | null;
  email: string | null;
  boundTo: string | null;
  amr: string[];
  /** As it was given to `issueOneTimeToken`. */
  payload: unknown;
};

type Row = Omit<OneTimeToken, "payload"> & { payload: Uint8Array | null };
/** A token with the hash of its six digits. */
export type CodedToken = Row & { codeHash: Uint8Array };
type Keys = Pick<Context, "keyring">;

/** What a code is looked up by: the secret that the requester was told, or the session that asked. */
export type CodeHolder = { challenge: string } | { boundTo: string };

const COLUMNS = Prisma.raw(
  `id, purpose::text, user_id AS "userId", tenant_id AS "tenantId", email, bound_to AS "boundTo", amr, payload`,
);
const OPEN = Prisma.raw("used_at IS NULL AND expires_at > now()");

/**
 * Looks at the token without using it: `useToken` does that, once the user is locked. Always in this order, as in
 * auth/account.ts: a change of the account locks the user and then voids tokens. Null when it could not be used.
 */
export async function findToken(
  db: Database,
  ctx: Keys,
  purposes: readonly OneTimePurpose[],
  token: string,
): Promise<OneTimeToken | null> {
  const [row] = await db.$queryRaw<Row[]>`
    SELECT ${COLUMNS} FROM one_time_tokens
    WHERE token_hash = ${hashToken(token)} AND purpose::text = ANY(${purposes}) AND ${OPEN}`;
  return row ? opened(ctx, row) : null;
}

/**
 * As `findToken`, by six digits, for what belongs to no account yet. A transaction must commit when the answer is null:
 * a wrong try counts.
 */
export async function findByCode(
  db: Database,
  ctx: Keys,
  purposes: readonly OneTimePurpose[],
  holder: CodeHolder,
  code: string,
): Promise<OneTimeToken | null> {
  const coded = await findCoded(db, purposes, holder);
  const token = compareCode(ctx, coded, code);
  if (!token) await countTry(db, coded);
  return token;
}

/**
 * The tokens that six digits would be for, whatever they are: the newest of each purpose, since the mails of two lie side by
 * side in a mailbox, and whoever types a code has no word for which it is. The newest comes first.
 */
export function findCoded(
  db: Database,
  purposes: readonly OneTimePurpose[],
  holder: CodeHolder,
): Promise<CodedToken[]> {
  const challengeHash = "challenge" in holder ? hashToken(holder.challenge) : null;
  const boundTo = "boundTo" in holder ? holder.boundTo : null;
  return db.$queryRaw<CodedToken[]>`
    SELECT * FROM (SELECT DISTINCT ON (purpose) ${COLUMNS}, code_hash AS "codeHash" FROM one_time_tokens
    WHERE (challenge_hash = ${challengeHash} OR bound_to = ${boundTo}::uuid) AND code_hash IS NOT NULL
      AND purpose::text = ANY(${purposes}) AND ${OPEN}
      AND created_at > now() - make_interval(secs => ${CODE_SECONDS})
    ORDER BY purpose, id DESC) AS coded ORDER BY id DESC`;
}

/** The token whose six digits these are. Writes nothing: for a wrong code that is `countTry`. */
export function compareCode(
  ctx: Keys,
  coded: readonly CodedToken[],
  code: string,
): OneTimeToken | null {
  const [right] = coded.filter(({ id, codeHash }) =>
    isHashWithKey(ctx.keyring.code, codeText(id, code), codeHash),
  );
  if (!right) return null;
  const { codeHash: _, ...token } = right;
  return opened(ctx, token);
}

/**
 * Counts a wrong try at each token that it was compared with, and voids the token with the last one. The tries are counted where tokens are used up, in the row, so
 * the order there decides: a right code whose turn comes after five wrong ones is too late, however many were tried at
 * once. With nothing to find the statement is the same: it must not tell whether a mail was sent.
 */
export async function countTry(
  db: Database | Transaction,
  coded: readonly { id: string }[],
): Promise<void> {
  await db.$executeRaw`
    UPDATE one_time_tokens SET
      attempts = attempts + 1, used_at = CASE WHEN attempts + 1 >= ${MOST_ATTEMPTS} THEN now() END
    WHERE id = ANY (${coded.map(({ id }) => id)}::uuid[]) AND used_at IS NULL`;
}

/** Uses what was found; false when it was used or voided meanwhile. Of fifty callers at once the row lets one through. */
export async function useToken(tx: Transaction, { id }: { id: string }): Promise<boolean> {
  const count = await tx.$executeRaw`
    UPDATE one_time_tokens SET used_at = now() WHERE id = ${id}::uuid AND ${OPEN}`;
  return count > 0;
}

/** Finds and uses a token in one statement, for tokens whose user is locked already or is not known. */
export async function redeemToken(
  tx: Transaction,
  ctx: Keys,
  purposes: readonly OneTimePurpose[],
  token: string,
): Promise<OneTimeToken | null> {
  const [row] = await tx.$queryRaw<Row[]>`
    UPDATE one_time_tokens SET used_at = now()
    WHERE token_hash = ${hashToken(token)} AND purpose::text = ANY(${purposes}) AND ${OPEN}
    RETURNING ${COLUMNS}`;
  return row ? opened(ctx, row) : null;
}

function opened(ctx: Keys, { payload, ...rest }: Row): OneTimeToken {
  return {
    ...rest,
    payload: payload && JSON.parse(decrypt(ctx.keyring.data, payload, rest.id)),
  };
}
