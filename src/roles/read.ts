import type { AuthedContext } from "../context.ts";
import type { Database } from "../db/client.ts";
import { type Page, readPage } from "../db/keyset.ts";
import { fromReplica } from "../db/replica.ts";
import { NotFoundError } from "../errors.ts";
import { assertDeclared } from "./declared.ts";
import { visibleRole, visibleRoles } from "./reach.ts";
import {
  type CheckAnswer,
  type CheckInput,
  type ListRolesQuery,
  type Role,
  roleSelect,
  toRole,
} from "./schemas.ts";

const ORDER = { list: "roles", column: "name", type: "text", direction: "asc" } as const;

/** The system roles and the tenant's own, by name; those of every tenant for a platform account. */
export async function listRoles(
  ctx: AuthedContext,
  { tenantId, ...range }: ListRolesQuery,
): Promise<Page<Role>> {
  // Both conditions: a caller who names another tenant than their own sees system roles alone.
  const named = tenantId === undefined ? {} : { OR: [{ tenantId: null }, { tenantId }] };
  return fromReplica(ctx, async ({ db }) => {
    const page = await readPage(ORDER, range, ({ where, ...rest }) =>
      db.role.findMany({
        where: { AND: [visibleRoles(ctx), named, where] },
        ...rest,
        select: roleSelect,
      }),
    );
    const holders = await holdersOf(
      db,
      page.items.map((role) => role.id),
      ctx.principal.tenantId ?? tenantId,
    );
    const items = page.items.map((row) => ({ ...toRole(row), holders: holders.get(row.id) ?? 0 }));
    return { items, nextCursor: page.nextCursor };
  });
}

/** @throws NotFoundError also for a role of another tenant. */
export async function getRole(ctx: AuthedContext, id: string): Promise<Role> {
  const row = await ctx.db.role.findFirst({ where: visibleRole(ctx, id), select: roleSelect });
  if (!row) throw new NotFoundError("role");
  const holders = await holdersOf(ctx.db, [id], ctx.principal.tenantId ?? undefined);
  return { ...toRole(row), holders: holders.get(row.id) ?? 0 };
}

/**
 * Whether the caller holds all of these. Answered from memory: services ask it with every request of their own.
 * @throws ValidationError for what there is not, since a slip of the pen would refuse everybody and nobody knew why.
 */
export async function checkPermissions(
  ctx: Pick<AuthedContext, "principal" | "grants">,
  { permissions }: CheckInput,
): Promise<CheckAnswer> {
  const missing = [...new Set(permissions)].filter((key) => !ctx.principal.permissions.has(key));
  // What is held there is: most questions end here.
  await assertDeclared(ctx, missing, "permissions");
  return { allowed: missing.length === 0, missing };
}

/** How many users who are not deleted hold each of the roles: of the tenant, or of all when none is named. */
export async function holdersOf(
  db: Database,
  roleIds: string[],
  tenantId: string | undefined,
): Promise<Map<string, number>> {
  const rows = await db.userRole.groupBy({
    by: ["roleId"],
    where: {
      roleId: { in: roleIds },
      ...(tenantId !== undefined && { tenantId }),
      user: { isDeleted: false },
    },
    _count: { userId: true },
  });
  return new Map(rows.map((row) => [row.roleId, row._count.userId]));
}
