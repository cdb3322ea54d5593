/** What a user may do, and with which account: read once, kept in memory, dropped when the database says that it changed. */
import type { Pool } from "pg";
import { type Cache, createCache } from "../db/cache.ts";
import { named } from "../db/statement-names.ts";
import { createRecent } from "../recent.ts";

export type Grants = {
  roles: readonly string[];
  permissions: ReadonlySet<string>;
  /** What the user logs in with; null for a machine, and for nobody. */
  accountId: string | null;
};

export type GrantStore = {
  /** By user id. */
  of: Cache<Grants>["get"];
  known: Cache<Grants>["known"];
  /** The permissions that applications have. What is held is among them, so few ask. */
  declared(): Promise<ReadonlySet<string>>;
} & Pick<Cache<Grants>, "forget" | "watch">;

/** Some 300 bytes each: bounded, so that a long run over many users does not grow for ever. */
const REMEMBERED_USERS = 20_000;
/** Of some 20 bytes a permission: most users hold what many others hold. */
const REMEMBERED_SETS = 1000;

const GRANTS_OF_USER = named(`
      SELECT users.account_id AS "accountId", roles.name,
        ARRAY(SELECT permission_key::text FROM role_permissions WHERE role_id = roles.id) AS permissions
      FROM users LEFT JOIN user_roles ON user_roles.user_id = users.id LEFT JOIN roles ON roles.id = user_roles.role_id
      WHERE users.id = $1
      ORDER BY roles.name`);

const DECLARED = named("SELECT key::text FROM permissions WHERE key LIKE '%:%:%'");

export function createGrantStore(pool: Pick<Pool, "query">): GrantStore {
  const share = createSharing();
  const users = createCache(REMEMBERED_USERS, (id) => readGrants(pool, id, share));
  const declared = createCache(1, () => readDeclared(pool));
  return {
    of: users.get,
    known: users.known,
    declared: () => declared.get("all"),
    forget(userId) {
      users.forget(userId);
      // No user has anything to do with it, and whoever changes it tells of all.
      if (userId === undefined) declared.forget();
    },
    watch(listener) {
      users.watch(listener);
      declared.watch(listener);
    },
  };
}

async function readDeclared(pool: Pick<Pool, "query">): Promise<ReadonlySet<string>> {
  const { rows } = await pool.query<{ key: string }>({ ...DECLARED, values: [] });
  return new Set(rows.map(({ key }) => key));
}

type Sharing = (permissions: readonly string[]) => ReadonlySet<string>;

/** One set for all users who hold the same: with hundreds of permissions each set is larger than all else of a user. */
function createSharing(): Sharing {
  const sets = createRecent<ReadonlySet<string>>(REMEMBERED_SETS);
  return function share(permissions) {
    const sorted = [...new Set(permissions)].sort();
    const name = sorted.join(" ");
    const set = sets.get(name) ?? new Set(sorted);
    sets.set(name, set);
    return set;
  };
}

async function readGrants(
  pool: Pick<Pool, "query">,
  userId: string,
  share: Sharing,
): Promise<Grants> {
  const { rows } = await pool.query<{
    accountId: string | null;
    name: string | null;
    permissions: string[];
  }>({ ...GRANTS_OF_USER, values: [userId] });
  return {
    roles: rows.flatMap(({ name }) => name ?? []),
    permissions: share(rows.flatMap((row) => row.permissions)),
    accountId: rows[0]?.accountId ?? null,
  };
}
