/**
 * What a wrong guess costs, and when an account is locked out: from the failure LOCKOUT_ATTEMPTS in a row on for
 * LOCKOUT_SECONDS, at each further one for twice as long, up to LOCKOUT_LONGEST_SECONDS (ASVS 5.0, 6.1.1; SP 800-63B-4, 3.2.2). Two counters. The first
 * is of an account and an address together (the policy `guess` of rate-limits/policies.ts, under the names below): it
 * stops the usual attacker, and holds nobody off but them. The second is of the account, for guesses from everywhere at
 * once: it locks the account out for a while, but not for addresses that it has been used from, and a mail with a way out
 * goes to its owner. Besides, a mail with a code and a log-in half done end with the fifth wrong try
 * (one-time-tokens/redeem.ts), and an address is held off whoever it guesses at (the policies `login` and `proof`).
 */
import type { Prisma } from "../../generated/prisma/client.ts";
import type { Context, SessionContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { type AccountName, type MailRequest, requestMail } from "../mail/requests.ts";
import { callerOf, networkOf } from "../network.ts";
import { knownDeviceSql, knownNetworkSql } from "../sessions/device.ts";

/** What a proven password sets back. */
export const NO_FAILURES = {
  loginAttempts: 0,
  lockedUntil: null,
} satisfies Prisma.AccountUpdateInput;

/** How an account knows a caller. */
export type Acquaintance = {
  /** It has been used from their network or device in the last 90 days. */
  known?: boolean | undefined;
  /** By which device: only a right log-in there makes one known, so it is no neighbour. */
  knownDevice?: string | null | undefined;
};

/** Whether an account has been used from a network or device, as SQL. */
export function knownSql(network: string, devices: string): string {
  return `(${knownNetworkSql(network)} OR ${knownDeviceSql(devices)} IS NOT NULL)`;
}

type Sql = { network: string; devices: string; most: string; deviceAttempts: string };

/**
 * Whether an account is locked out for a caller, as SQL.
 * @param sql of most: after how many failures in a row, whoever made them, it takes the mail, a reset or a passkey; and of
 * deviceAttempts: how many more a known device has. Strangers can use up the others, and would else keep its person out.
 */
export function lockedOutSql({ network, devices, most, deviceAttempts }: Sql): string {
  const own = `CASE WHEN ${knownDeviceSql(devices)} IS NULL THEN 0 ELSE ${deviceAttempts} END`;
  return `(accounts.login_attempts >= ${most} + ${own}
    OR NOT ${knownSql(network, devices)} AND coalesce(accounts.locked_until > now(), false))`;
}

function mostAttempts({ config }: Pick<Context, "config">, { knownDevice }: Acquaintance): number {
  const { mostAttempts: most, deviceAttempts } = config.lockout;
  return knownDevice ? most + deviceAttempts : most;
}

/**
 * Stands in the write that a proven password leads to: of many guesses at once, those that were begun before the lockout
 * and end after it do not count.
 */
export function notLockedOut(
  ctx: Pick<Context, "config">,
  caller: Acquaintance = {},
): Prisma.AccountWhereInput {
  return {
    loginAttempts: { lt: mostAttempts(ctx, caller) },
    ...(!caller.known && { OR: [{ lockedUntil: null }, { lockedUntil: { lte: new Date() } }] }),
  };
}

type Guess = Acquaintance & {
  /** At whose secret, as the user by whom the account is spoken of; null where there is nobody, which takes the same statement. */
  id: string | null;
  /** Nobody who asks is to learn that there is an account: its mail is asked for beside the answer. */
  unseen?: boolean;
};

/**
 * Counts a wrong guess at any secret of an account: password, second factor or mailed code, before a session or within
 * one. All of them count together, and when the account is locked out by it, its owner is mailed a way out.
 */
export async function countGuess(
  tx: Transaction,
  ctx: Context,
  { id, unseen = false, ...caller }: Guess,
): Promise<void> {
  const account = await countFailure(tx, ctx, id, caller);
  if (!account) return;
  const request = {
    kind: "unlock",
    email: account.email,
    tenant: account.tenant ?? undefined,
  } as const;
  if (unseen) mailBeside(ctx, request);
  else await requestMail(ctx, request, tx);
}

/**
 * Asks for a mail without waiting for it: the answer must take as long as for any other failure. What fails here fails
 * beside the answer.
 */
export function mailBeside(ctx: Context, request: MailRequest): void {
  void ctx.background.run(requestMail(ctx, request), (err) =>
    ctx.log("error", "a mail could not be queued", {
      requestId: ctx.origin.requestId,
      error: err instanceof Error ? err.name : typeof err,
    }),
  );
}

/**
 * Counts a wrong guess. Without a user it does the same work: the time must not tell whether there is one.
 * Answers the account's name when it is locked out by it for the first time or for good: then its owner must hear of it.
 */
async function countFailure(
  tx: Transaction,
  ctx: Pick<Context, "config">,
  userId: string | null,
  caller: Acquaintance,
): Promise<AccountName | null> {
  const { known = false } = caller;
  const { attempts, seconds, longestSeconds, ...lockout } = ctx.config.lockout;
  // Attempts against an account that is locked out for the caller are not counted: nobody can keep somebody else locked out
  // by going on. For whom it is open they are: else a lockout would give a neighbour of the owner guesses without end.
  const [counted] = await tx.$queryRaw<{ attempts: number; email: string; slug: string | null }[]>`
    UPDATE accounts SET
      login_attempts = login_attempts + 1,
      locked_until = CASE WHEN login_attempts + 1 >= ${attempts} THEN now() + make_interval(secs =>
        least(${seconds} * 2 ^ least(login_attempts + 1 - ${attempts}, 20), ${longestSeconds})) END
    FROM users
    WHERE users.id = ${userId}::uuid AND accounts.id = users.account_id AND login_attempts < ${mostAttempts(ctx, caller)}
      AND (${known} OR locked_until IS NULL OR locked_until <= now())
    RETURNING login_attempts AS attempts, accounts.email, (SELECT slug FROM tenants WHERE tenants.id = users.tenant_id) AS slug`;
  if (counted?.attempts !== attempts && counted?.attempts !== lockout.mostAttempts) return null;
  return { email: counted.email, tenant: counted.slug ?? undefined };
}

/** Under what name guesses at this account from this network or known device are counted, whether there is such an account or not. */
export function guesser(
  { origin, config }: Pick<Context, "origin" | "config">,
  { email, tenant = "" }: AccountName,
): string {
  // Where an address is one account, naming its tenant or not must not be two budgets.
  const slug = config.emailScope === "tenant" ? tenant : "";
  return `${callerOf(origin)} ${slug} ${email}`;
}

/**
 * Whether guesses at another account may be counted under the same name: that of an account in a tenant's own pool is, to
 * whoever leaves the tenant out, that of the shared one. Who knows the password of the one may set nothing back for the other.
 */
export function sharesGuesser(
  { config }: Pick<Context, "config">,
  { isOfOwnPool }: { isOfOwnPool: boolean },
): boolean {
  return isOfOwnPool && config.emailScope === "global";
}

/** The same at the second factor of an account whose first one was shown. */
export function guesserAtFactor(
  { origin }: Pick<Context, "origin">,
  { userId }: { userId: string },
): string {
  return `${callerOf(origin)} second factor ${userId}`;
}

/** The same for somebody in a session, by whatever route they show their password again. */
export function guesserInSession({
  origin,
  principal,
}: Pick<SessionContext, "origin" | "principal">): string {
  return `${networkOf(origin.ip)} session ${principal.userId}`;
}
