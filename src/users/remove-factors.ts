import { assertMayChangeAccount } from "../accounts/powers.ts";
import type { AuthedContext } from "../context.ts";
import { commit } from "../db/commit.ts";
import { NotFoundError, PermissionError } from "../errors.ts";
import { removeAllFactors } from "../factors/changes.ts";
import { assertMayManage } from "../roles/giving.ts";
import { assertInPerson } from "../roles/in-person.ts";
import { lockUser } from "./reach.ts";

/**
 * Takes every second factor and passkey from somebody who lost them, and ends their sessions. One's own go one by one
 * and after a fresh log-in, which must not be got round here. @throws NotFoundError, PermissionError;
 * ApiError `impersonation_forbidden`, `shared_account`.
 */
export async function removeUserFactors(ctx: AuthedContext, id: string): Promise<void> {
  assertInPerson(ctx.principal, "remove_factors");
  await commit(ctx, async (tx) => {
    const user = await lockUser(tx, ctx, id);
    // Not even with a recent proof: there each of them is named.
    if (user.id === ctx.principal.userId)
      throw new PermissionError("Remove your own factors at /v1/auth/me.");
    await assertMayManage(tx, ctx, user.id);
    assertMayChangeAccount(ctx, user);
    if (user.accountId === null) throw new NotFoundError("user");
    await removeAllFactors(tx, ctx, { ...user, accountId: user.accountId });
  });
}
