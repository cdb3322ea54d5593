/** What a user may do: read once, kept in memory, dropped when the database says that it changed. */
import type { Pool } from "pg";
import type { Listener } from "../db/listener.ts";
import { named } from "../db/statement-names.ts";

export type Grants = { roles: readonly string[]; permissions: ReadonlySet<string> };

export type GrantStore = {
  of(userId: string): Promise<Grants>;
  /** Drops what is known of a user; without an id, of everybody. */
  forget(userId?: string): void;
  watch(listener: Pick<Listener, "healthy">): void;
};

/** Some 300 bytes each: bounded, so that a long run over many users does not grow for ever. */
const REMEMBERED_USERS = 20_000;

const GRANTS_OF_USER = named(`
      SELECT roles.name, ARRAY(SELECT permission_key::text FROM role_permissions WHERE role_id = roles.id) AS permissions
      FROM user_roles JOIN roles ON roles.id = user_roles.role_id
      WHERE user_roles.user_id = $1
      ORDER BY roles.name`);

export function createGrantStore(pool: Pick<Pool, "query">): GrantStore {
  const known = new Map<string, Grants>();
  let listener: Pick<Listener, "healthy"> = { healthy: false };
  let generation = 0;

  return {
    async of(userId) {
      const found = listener.healthy ? known.get(userId) : undefined;
      if (found) return found;

      const before = generation;
      const grants = await readGrants(pool, userId);
      // A change that came while the query ran may not be in its answer: use it for this request, but do not keep it.
      if (generation === before && listener.healthy) {
        if (known.size >= REMEMBERED_USERS) known.delete(known.keys().next().value ?? "");
        known.set(userId, grants);
      }
      return grants;
    },
    forget(userId) {
      generation += 1;
      if (userId === undefined) known.clear();
      else known.delete(userId);
    },
    watch(source) {
      listener = source;
    },
  };
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
