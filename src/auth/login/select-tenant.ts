/** The end of a log-in of somebody who belongs to several tenants. */
import type { Context } from "../../context.ts";
import { commit } from "../../db/commit.ts";
import { NotFoundError } from "../../errors.ts";
import { findToken, useToken } from "../../one-time-tokens/redeem.ts";
import type { AuthenticationMethod } from "../../sessions/facts.ts";
import { lockActiveAccount } from "../account.ts";
import { tokenAnswer } from "../answer.ts";
import { invalidMailedToken } from "../mails/mailed-token.ts";
import type { TokenAnswer } from "../schemas.ts";
import { completeLogin } from "./complete-login.ts";
import type { SelectTenantInput } from "./schemas.ts";

/**
 * Begins the session in the tenant that was chosen. The token is used up by that alone: a tenant that is left or suspended
 * meanwhile is no reason to prove everything again for another one.
 * @throws ApiError `invalid_one_time_token`; NotFoundError for a tenant that is none of the account's, or not active.
 */
export async function selectTenant(
  ctx: Context,
  { selectionToken, tenantId }: SelectTenantInput,
): Promise<TokenAnswer> {
  const outcome = await commit(ctx, async (tx) => {
    const token = await findToken(tx, ctx, ["select_tenant"], selectionToken);
    if (!token?.userId) throw invalidMailedToken();
    const chosen = await tx.user.findFirst({
      where: { tenantId, isDeleted: false, account: { users: { some: { id: token.userId } } } },
      select: { id: true, tenantId: true },
    });
    const user = chosen && (await lockActiveAccount(tx, ctx, chosen));
    if (!user) throw new NotFoundError("tenant");
    // A lockout that came meanwhile holds off a password, and neither a passkey nor a mail, as at the first step.
    if (user.lockedOut && token.amr.includes("pwd")) throw invalidMailedToken();
    if (!(await useToken(tx, token))) throw invalidMailedToken();
    const methods = token.amr as AuthenticationMethod[];
    const begun = await completeLogin(tx, ctx, user, { methods });
    // A second factor that was set up meanwhile was not shown: the log-in begins anew.
    if (!("session" in begun)) throw invalidMailedToken();
    return begun;
  });
  return tokenAnswer(ctx, outcome.user, outcome.session);
}
