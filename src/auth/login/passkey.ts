/** Logging in with nothing but a passkey: the browser offers those that it has for this site. */
import type { Context } from "../../context.ts";
import { commit } from "../../db/commit.ts";
import { ApiError } from "../../errors.ts";
import {
  type Ceremony,
  checkAssertion,
  findPasskeyOwner,
  passkeyRequestOptions,
} from "../../factors/passkey-assertion.ts";
import type { PasskeyRequestOptions } from "../../factors/webauthn-schemas.ts";
import { lockActiveAccount, opensSeveralTenants } from "../account.ts";
import type { LoginAnswer } from "../schemas.ts";
import { completeLogin, loginAnswer } from "./complete-login.ts";
import { recordFailure } from "./record-failure.ts";
import type { PasskeyLoginInput } from "./schemas.ts";

/** The passkey says whose it is, and with its user verified it is two factors in one. */
const CEREMONY: Ceremony = { owner: null, boundTo: null, userVerification: "required" };

/** The same for everybody: no address is asked for, so none can be tried out. */
export async function passkeyLoginOptions(ctx: Context): Promise<PasskeyRequestOptions> {
  return commit(ctx, (tx) => passkeyRequestOptions(tx, ctx, CEREMONY));
}

/**
 * Logs in whoever the passkey belongs to, and so into their tenant, or the one that they choose of several. A lockout for
 * wrong passwords does not count here: a passkey cannot be guessed, and a stranger's guesses shall not keep its owner out.
 * @throws ApiError `invalid_passkey`, whatever is wrong.
 */
export async function logInWithPasskey(
  ctx: Context,
  { response }: PasskeyLoginInput,
): Promise<LoginAnswer> {
  const outcome = await commit(ctx, async (tx) => {
    const owner = await findPasskeyOwner(tx, response);
    const user = owner && (await lockActiveAccount(tx, ctx, owner));
    const shown = await checkAssertion(tx, ctx, response, owner, CEREMONY);
    if (user && "methods" in shown) {
      const severalTenants = await opensSeveralTenants(tx, user.accountId);
      return completeLogin(tx, ctx, user, { methods: shown.methods, severalTenants });
    }
    const reason = "refused" in shown ? shown.refused : "not_active";
    await recordFailure(tx, ctx, {
      action: "auth.login_failed",
      userId: owner?.id,
      tenantId: owner?.tenantId,
      details: { method: "passkey", reason },
    });
    return null;
  });
  if (!outcome) throw new ApiError("invalid_passkey");
  return loginAnswer(ctx, outcome);
}
