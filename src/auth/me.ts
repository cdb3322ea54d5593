import type { SessionContext } from "../context.ts";
import { ApiError } from "../errors.ts";
import { tenantSelect, toTenant } from "../tenants/schemas.ts";
import { toUser, userSelect } from "../users/public-user.ts";
import type { Me } from "./schemas.ts";

/** Who the caller is and what they may do. */
export async function getMe(ctx: SessionContext): Promise<Me> {
  const { userId, tenantId, roles, permissions } = ctx.principal;
  const row = await ctx.db.user.findFirst({
    where: { id: userId, tenantId, isDeleted: false },
    select: { ...userSelect, tenant: { select: tenantSelect } },
  });
  // The session was alive a moment ago: the account has just been deleted.
  if (!row) throw new ApiError("invalid_token", "The account is gone.");
  return {
    user: toUser(row, roles),
    tenant: row.tenant && toTenant(row.tenant),
    roles: roles.toSorted(),
    permissions: [...permissions].sort(),
  };
}
