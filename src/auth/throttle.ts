/** Guessing passwords: how many tries an account grants before it locks for a while (ASVS 5.0, 6.1.1). */
import type { Prisma } from "../../generated/prisma/client.ts";
import type { Transaction } from "../db/client.ts";

/** The tenth failure in a row locks the account for 30 s, each further one for twice as long, 15 min at most. */
const FREE_ATTEMPTS = 10;
const FIRST_LOCK_SECONDS = 30;
const LONGEST_LOCK_SECONDS = 15 * 60;

/** What a proven password sets back. */
export const NO_FAILURES = { loginAttempts: 0, lockedUntil: null } satisfies Prisma.UserUpdateInput;

/**
 * Stands in the write that a proven password leads to: of many guesses at once, those that were begun before the lock
 * and end after it do not count.
 */
export function notLocked(): Prisma.UserWhereInput {
  return { OR: [{ lockedUntil: null }, { lockedUntil: { lte: new Date() } }] };
}

/** Counts a wrong password. Without a user it does the same work: the time must not tell whether there is one. */
export async function countFailure(tx: Transaction, userId: string | null): Promise<void> {
  // Attempts against a locked account are not counted: nobody can keep somebody else locked out by going on.
  await tx.$executeRaw`
    UPDATE users SET
      login_attempts = least(login_attempts + 1, 1000),
      locked_until = CASE WHEN login_attempts + 1 >= ${FREE_ATTEMPTS} THEN now() + make_interval(secs =>
        least(${FIRST_LOCK_SECONDS} * 2 ^ least(login_attempts + 1 - ${FREE_ATTEMPTS}, 10), ${LONGEST_LOCK_SECONDS})) END
    WHERE id = ${userId}::uuid AND (locked_until IS NULL OR locked_until <= now())`;
}
