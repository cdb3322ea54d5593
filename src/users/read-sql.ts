/** The hot reads of users, by hand: with the roles that they hold, in one statement. */
import type { AuthedContext } from "../context.ts";
import { newestOfTenant } from "../db/newest.ts";
import { named } from "../db/statement-names.ts";
import { USER_COLUMNS, type UserRow } from "./public-user.ts";

/** The names in any order: `toUser` sorts them. */
export type UserRowWithRoleNames = UserRow & { roles: string[] };

const PEOPLE = "users.kind = 'person' AND NOT users.is_deleted";

/** @param holder an expression for the user's id. */
function rolesOf(holder: string): string {
  return `ARRAY(SELECT roles.name FROM user_roles JOIN roles ON roles.id = user_roles.role_id
    WHERE user_roles.user_id = ${holder}) AS roles`;
}

const FIND_USER = named(`
  SELECT ${USER_COLUMNS}, ${rolesOf("users.id")} FROM users
  WHERE users.id = $1 AND ($2::uuid IS NULL OR users.tenant_id = $2) AND ${PEOPLE}`);

/** Who is there and whom the caller may see. @param id a UUID: PostgreSQL refuses what is none. */
export async function findUser(
  { pool, principal }: Pick<AuthedContext, "pool" | "principal">,
  id: string,
): Promise<UserRowWithRoleNames | undefined> {
  const values = [id, principal.tenantId];
  const { rows } = await pool.query<UserRowWithRoleNames>({ ...FIND_USER, values });
  return rows[0];
}

/** The people of a tenant. */
export const newestUsers = newestOfTenant<UserRowWithRoleNames>({
  table: "users",
  columns: USER_COLUMNS,
  where: PEOPLE,
  beside: `, ${rolesOf("page.id")}`,
});
