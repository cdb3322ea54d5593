/**
 * Proving again who one is, from within a session: what RFC 9470 calls step-up. It is a whole log-in, with the second
 * factor if there is one (ASVS 5.0, 7.5.1), and its new session takes the old one's place (7.2.4).
 */

import type { SessionContext } from "../../context.ts";
import { hashedFor } from "../../crypto/password.ts";
import type { Transaction } from "../../db/client.ts";
import { commit } from "../../db/commit.ts";
import { LIVE } from "../../db/live.ts";
import { acrossTenants } from "../../db/scope.ts";
import { ValidationError } from "../../errors.ts";
import {
  type Ceremony,
  checkAssertion,
  passkeyRequestOptions,
} from "../../factors/passkey-assertion.ts";
import type { PasskeyAssertion, PasskeyRequestOptions } from "../../factors/webauthn-schemas.ts";
import { lockActiveTenant } from "../../tenants/lock.ts";
import { lockActiveAccount } from "../account.ts";
import { countGuess, guesserInSession, notLockedOut } from "../guessing.ts";
import type { LoginAnswer } from "../schemas.ts";
import { completeLogin, loginAnswer } from "./complete-login.ts";
import { recordFailure } from "./record-failure.ts";
import { renewedHash } from "./renew-hash.ts";
import type { ReauthenticateInput } from "./schemas.ts";

/**
 * Begins the session anew by password or passkey. What is wrong is answered with 422 and not with 401: the caller's
 * token is as good as before, and a client that gets a 401 throws its token away. @throws ValidationError; ApiError
 * `overloaded`, `rate_limited`.
 */
export async function reauthenticate(
  ctx: SessionContext,
  input: ReauthenticateInput,
): Promise<LoginAnswer> {
  const outcome =
    "password" in input
      ? await byPassword(ctx, input.password)
      : await byPasskey(ctx, input.response);
  return loginAnswer(ctx, outcome);
}

/** What the browser needs to show one of the caller's passkeys. */
export async function reauthenticationOptions(ctx: SessionContext): Promise<PasskeyRequestOptions> {
  return commit(ctx, (tx) => passkeyRequestOptions(tx, ctx, ceremonyOf(ctx)));
}

async function byPassword(ctx: SessionContext, password: string) {
  const { userId, tenantId, accountId, sessionId } = ctx.principal;
  // Before the password is looked at, as at login.
  await ctx.rateLimits.consume("guess", guesserInSession(ctx));
  const account = await ctx.db.account.findFirst({
    where: { id: accountId, isDeleted: false },
    select: { passwordHash: true },
  });
  const passwordHash = account?.passwordHash ?? null;
  const matches = await ctx.passwords.verify(passwordHash, password, hashedFor(ctx));
  const renewed = matches ? await renewedHash(ctx, { tenantId, passwordHash }, password) : {};
  const outcome =
    matches &&
    (await begin(ctx, async (tx) => {
      if (!(await lockActiveTenant(tx, tenantId))) return null;
      // As at login: the hash that was verified must still be there, and no lockout may have come meanwhile.
      const { count } = await tx.account.updateMany({
        where: {
          id: accountId,
          isDeleted: false,
          users: { some: { id: userId, tenantId, ...LIVE } },
          passwordHash,
          ...notLockedOut(ctx),
        },
        data: { loginAttempts: { increment: 0 }, ...renewed },
      });
      const user = { id: userId, tenantId, accountId };
      return count > 0 && completeLogin(tx, ctx, user, { methods: ["pwd"], replaces: sessionId });
    }));
  if (outcome) {
    await ctx.rateLimits.reset("guess", guesserInSession(ctx));
    return outcome;
  }
  // Counts like one at login: a stolen access token must not be a way to guess the password without end.
  await commit(ctx, async (tx) => {
    await countGuess(tx, ctx, { id: userId });
    await recordFailure(tx, ctx, failed(ctx, { method: "password" }));
  });
  throw new ValidationError([{ path: "password", message: "Is not the current password" }]);
}

async function byPasskey(ctx: SessionContext, assertion: PasskeyAssertion) {
  const ceremony = ceremonyOf(ctx);
  const outcome = await begin(ctx, async (tx) => {
    const user = await lockActiveAccount(tx, ctx, ceremony.owner);
    const shown = await checkAssertion(tx, ctx, assertion, ceremony.owner, ceremony);
    if (user && "methods" in shown)
      return completeLogin(tx, ctx, user, {
        methods: shown.methods,
        replaces: ctx.principal.sessionId,
      });
    const reason = "refused" in shown ? shown.refused : "not_active";
    await recordFailure(tx, ctx, failed(ctx, { method: "passkey", reason }));
    return null;
  });
  if (outcome) return outcome;
  throw new ValidationError([{ path: "response", message: "The passkey was not accepted" }]);
}

/** A session and its tokens are the account's, whatever tenant it speaks for: they are written across tenants. */
function begin<T>(ctx: SessionContext, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return acrossTenants(() => commit(ctx, work));
}

/** Alone it must be as much as any log-in: the device makes sure of its user. */
function ceremonyOf({ principal: { userId, tenantId, accountId, sessionId } }: SessionContext) {
  return {
    owner: { id: userId, tenantId, accountId },
    boundTo: sessionId,
    userVerification: "required",
  } satisfies Ceremony;
}

function failed(
  { principal: { userId, tenantId } }: SessionContext,
  details: { method: string; reason?: string },
) {
  return { action: "auth.reauthentication_failed", userId, tenantId, details } as const;
}
