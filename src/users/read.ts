import type { Prisma } from "../../generated/prisma/client.ts";
import type { AuthedContext } from "../context.ts";
import { keyset, type SortOrder, toPage } from "../db/keyset.ts";
import { NotFoundError } from "../errors.ts";
import { toUserWithRoles, type User, userWithRolesSelect } from "./public-user.ts";
import type { ListUsersQuery, UserList } from "./schemas.ts";
import { visibleUser, visibleUsers } from "./scope.ts";

/** @throws NotFoundError also for a deleted user, and for one of another tenant. */
export async function getUser(ctx: AuthedContext, id: string): Promise<User> {
  const row = await ctx.db.user.findFirst({
    where: { ...visibleUser(ctx, id), isDeleted: false },
    select: userWithRolesSelect,
  });
  if (!row) throw new NotFoundError("user");
  return toUserWithRoles(row);
}

/** One page of users: by cursor, or by number with a total, which costs more the further it goes. */
export async function listUsers(ctx: AuthedContext, query: ListUsersQuery): Promise<UserList> {
  const order = sortOrder(query.sort);
  const filter = listFilter(ctx, query);
  const { where, ...rest } = keyset(order, query.limit, query.cursor);
  const [rows, total] = await Promise.all([
    ctx.db.user.findMany({
      where: { AND: [filter, where] },
      ...rest,
      ...(query.page !== undefined && { skip: (query.page - 1) * query.limit }),
      select: userWithRolesSelect,
    }),
    query.page === undefined ? undefined : ctx.db.user.count({ where: filter }),
  ]);
  const { items, nextCursor } = toPage(rows, query.limit, order);
  return {
    items: items.map(toUserWithRoles),
    nextCursor,
    ...(query.page !== undefined && { page: query.page, total: total ?? 0 }),
  };
}

function listFilter(ctx: AuthedContext, { search, status, role, deleted, tenantId }: ListUsersQuery): Prisma.UserWhereInput {
  // Both conditions: a caller who names another tenant than their own gets nothing.
  const filters: Prisma.UserWhereInput[] = [visibleUsers(ctx), { isDeleted: deleted }];
  if (tenantId !== undefined) filters.push({ tenantId });
  if (status !== undefined) filters.push({ status });
  if (role !== undefined) filters.push({ roles: { some: { role: { name: role } } } });
  // Every word must occur somewhere.
  for (const word of search?.split(/\s+/) ?? []) {
    const contains = { contains: word, mode: "insensitive" } as const;
    filters.push({ OR: [{ email: contains }, { firstName: contains }, { lastName: contains }] });
  }
  return { AND: filters };
}

function sortOrder(sort: ListUsersQuery["sort"]): SortOrder {
  const descending = sort.startsWith("-");
  const column = descending ? sort.slice(1) : sort;
  return { column, direction: descending ? "desc" : "asc", nullable: column === "lastName" };
}
