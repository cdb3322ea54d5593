/** What every change of a tenant does: lock, write, end what must end, and leave a row in the audit log. */
import type { Prisma } from "../../generated/prisma/client.ts";
import type { AuditAction } from "../audit/actions.ts";
import { changesBetween } from "../audit/changes.ts";
import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { afterCommit, commit } from "../db/commit.ts";
import { assertExpected, type Expected } from "../db/expected.ts";
import { isId } from "../db/id.ts";
import { UNANSWERED } from "../db/live.ts";
import { takeTenant } from "../db/tenant-locks.ts";
import { touch } from "../db/touch.ts";
import { NotFoundError } from "../errors.ts";
import { type RevocationReason, revokeSessionUsers } from "../sessions/revoke.ts";
import { withSlugTaken } from "./create.ts";
import { looksOf, withHonestName } from "./lookalike.ts";
import { type Tenant, tenantSelect, toTenant } from "./schemas.ts";

export type LockedTenant = {
  id: string;
  slug: string;
  name: string;
  status: string;
  seatLimit: number | null;
  settings: unknown;
  version: number;
  deletedAt: Date | null;
};

export type Change = {
  action: AuditAction;
  data: Prisma.TenantUpdateManyMutationInput;
  details?: Prisma.InputJsonObject;
  /** The sessions that speak for the tenant no more: without further conditions all. */
  endSessions?: { reason: RevocationReason; which?: Prisma.SessionUserWhereInput };
  /** Set when nobody may come in any more on an old word. */
  endInvitations?: boolean;
};

export type Plan = (tx: Transaction, before: LockedTenant) => Change | Promise<Change>;

/**
 * Changes the tenant as `plan` says, once it is locked: what the plan reads of it still holds when it is written.
 * @throws NotFoundError; ApiError `precondition_failed`, `slug_taken`, `name_confusable`; and what `plan` throws.
 */
export async function changeTenant(
  ctx: AuthedContext,
  id: string,
  plan: Plan,
  { deleted = false, expected = {} }: { deleted?: boolean; expected?: Expected } = {},
): Promise<Tenant> {
  return commit(ctx, async (tx) => {
    // First the tenant, which waits for log-ins under way (lock.ts), then the sessions, theirs included.
    const before = await lockTenant(tx, ctx, id, deleted);
    assertExpected(expected, before.version);
    const change = await plan(tx, before);
    const { name } = change.data;
    const write = tx.tenant.update({
      // Of a deleted tenant too: lockTenant has seen which one is meant.
      where: { id: before.id, isDeleted: deleted },
      data: {
        ...change.data,
        ...(typeof name === "string" && (await looksOf(name))),
        ...touch(ctx),
      },
      select: tenantSelect,
    });
    const tenant = await withSlugTaken(withHonestName(write));
    const { endSessions } = change;
    if (endSessions) {
      const which = { ...endSessions.which, tenantId: before.id };
      await revokeSessionUsers(tx, ctx, which, endSessions.reason);
      // Whoever ends all sessions refuses the machines too.
      afterCommit(tx, () => ctx.apiKeys.forget());
    }
    if (change.endInvitations) await endInvitations(tx, before.id);
    await recordAudit(tx, ctx, {
      action: change.action,
      resourceType: "tenant",
      resourceId: before.id,
      tenantId: before.id,
      details: { ...change.details, ...changesOf(before, tenant) },
    });
    return toTenant(tenant);
  });
}

/** Settings one by one; what a team keeps in `custom` is its own. */
function changesOf(before: LockedTenant, after: LockedTenant): Prisma.InputJsonObject {
  const [old, present] = [flatten(before), flatten(after)];
  const columns = ["slug", "name", "status", "seatLimit"];
  const keys = Object.keys({ ...old, ...present }).filter((key) => key.startsWith("settings."));
  return changesBetween(old, present, {
    fields: [...columns, ...keys],
    shown: [...columns, ...keys.filter((key) => key !== "settings.custom")],
  });
}

function flatten({ settings, ...columns }: LockedTenant): Record<string, unknown> {
  const entries = Object.entries(settings as object);
  return {
    ...columns,
    ...Object.fromEntries(entries.map(([key, value]) => [`settings.${key}`, value])),
  };
}

/** The tenant that the caller may touch under this id: a platform account any, everybody else their own. @throws NotFoundError */
export async function lockTenant(
  tx: Transaction,
  ctx: AuthedContext,
  id: string,
  deleted: boolean,
): Promise<LockedTenant> {
  const own = ctx.principal.tenantId;
  // Before the lock: nobody takes a turn at another's tenant.
  if (!isId(id) || (own !== null && own !== id.toLowerCase())) throw new NotFoundError("tenant");
  await takeTenant(tx, id);
  const [tenant] = await tx.$queryRaw<LockedTenant[]>`
    SELECT id, slug, name, status::text, seat_limit AS "seatLimit", settings, version, deleted_at AS "deletedAt" FROM tenants
    WHERE id = ${id}::uuid AND (${own}::uuid IS NULL OR id = ${own}::uuid) AND is_deleted = ${deleted}
    FOR UPDATE`;
  if (!tenant) throw new NotFoundError("tenant");
  return tenant;
}

async function endInvitations(tx: Transaction, tenantId: string): Promise<void> {
  await tx.invitation.updateMany({
    where: { tenantId, ...UNANSWERED },
    data: { revokedAt: new Date() },
  });
}
