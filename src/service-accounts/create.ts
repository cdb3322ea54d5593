import { originOfGiven } from "../accounts/pool.ts";
import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import { commit } from "../db/commit.ts";
import { newId } from "../db/id.ts";
import { targetTenant } from "../principal.ts";
import { assertMayAssign, rolesToGrant } from "../roles/giving.ts";
import { enterTenant } from "../tenants/lock.ts";
import { insertUser } from "../users/create.ts";
import { toUser } from "../users/public-user.ts";
import {
  type CreateServiceAccountInput,
  type ServiceAccount,
  toServiceAccount,
} from "./schemas.ts";

/**
 * Makes a user for a machine: no password, an address that no mail reaches (RFC 2606), and so no way to log in. What it
 * does, it does with API keys. @throws PermissionError, ValidationError, NotFoundError (the tenant).
 */
export async function createServiceAccount(
  ctx: AuthedContext,
  input: CreateServiceAccountInput,
): Promise<ServiceAccount> {
  const tenantId = targetTenant(ctx, input.tenantId);
  if (input.roles) assertMayAssign(ctx);

  return commit(ctx, async (tx) => {
    await enterTenant(tx, tenantId);
    const roles = await rolesToGrant(tx, ctx, tenantId, input.roles ?? []);
    const names = roles.map((role) => role.name);
    const id = newId();
    const row = await insertUser(tx, ctx, {
      id,
      tenantId,
      kind: "service",
      email: `${id}@service.invalid`,
      firstName: input.name,
      lastName: null,
      passwordHash: null,
      passwordOrigin: originOfGiven(ctx),
      roleIds: roles.map((role) => role.id),
      createdBy: ctx.principal.userId,
    });
    await recordAudit(tx, ctx, {
      action: "service_account.created",
      resourceType: "service_account",
      resourceId: id,
      tenantId,
      details: { name: input.name, roles: names },
    });
    return toServiceAccount(toUser(row, names));
  });
}
