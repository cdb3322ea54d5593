/** Six digits that a mail brought, typed: the one place where those of an account are compared. */
import type { OneTimePurpose } from "../../../generated/prisma/client.ts";
import type { Context } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import {
  type CodeHolder,
  compareCode,
  countTry,
  findCoded,
  type OneTimeToken,
} from "../../one-time-tokens/redeem.ts";
import { standingOf } from "../account.ts";
import { countGuess } from "../guessing.ts";
import { type Recipient, useMailedToken } from "./mailed-token.ts";

export type Redeemed = {
  /** Whose code it is that was tried; null where no mail was sent. */
  meant: { userId: string | null; tenantId: string | null } | null;
  /** Null for a wrong code, and whatever else is wrong. */
  used: { token: OneTimeToken; user: Recipient } | null;
};

/**
 * Uses up the token of a code. A wrong one counts at its mail, which ends with the fifth, and as a wrong password does at
 * the account: mail after mail would else be a way to guess without end (SP 800-63B-4, 3.2.2). An account that is locked out
 * for the caller takes none; the link beside it still works, and is the way out. With nothing to find, or a right code
 * that is refused, the statements are those of a wrong one: they must not tell whether a mail was sent.
 */
export async function redeemCode(
  tx: Transaction,
  ctx: Context,
  purposes: readonly OneTimePurpose[],
  holder: CodeHolder,
  code: string,
): Promise<Redeemed> {
  const coded = await findCoded(tx, purposes, holder);
  // All of one account, and of the session or challenge that is asked with.
  const newest = coded[0] ?? null;
  const userId = newest?.userId ?? null;
  const standing = await standingOf(tx, ctx, userId);
  const token = standing.lockedOut ? null : compareCode(ctx, coded, code);
  const meant = newest && { userId, tenantId: newest.tenantId };
  if (!token) {
    // The account before the token, as everywhere: else this and a right code at once would wait in a circle.
    await countGuess(tx, ctx, { ...standing, id: userId, unseen: true });
    await countTry(tx, coded);
    return { meant, used: null };
  }
  const user = await useMailedToken(tx, token);
  // Again, under the lock: of many guesses at once those that end after the lockout do not count.
  const isOpen = user !== null && !(await standingOf(tx, ctx, user.id)).lockedOut;
  return { meant, used: isOpen ? { token, user } : null };
}
