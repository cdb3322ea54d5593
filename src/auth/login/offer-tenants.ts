import type { Context } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import { issueOneTimeToken } from "../../one-time-tokens/issue.ts";
import type { AuthenticationMethod } from "../../sessions/facts.ts";
import { membershipsOf } from "../../users/memberships.ts";
import type { TenantChoice } from "../schemas.ts";

/** How long the choice may take. */
const SELECTION_SECONDS = 5 * 60;

/**
 * What somebody is asked who has proved who they are and belongs to several tenants: not before, or a stranger would learn
 * where they work (R82).
 * @param amr what they have shown.
 */
export async function offerTenants(
  tx: Transaction,
  ctx: Context,
  user: { id: string; tenantId: string | null; accountId: string },
  amr: readonly AuthenticationMethod[],
): Promise<TenantChoice> {
  const { token } = await issueOneTimeToken(tx, ctx, {
    purpose: "select_tenant",
    user,
    ttlSeconds: SELECTION_SECONDS,
    amr,
  });
  const tenantSelection = await membershipsOf(tx, user.accountId, { live: true });
  return { tenantSelection, selectionToken: token, expiresIn: SELECTION_SECONDS };
}
