import { userPoolOf } from "../../accounts/pool.ts";
import { standingOfPool } from "../../accounts/settle.ts";
import { recordAudit } from "../../audit/record.ts";
import type { SessionContext } from "../../context.ts";
import { commit } from "../../db/commit.ts";
import { newId } from "../../db/id.ts";
import { acrossTenants } from "../../db/scope.ts";
import { ApiError, PermissionError } from "../../errors.ts";
import { SYSTEM_ROLES } from "../../roles/permissions.ts";
import { insertTenant } from "../../tenants/create.ts";
import { insertMembership, lockJoiner, speakingAs } from "../../users/join.ts";
import { type Membership, membershipsOf } from "../../users/memberships.ts";
import type { OwnTenantInput } from "./schemas.ts";

/**
 * Makes a further tenant, whose owner the caller is with the account that they have.
 * @throws ApiError `registration_closed`, `slug_taken`, `name_confusable`; PermissionError for an account that opens its own
 * tenant alone, or while nobody has proved its address to anybody but its tenant.
 */
export function makeOwnTenant(ctx: SessionContext, input: OwnTenantInput): Promise<Membership> {
  if (ctx.config.registration === "closed") throw new ApiError("registration_closed");
  if (userPoolOf(ctx.config, {}) === "isolated")
    throw new PermissionError(
      "Tenants have accounts of their own here: register one with another account.",
    );
  return acrossTenants(() => make(ctx, input));
}

async function make(ctx: SessionContext, { name, slug }: OwnTenantInput): Promise<Membership> {
  const { accountId } = ctx.principal;
  const tenantId = newId();
  await commit(ctx, async (tx) => {
    const joiner = await lockJoiner(tx, ctx);
    if ((await standingOfPool(tx, ctx, accountId)) !== "shared")
      throw new PermissionError(
        "This account opens its own tenant alone. Prove its address first.",
      );
    await insertTenant(tx, { id: tenantId, name, slug, createdBy: ctx.principal.userId });
    const owner = { tenantId, roleIds: [SYSTEM_ROLES.owner], grantedBy: null };
    const id = await insertMembership(tx, joiner, owner);
    await tx.tenant.update({
      where: { id: tenantId },
      data: { createdBy: id },
      select: { id: true },
    });
    const made = { resourceType: "tenant", resourceId: tenantId, tenantId };
    await recordAudit(tx, speakingAs(ctx, { id, tenantId }), { action: "tenant.created", ...made });
  });
  const [membership] = await membershipsOf(ctx.db, accountId, { tenantId });
  if (!membership) throw new ApiError("not_found");
  return membership;
}
