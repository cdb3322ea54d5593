/** Deleting a tenant for good. Its audit rows stay: they speak of ids alone. */
import { recordAudit } from "../audit/record.ts";
import type { AuthedContext, Context, Deps } from "../context.ts";
import { afterCommit, commit } from "../db/commit.ts";
import { newId } from "../db/id.ts";
import { NotFoundError, ValidationError } from "../errors.ts";
import { lockTenant } from "./change.ts";
import type { PurgeTenantInput } from "./schemas.ts";

/** People a statement: what is theirs goes with them, and no transaction grows old. */
const BATCH = 200;
/** Past every time of grace: who is to be purged is not restored between two batches. */
const LONG_AGO = new Date(0);

type Deleted = { id: string; slug: string };

/**
 * Purges a deleted tenant now, whatever is left of its time of grace. From its first batch on there is no way back: when
 * it is broken off, the clean-up goes on with it. @throws NotFoundError, also for a tenant that is not deleted;
 * ValidationError for another slug than the tenant's.
 */
export async function purgeTenant(
  ctx: AuthedContext,
  id: string,
  { slug }: PurgeTenantInput,
): Promise<void> {
  const tenant = await commit(ctx, async (tx) => {
    const locked = await lockTenant(tx, ctx, id, true);
    // A platform account alone can be left to ask: a tenant's own people are gone with it.
    if (ctx.principal.tenantId !== null) throw new NotFoundError("tenant");
    if (locked.slug !== slug)
      throw new ValidationError([{ path: "slug", message: "Is not the slug of this tenant" }]);
    await tx.tenant.update({
      where: { id: locked.id, isDeleted: true },
      data: { deletedAt: LONG_AGO },
    });
    return locked;
  });
  await purge(ctx, tenant);
}

/** Deleted tenants whose time of grace is over, the first that was deleted first. */
export function tenantsToPurge({ db, config }: Pick<Deps, "db" | "config">): Promise<Deleted[]> {
  const before = new Date(Date.now() - config.tenantGraceDays * 86_400_000);
  return db.tenant.findMany({
    where: { isDeleted: true, deletedAt: { lt: before } },
    orderBy: { deletedAt: "asc" },
    select: { id: true, slug: true },
  });
}

/** Part of the clean-up. Answers how many there were. */
export async function purgeDeletedTenants(deps: Deps): Promise<number> {
  const { log } = deps;
  const tenants = await tenantsToPurge(deps);
  const origin = { requestId: newId(), ip: null, userAgent: null, language: null, device: null };
  for (const tenant of tenants) await purge({ ...deps, origin }, tenant);
  if (tenants.length > 0) log("info", "tenants purged", { ids: tenants.map(({ id }) => id) });
  return tenants.length;
}

/** With the last batch goes the tenant, and its slug is free. Of two at once the second one finds nothing left. */
async function purge(ctx: Context, { id, slug }: Deleted): Promise<void> {
  for (let count = BATCH; count > 0; ) {
    count = await ctx.db.$executeRaw`
      DELETE FROM users WHERE tenant_id = ${id}::uuid AND id = ANY (ARRAY(
        SELECT id FROM users WHERE tenant_id = ${id}::uuid LIMIT ${BATCH} FOR UPDATE))`;
  }
  await commit(ctx, async (tx) => {
    const { count } = await tx.tenant.deleteMany({ where: { id, isDeleted: true } });
    // Its people have lost their keys by now, whoever deletes the tenant itself.
    afterCommit(tx, () => ctx.apiKeys.forget());
    if (count === 0) return;
    // Roles and invitations went with the tenant, and whatever was its people's with them.
    await recordAudit(tx, ctx, {
      action: "tenant.purged",
      resourceType: "tenant",
      resourceId: id,
      tenantId: id,
      details: { slug },
    });
  });
}
