/** What a user may do: read once, kept in memory, dropped when the database says that it changed. */
import type { Pool } from "pg";
import { type Cache, createCache } from "../db/cache.ts";
import { named } from "../db/statement-names.ts";

export type Grants = { roles: readonly string[]; permissions: ReadonlySet<string> };

/** By user id. */
export type GrantStore = { of: Cache<Grants>["get"] } & Omit<Cache<Grants>, "get">;

/** Some 300 bytes each: bounded, so that a long run over many users does not grow for ever. */
const REMEMBERED_USERS = 20_000;

const GRANTS_OF_USER = named(`
      SELECT roles.name, ARRAY(SELECT permission_key::text FROM role_permissions WHERE role_id = roles.id) AS permissions
      FROM user_roles JOIN roles ON roles.id = user_roles.role_id
      WHERE user_roles.user_id = $1
      ORDER BY roles.name`);

export function createGrantStore(pool: Pick<Pool, "query">): GrantStore {
  const { get, forget, watch } = createCache(REMEMBERED_USERS, (id) => readGrants(pool, id));
  return { of: get, forget, watch };
}

async function readGrants(pool: Pick<Pool, "query">, userId: string): Promise<Grants> {
  const { rows } = await pool.query<{ name: string; permissions: string[] }>({
    ...GRANTS_OF_USER,
    values: [userId],
  });
  return {
    roles: rows.map((row) => row.name),
    permissions: new Set(rows.flatMap((row) => row.permissions)),
  };
}
