import type { Prisma } from "../../generated/prisma/client.ts";
import type { AuthedContext } from "../context.ts";
import { isId } from "../db/id.ts";
import { readPage, type SortOrder } from "../db/keyset.ts";
import { fromReplica } from "../db/replica.ts";
import { NotFoundError } from "../errors.ts";
import { toUser, toUserWithRoles, type User, userWithRolesSelect } from "./public-user.ts";
import { visibleUsers } from "./reach.ts";
import { findUser, newestUsers } from "./read-sql.ts";
import type { ListUsersQuery, UserList } from "./schemas.ts";
import { matchesWords, searchWords } from "./search.ts";
import { isSearchAlone, readSearchPage } from "./search-page.ts";

const NEWEST_FIRST = "-createdAt";

/** @throws NotFoundError also for a deleted user, and for one of another tenant. */
export async function getUser(ctx: AuthedContext, id: string): Promise<User> {
  const row = isId(id) ? await findUser(ctx, id) : undefined;
  if (!row) throw new NotFoundError("user");
  return toUser(row, row.roles);
}

/**
 * One page of users: by cursor, or by number with a total, which costs more the further it goes. What may have to read
 * all users of the tenant takes its turn. @throws ApiError `overloaded`
 */
export async function listUsers(ctx: AuthedContext, query: ListUsersQuery): Promise<UserList> {
  const { limit: _limit, cursor: _cursor, sort, email, deleted, ...narrowing } = query;
  const isPlain = !deleted && Object.values(narrowing).every((value) => value === undefined);
  const { tenantId } = ctx.principal;
  if (isPlain && email === undefined && sort === NEWEST_FIRST && tenantId !== null)
    return fromReplica(ctx, (at) => readNewest(at, tenantId, query));
  return fromReplica(ctx, (at) =>
    isPlain ? readUsers(at, query) : at.pool.costly("read", () => readUsers(at, query)),
  );
}

/** What is asked for most, which is one statement. */
async function readNewest(
  ctx: AuthedContext,
  tenantId: string,
  query: ListUsersQuery,
): Promise<UserList> {
  const { items, nextCursor } = await readPage(sortOrder(NEWEST_FIRST), query, ({ take }, after) =>
    newestUsers(ctx.pool, tenantId, take, after),
  );
  return { items: items.map((row) => toUser(row, row.roles)), nextCursor };
}

async function readUsers(ctx: AuthedContext, query: ListUsersQuery): Promise<UserList> {
  const order = sortOrder(query.sort);
  if (isSearchAlone(query)) return readSearchPage(ctx, order, query);
  const filter = await listFilter(ctx, query);
  const { items, nextCursor } = await readPage(order, query, ({ where, ...range }) =>
    ctx.db.user.findMany({
      where: { AND: [filter, where] },
      ...range,
      ...(query.page !== undefined && { skip: (query.page - 1) * query.limit }),
      select: userWithRolesSelect,
    }),
  );
  // One after the other: a turn is one connection, and one core.
  const total = query.page === undefined ? 0 : await ctx.db.user.count({ where: filter });
  return {
    items: items.map(toUserWithRoles),
    nextCursor,
    ...(query.page !== undefined && { page: query.page, total }),
  };
}

async function listFilter(
  ctx: AuthedContext,
  { search, email, status, role, deleted, tenantId }: ListUsersQuery,
): Promise<Prisma.UserWhereInput> {
  // Both conditions: a caller who names another tenant than their own gets nothing.
  const filters: Prisma.UserWhereInput[] = [visibleUsers(ctx), { isDeleted: deleted }];
  if (tenantId !== undefined) filters.push({ tenantId });
  if (email !== undefined) filters.push({ email });
  if (status !== undefined) filters.push({ status });
  if (role !== undefined) filters.push(await holdsRole(ctx, role));
  if (search !== undefined) filters.push(...matchesWords(await searchWords(ctx, search)));
  return { AND: filters };
}

/**
 * Roles are looked up by name first: with their ids in the query PostgreSQL knows how many users hold them, and reads
 * those of a rare role from its index where it would walk through all users.
 */
async function holdsRole(ctx: AuthedContext, name: string): Promise<Prisma.UserWhereInput> {
  const own = ctx.principal.tenantId;
  const roles = await ctx.db.role.findMany({
    where: { name, ...(own !== null && { OR: [{ tenantId: null }, { tenantId: own }] }) },
    select: { id: true },
  });
  const roleId = { in: roles.map((role) => role.id) };
  return { roles: { some: { roleId, ...(own !== null && { tenantId: own }) } } };
}

function sortOrder(sort: ListUsersQuery["sort"]): SortOrder {
  const descending = sort.startsWith("-");
  const column = descending ? sort.slice(1) : sort;
  return {
    list: "users",
    column,
    type: column === "createdAt" ? "instant" : "text",
    direction: descending ? "desc" : "asc",
    nullable: column === "lastName",
  };
}
