import type { Context } from "../../context.ts";
import { commit } from "../../db/commit.ts";
import { findToken } from "../../one-time-tokens/redeem.ts";
import { linkIsEnough } from "../../users/change-address.ts";
import { invalidMailedToken, useMailedToken } from "../mails/mailed-token.ts";
import { begunByOf, completeEmailChange } from "./change-email.ts";
import type { ChangeByLinkInput } from "./schemas.ts";

/**
 * Completes a change of address by the link alone, for whoever cannot log in because the old address is wrong or gone. Only
 * one that somebody else has begun in person: the owner's own is for their session, and a machine's for a session of the
 * owner (users/change-address.ts). It logs nobody in, and ends every session of the account.
 * @throws ApiError `invalid_one_time_token`, whatever is wrong with it; `email_taken`.
 */
export async function changeEmailByLink(ctx: Context, { token }: ChangeByLinkInput): Promise<void> {
  await commit(ctx, async (tx) => {
    const found = await findToken(tx, ctx, ["change_email"], token);
    const user = found?.boundTo === null ? await useMailedToken(tx, found) : null;
    // What is thrown rolls back: a link that is for a session is not used up by it.
    if (!found || !user || !linkIsEnough(begunByOf(found), user.verified))
      throw invalidMailedToken();
    const email = found.email ?? "";
    await completeEmailChange(tx, ctx, user, { email, sessionId: null });
  });
}
