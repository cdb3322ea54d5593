import type { Prisma } from "../../generated/prisma/client.ts";
import type { AuthedContext } from "../context.ts";
import { contains } from "../db/contains.ts";
import { isId } from "../db/id.ts";
import { type Page, readPage } from "../db/keyset.ts";
import { fromReplica } from "../db/replica.ts";
import { NotFoundError } from "../errors.ts";
import { type ListTenantsQuery, type Tenant, tenantSelect, toTenant } from "./schemas.ts";

const ORDER = { list: "tenants", column: "createdAt", type: "instant", direction: "desc" } as const;

/** Which tenant the caller may touch under this id: a platform account any, everybody else their own. */
export function visibleTenant(ctx: AuthedContext, id: string): Prisma.TenantWhereInput {
  const own = ctx.principal.tenantId;
  if (!isId(id)) throw new NotFoundError("tenant");
  // Both conditions, compared in the database: there an id is the same in capitals.
  return { AND: [{ id }, own === null ? {} : { id: own }], isDeleted: false };
}

/** @throws NotFoundError */
export async function getTenant(ctx: AuthedContext, id: string): Promise<Tenant> {
  const row = await ctx.db.tenant.findFirst({
    where: visibleTenant(ctx, id),
    select: tenantSelect,
  });
  if (!row) throw new NotFoundError("tenant");
  return toTenant(row);
}

/**
 * All tenants, or those that are deleted and not yet purged, the newest first. The permission tenant:list belongs to
 * platform accounts alone.
 */
export async function listTenants(
  ctx: AuthedContext,
  query: ListTenantsQuery,
): Promise<Page<Tenant>> {
  const own = ctx.principal.tenantId;
  const filters: Prisma.TenantWhereInput[] = [{ isDeleted: query.deleted }];
  if (own !== null) filters.push({ id: own });
  if (query.status !== undefined) filters.push({ status: query.status });
  if (query.search !== undefined) {
    filters.push({ OR: [{ name: contains(query.search) }, { slug: contains(query.search) }] });
  }
  const page = await fromReplica(ctx, ({ db }) =>
    readPage(ORDER, query, ({ where, ...range }) =>
      db.tenant.findMany({ where: { AND: [...filters, where] }, ...range, select: tenantSelect }),
    ),
  );
  return { items: page.items.map(toTenant), nextCursor: page.nextCursor };
}
