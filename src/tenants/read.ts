import type { Prisma } from "../../generated/prisma/client.ts";
import type { AuthedContext } from "../context.ts";
import { keyset, type Page, toPage } from "../db/keyset.ts";
import { isId } from "../db/id.ts";
import { NotFoundError } from "../errors.ts";
import { type ListTenantsQuery, type Tenant, tenantSelect, toTenant } from "./schemas.ts";

const ORDER = { column: "createdAt", direction: "desc" } as const;

/** Which tenant the caller may touch under this id: a platform account any, everybody else their own. */
export function visibleTenant(ctx: AuthedContext, id: string): Prisma.TenantWhereInput {
  const own = ctx.principal.tenantId;
  if (!isId(id) || (own !== null && own !== id)) throw new NotFoundError("tenant");
  return { id, isDeleted: false };
}

/** @throws NotFoundError */
export async function getTenant(ctx: AuthedContext, id: string): Promise<Tenant> {
  const row = await ctx.db.tenant.findFirst({ where: visibleTenant(ctx, id), select: tenantSelect });
  if (!row) throw new NotFoundError("tenant");
  return toTenant(row);
}

/** All tenants that are not deleted, the newest first. The permission tenant:list belongs to platform accounts alone. */
export async function listTenants(ctx: AuthedContext, query: ListTenantsQuery): Promise<Page<Tenant>> {
  const { where, ...rest } = keyset(ORDER, query.limit, query.cursor);
  const own = ctx.principal.tenantId;
  const rows = await ctx.db.tenant.findMany({
    where: {
      AND: [
        { isDeleted: false, ...(own !== null && { id: own }), ...(query.status && { status: query.status }) },
        query.search === undefined
          ? {}
          : { OR: [{ name: { contains: query.search, mode: "insensitive" } }, { slug: { contains: query.search.toLowerCase() } }] },
        where,
      ],
    },
    ...rest,
    select: tenantSelect,
  });
  const page = toPage(rows, query.limit, ORDER);
  return { items: page.items.map(toTenant), nextCursor: page.nextCursor };
}
