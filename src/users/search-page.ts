/** Pages of a search by hand-written SQL: Prisma cannot ask the function that knows the index. */
import type { AuthedContext } from "../context.ts";
import { type Page, readPage, type SortOrder } from "../db/keyset.ts";
import { named } from "../db/statement-names.ts";
import { toUser, USER_COLUMNS, type User, type UserRow } from "./public-user.ts";
import type { ListUsersQuery } from "./schemas.ts";
import { patternsOf, searchWords } from "./search.ts";

type Row = UserRow & { roles: string[] };

const SEARCH = named(`
  SELECT ${USER_COLUMNS}, ARRAY (
      SELECT roles.name::text FROM user_roles JOIN roles ON roles.id = user_roles.role_id WHERE user_roles.user_id = users.id
    ) AS roles
  FROM search_users($1, $2, $3, $4, $5, $6, $7, $8) WITH ORDINALITY AS found (id, place) JOIN users ON users.id = found.id
  ORDER BY place`);

/** Whether a list is narrowed by a search alone, which is what search_users knows. */
export function isSearchAlone(query: ListUsersQuery): query is ListUsersQuery & { search: string } {
  const { search, email, status, role, deleted, tenantId, page } = query;
  const others = [email, status, role, tenantId, page];
  return search !== undefined && !deleted && others.every((value) => value === undefined);
}

/** The same page as by Prisma (read.ts), in the same order and with the same cursors; a test holds the two equal. */
export async function readSearchPage(
  ctx: AuthedContext,
  order: SortOrder,
  { search, limit, cursor }: { search: string; limit: number; cursor?: string | undefined },
): Promise<Page<User>> {
  const patterns = patternsOf(await searchWords(ctx, search));
  const { column, direction } = order;
  const { items, nextCursor } = await readPage(
    order,
    { limit, cursor },
    async ({ take }, _after, { value, id, nulls }) => {
      const after = value instanceof Date ? value.toISOString() : value;
      const range = [column, direction === "desc", nulls, after, id, take];
      const { rows } = await ctx.pool.query<Row>({
        ...SEARCH,
        values: [patterns, ctx.principal.tenantId, ...range],
      });
      return rows;
    },
  );
  return { items: items.map(({ roles, ...row }) => toUser(row, roles)), nextCursor };
}
