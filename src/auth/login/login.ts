import type { Context } from "../../context.ts";
import { hashedFor } from "../../crypto/password.ts";
import { commit } from "../../db/commit.ts";
import { inOrder } from "../../db/in-order.ts";
import { acrossTenants } from "../../db/scope.ts";
import { ApiError } from "../../errors.ts";
import type { AccountName } from "../../mail/requests.ts";
import { callerOf } from "../../network.ts";
import type { Attempt } from "../../rate-limits/rate-limits.ts";
import { type Account, findAccount, lockActiveAccount } from "../account.ts";
import { countGuess, guesser, mailBeside, sharesGuesser } from "../guessing.ts";
import type { LoginAnswer } from "../schemas.ts";
import { beginPlainly } from "./begin-plainly.ts";
import { completeLogin, loginAnswer } from "./complete-login.ts";
import { readLoginOutlook } from "./login-outlook.ts";
import { recordFailure } from "./record-failure.ts";
import { hasForeignHash, renewedHash } from "./renew-hash.ts";
import type { LoginInput } from "./schemas.ts";

const UNVERIFIED = "not_verified";

/**
 * Logs a user in with a password, once `attemptsOfLogin` are counted. Unknown address, wrong password, locked out, disabled,
 * suspended, unverified: one and the same error after the same work, so that nobody learns who has an account (ASVS 5.0,
 * 6.3.8).
 * @throws ApiError `invalid_credentials`, `rate_limited`, `overloaded`.
 */
export async function login(ctx: Context, input: LoginInput): Promise<LoginAnswer> {
  const account = await findAccount(ctx, input);
  const matches = await ctx.passwords.verify(
    account?.passwordHash ?? null,
    input.password,
    hashedFor(ctx, account),
  );
  const refusal = reasonToRefuse(ctx, account, matches);
  const started = account && refusal === null ? await start(ctx, account, input.password) : null;
  if (!started) {
    // Another login has renewed the hash first, perhaps. From the beginning: it is ours then.
    if (refusal === null && hasForeignHash(account)) return login(ctx, input);
    await refuse(ctx, account, refusal ?? "changed_meanwhile");
    // Beside the answer, which must take as long as for any other failure: a link that proves the address.
    if (refusal === UNVERIFIED) mailBeside(ctx, { kind: "magic_link", ...nameOf(input) });
    throw new ApiError("invalid_credentials");
  }
  if (ctx.seen && account) ctx.seen.sharesGuesser = sharesGuesser(ctx, account);
  return loginAnswer(ctx, started);
}

/** Before the password is looked at: of many guesses at once no more than the quota come through. */
export function attemptsOfLogin(ctx: Context, input: LoginInput): Attempt[] {
  const who = guesser(ctx, input);
  return [
    { policy: "guess", who },
    { policy: "account_logins", who },
    { policy: "logins", who: callerOf(ctx.origin) },
  ];
}

function reasonToRefuse(
  { config }: Context,
  account: Account | undefined,
  matches: boolean,
): string | null {
  if (!account) return "unknown_account";
  if (account.lockedOut) return "locked";
  if (!matches) return "wrong_password";
  if (!account.active) return "not_active";
  return config.emailVerification === "required" && !account.verified ? UNVERIFIED : null;
}

/** Begins the session, or the second step; null when the account has changed since it was read. */
async function start(ctx: Context, account: Account, password: string) {
  const renewed = await renewedHash(ctx, account, password);
  // The password was right: from here on it is its tenant's work, from however many networks its people come.
  return acrossTenants(
    async () => (await beginPlainly(ctx, account)) ?? (await begin(ctx, account, renewed)),
    account.tenantId ?? undefined,
  );
}

function begin(
  ctx: Context,
  account: Account,
  { passwordHash: renewed }: { passwordHash?: string },
) {
  return commit(ctx, async (tx) => {
    // The conditions stand again under the lock: an account that was locked out, or whose password or address was changed,
    // while the hash was computed gets no session; nor does a user who was disabled.
    const [locked, outlook] = await inOrder(
      lockActiveAccount(tx, ctx, account, account.passwordHash ?? ""),
      readLoginOutlook(tx, ctx, account),
    );
    if (!locked || locked.lockedOut) return null;
    if (renewed !== undefined)
      await tx.account.update({
        where: { id: account.accountId },
        data: { passwordHash: renewed },
        select: { id: true },
      });
    const { severalTenants } = account;
    return completeLogin(tx, ctx, account, { methods: ["pwd"], severalTenants }, outlook);
  });
}

/** The same two writes whether the account exists or not: the time must not tell. */
async function refuse(ctx: Context, account: Account | undefined, reason: string): Promise<void> {
  await commit(ctx, async (tx) => {
    await countGuess(tx, ctx, { ...account, id: account?.id ?? null, unseen: true });
    await recordFailure(tx, ctx, {
      action: "auth.login_failed",
      userId: account?.id,
      tenantId: account?.auditTenantId,
      details: { reason },
    });
  });
}

function nameOf({ email, tenant }: LoginInput): AccountName {
  return { email, tenant };
}
