import { recordAudit } from "../../audit/record.ts";
import type { AuthedContext } from "../../context.ts";
import { commit } from "../../db/commit.ts";
import { requestMail } from "../../mail/requests.ts";
import { assertMayManage } from "../../roles/giving.ts";
import { assertInPerson } from "../../roles/in-person.ts";
import { lockUser } from "../../users/reach.ts";
import { slugOf } from "../account.ts";

/**
 * Sends a user a link that sets a new password. Whoever asks for it neither sees nor sets one (ASVS 5.0, 6.4.6).
 * @throws NotFoundError, PermissionError; ApiError `impersonation_forbidden`.
 */
export async function startPasswordReset(ctx: AuthedContext, id: string): Promise<void> {
  assertInPerson(ctx.principal, "start_reset");
  await commit(ctx, async (tx) => {
    const { tenantId, email } = await lockUser(tx, ctx, id);
    await assertMayManage(tx, ctx, id);
    const tenant = await slugOf(tx, ctx, tenantId);
    // With the id: the address of a placeholder (users/placeholders.ts) means somebody of another tenant.
    const request = { kind: "reset_password", email, tenant, userId: id } as const;
    await requestMail(ctx, request, tx);
    await recordAudit(tx, ctx, {
      action: "user.password_reset_started",
      resourceType: "user",
      resourceId: id,
      tenantId,
    });
  });
}
