/** What the people of a tenant may do with an account: nothing, where others share it (R77). */
import type { AuthedContext } from "../context.ts";
import { ApiError } from "../errors.ts";

/**
 * For what changes how somebody logs in: address, factors, password. Over an account of the tenant's own pool its
 * administrators have these powers, over a shared one its person and platform accounts alone; else the owner of any tenant
 * that somebody is in could take their account in all the others.
 * @throws ApiError `shared_account`.
 */
export function assertMayChangeAccount(
  { principal }: Pick<AuthedContext, "principal">,
  user: { id: string; accountId: string | null; poolId: string | null },
): void {
  const isOwn = user.id === principal.userId || user.accountId === null;
  if (isOwn || principal.tenantId === null || user.poolId === principal.tenantId) return;
  throw new ApiError("shared_account");
}
