/** The second step of a log-in. */
import type { Context } from "../../context.ts";
import type { Database, Transaction } from "../../db/client.ts";
import { commit } from "../../db/commit.ts";
import { ApiError } from "../../errors.ts";
import type { Owner } from "../../factors/owner.ts";
import {
  type Ceremony,
  checkAssertion,
  passkeyRequestOptions,
} from "../../factors/passkey-assertion.ts";
import { spendRecoveryCode } from "../../factors/recovery-codes.ts";
import { spendTotpCode } from "../../factors/totp.ts";
import type { PasskeyRequestOptions } from "../../factors/webauthn-schemas.ts";
import { countTry, findToken, type OneTimeToken, useToken } from "../../one-time-tokens/redeem.ts";
import type { AuthenticationMethod } from "../../sessions/facts.ts";
import { lockActiveAccount } from "../account.ts";
import { countGuess, guesserAtFactor } from "../guessing.ts";
import type { LoginAnswer } from "../schemas.ts";
import { completeLogin, loginAnswer } from "./complete-login.ts";
import { recordFailure } from "./record-failure.ts";
import type { MfaTokenInput, VerifyMfaInput } from "./schemas.ts";

/** What stands between the two steps. `amr` was proved in the first one; `boundTo` is the session that is renewed. */
type MfaToken = OneTimeToken & {
  userId: string;
  amr: AuthenticationMethod[];
  payload: { severalTenants: boolean } | null;
};

/** What was shown: the methods that it proves, or why it proves nothing. */
type Shown = { methods: AuthenticationMethod[] } | { refused: string };

/**
 * Completes a log-in with the second factor. A wrong one counts twice: at this log-in, which ends with the fifth, and as
 * a wrong password does at the account, so that beginning again and again is no way to guess a code. What is wrong is
 * not told apart. @throws ApiError `invalid_mfa_token`, `invalid_second_factor`, `rate_limited`.
 */
export async function verifyMfa(ctx: Context, input: VerifyMfaInput): Promise<LoginAnswer> {
  const begun = await findMfaToken(ctx.db, ctx, input.mfaToken);
  if (begun) await ctx.rateLimits.consume("guess", guesserAtFactor(ctx, begun));
  const outcome = await commit(ctx, async (tx) => {
    const fail = (token: MfaToken | null, reason: string) =>
      recordFailure(tx, ctx, {
        action: "auth.second_factor_failed",
        userId: token?.userId,
        tenantId: token?.tenantId,
        details: { method: input.method, reason },
        // Password and factor are the user's: it was them, or somebody who looks on (RFC 6238, section 5.2).
        ...(reason === "code_used_before" && { actorId: token?.userId }),
      });
    const user = begun && (await lockActiveAccount(tx, ctx, { ...begun, id: begun.userId }));
    // Again, under the lock: meanwhile it may have been used, or voided by a change of the account.
    const token = user && (await findMfaToken(tx, ctx, input.mfaToken));
    if (!token) {
      await fail(begun, "mfa_token");
      return "no_token";
    }
    const shown: Shown = user.lockedOut
      ? { refused: "locked" }
      : await check(tx, ctx, ceremonyOf(token, user), input);
    if ("methods" in shown) await useToken(tx, token);
    else await countTry(tx, [token]);
    if ("refused" in shown) {
      await countGuess(tx, ctx, user);
      await fail(token, shown.refused);
      return "refused";
    }
    return completeLogin(tx, ctx, user, {
      methods: [...token.amr, ...shown.methods],
      replaces: token.boundTo ?? undefined,
      severalTenants: token.payload?.severalTenants ?? false,
    });
  });
  if (outcome === "no_token") throw new ApiError("invalid_mfa_token");
  if (outcome === "refused") throw new ApiError("invalid_second_factor");
  if (begun) await ctx.rateLimits.reset("guess", guesserAtFactor(ctx, begun));
  return loginAnswer(ctx, outcome);
}

/** What the browser needs to show one of the user's passkeys as the second step. @throws ApiError `invalid_mfa_token`. */
export async function mfaPasskeyOptions(
  ctx: Context,
  { mfaToken }: MfaTokenInput,
): Promise<PasskeyRequestOptions> {
  return commit(ctx, async (tx) => {
    const token = await findMfaToken(tx, ctx, mfaToken);
    const user =
      token &&
      (await tx.user.findFirst({
        where: { id: token.userId, tenantId: token.tenantId },
        select: { id: true, tenantId: true, accountId: true },
      }));
    if (!token || !user || user.accountId === null) throw new ApiError("invalid_mfa_token");
    return passkeyRequestOptions(
      tx,
      ctx,
      ceremonyOf(token, { ...user, accountId: user.accountId }),
    );
  });
}

async function check(
  tx: Transaction,
  ctx: Context,
  ceremony: Ceremony & { owner: Owner },
  input: VerifyMfaInput,
): Promise<Shown> {
  const { owner } = ceremony;
  switch (input.method) {
    case "totp": {
      const refused = await spendTotpCode(tx, ctx, owner, input.code);
      return refused === null ? { methods: ["otp"] } : { refused };
    }
    case "recovery_code": {
      const refused = await spendRecoveryCode(tx, ctx, owner, input.code);
      return refused === null ? { methods: ["recovery"] } : { refused };
    }
    case "passkey":
      return checkAssertion(tx, ctx, input.response, owner, ceremony);
  }
}

/** The open token, null when there is none; it is read again once the account is locked. */
async function findMfaToken(db: Database | Transaction, ctx: Context, token: string) {
  return (await findToken(db, ctx, ["mfa"], token)) as MfaToken | null;
}

/** The other step was something else already: that the device makes sure of its user is welcome and not required. */
function ceremonyOf({ id }: MfaToken, { id: userId, tenantId, accountId }: Owner) {
  const owner = { id: userId, tenantId, accountId };
  return { owner, boundTo: id, userVerification: "preferred" } as const;
}
