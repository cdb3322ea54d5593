import type { Prisma } from "../../generated/prisma/client.ts";
import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import { touch } from "../db/touch.ts";
import { NotFoundError } from "../errors.ts";
import { revokeSessions } from "../sessions/revoke.ts";
import { withSlugTaken } from "./create.ts";
import { visibleTenant } from "./read.ts";
import { type Tenant, tenantSelect, toTenant, type UpdateTenantInput } from "./schemas.ts";

type Change = {
  action: string;
  data: Prisma.TenantUpdateManyMutationInput;
  details?: Prisma.InputJsonObject;
  /** Set when the tenant's people must be refused from now on. */
  endSessions?: "tenant_suspended" | "tenant_deleted";
};

/** @throws NotFoundError; ApiError `slug_taken`. */
export function updateTenant(
  ctx: AuthedContext,
  id: string,
  input: UpdateTenantInput,
): Promise<Tenant> {
  return changeTenant(ctx, id, {
    action: "tenant.updated",
    data: input,
    details: { fields: Object.keys(input) },
  });
}

/** Refuses the tenant's users at once: their sessions end, and they cannot begin new ones. @throws NotFoundError */
export function suspendTenant(ctx: AuthedContext, id: string): Promise<Tenant> {
  return changeTenant(ctx, id, {
    action: "tenant.suspended",
    data: { status: "suspended" },
    endSessions: "tenant_suspended",
  });
}

/** Lets the tenant's users log in again. @throws NotFoundError */
export function activateTenant(ctx: AuthedContext, id: string): Promise<Tenant> {
  return changeTenant(ctx, id, { action: "tenant.activated", data: { status: "active" } });
}

/** Soft delete: the rows stay, the slug stays reserved, nobody gets in. @throws NotFoundError */
export async function deleteTenant(ctx: AuthedContext, id: string): Promise<void> {
  await changeTenant(ctx, id, {
    action: "tenant.deleted",
    data: { isDeleted: true, deletedAt: new Date() },
    endSessions: "tenant_deleted",
  });
}

async function changeTenant(ctx: AuthedContext, id: string, change: Change): Promise<Tenant> {
  const where = visibleTenant(ctx, id);
  const { tenant, ended } = await ctx.db.$transaction(async (tx) => {
    // First the tenant, which waits for log-ins under way (lock.ts), then the sessions, theirs included.
    const write = tx.tenant.updateManyAndReturn({
      where,
      data: { ...change.data, ...touch(ctx) },
      select: tenantSelect,
    });
    const [tenant] = await withSlugTaken(write);
    if (!tenant) throw new NotFoundError("tenant");
    const ended = change.endSessions
      ? await revokeSessions(tx, { tenantId: id }, change.endSessions)
      : [];
    await recordAudit(tx, ctx, {
      action: change.action,
      resourceType: "tenant",
      resourceId: id,
      tenantId: id,
      details: change.details ?? {},
    });
    return { tenant, ended };
  });
  ctx.revocations.add(ended);
  if (change.endSessions) ctx.apiKeys.forget();
  return toTenant(tenant);
}
