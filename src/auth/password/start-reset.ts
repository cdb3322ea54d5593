import { assertMayChangeAccount } from "../../accounts/powers.ts";
import { recordAccountEvent } from "../../audit/account-events.ts";
import type { AuthedContext } from "../../context.ts";
import { commit } from "../../db/commit.ts";
import { requestMail } from "../../mail/requests.ts";
import { assertMayManage } from "../../roles/giving.ts";
import { assertInPerson } from "../../roles/in-person.ts";
import { lockUser } from "../../users/reach.ts";

/**
 * Sends a user a link that sets a new password. Whoever asks for it neither sees nor sets one (ASVS 5.0, 6.4.6).
 * @throws NotFoundError, PermissionError; ApiError `impersonation_forbidden`, `shared_account`.
 */
export async function startPasswordReset(ctx: AuthedContext, id: string): Promise<void> {
  assertInPerson(ctx.principal, "start_reset");
  await commit(ctx, async (tx) => {
    const user = await lockUser(tx, ctx, id);
    await assertMayManage(tx, ctx, id);
    assertMayChangeAccount(ctx, user);
    const { tenantId, email } = user;
    const tenant =
      tenantId === null
        ? null
        : await tx.tenant.findFirst({ where: { id: tenantId }, select: { slug: true } });
    // With the tenant and the id: the address alone may mean an account elsewhere.
    const request = {
      kind: "reset_password",
      email,
      tenant: tenant?.slug,
      userId: user.id,
    } as const;
    await requestMail(ctx, request, tx);
    await recordAccountEvent(tx, ctx, { action: "user.password_reset_started", user });
  });
}
