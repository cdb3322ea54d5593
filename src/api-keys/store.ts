/** Which machine is behind a key: read once, kept in memory, dropped when the database says that it changed. */
import type { Pool } from "pg";
import { isApiKey } from "../crypto/api-key.ts";
import { hashToken } from "../crypto/secret.ts";
import { type Cache, createCache } from "../db/cache.ts";
import { LIVE_ACCOUNT_SQL } from "../db/live.ts";
import { named } from "../db/statement-names.ts";
import type { Log } from "../log.ts";
import type { Principal } from "../principal.ts";
import { createRecent } from "../recent.ts";
import type { GrantStore } from "../roles/grants.ts";

export type ApiKeyStore = {
  /**
   * Who calls with this key: its user, within its scopes. Null whatever is wrong with it: malformed, unknown, revoked,
   * expired, or its user or their tenant is not active.
   */
  principalOf(key: string): Promise<Principal | null>;
  /** Whether the key with this id, found before, would still be taken: for work that lasts. It asks the database. */
  isLive(id: string): Promise<boolean>;
} & Pick<Cache<unknown>, "forget" | "watch">;

type LiveKey = {
  id: string;
  userId: string;
  tenantId: string | null;
  scopes: string[];
  /** Milliseconds since 1970; Infinity for a key that does not expire. */
  expiresAt: number;
  /** Made of `granted`, and made again when the user's grants are other ones. */
  principal: Principal | null;
  granted: ReadonlySet<string> | null;
};

/** Some 500 bytes each. Only keys that exist are kept: made-up ones cost a query each, and no memory. */
const REMEMBERED_KEYS = 20_000;
/** A second more than the minute of the statement: two clocks that differ by a hair would make it two minutes. */
const USED_EVERY_MILLIS = 61_000;

const LIVE_KEYS = `
  api_keys
    JOIN users ON users.id = api_keys.user_id AND users.tenant_id IS NOT DISTINCT FROM api_keys.tenant_id
    LEFT JOIN tenants ON tenants.id = users.tenant_id
  WHERE api_keys.revoked_at IS NULL AND (api_keys.expires_at IS NULL OR api_keys.expires_at > now())
    AND ${LIVE_ACCOUNT_SQL}`;

const LIVE_KEY = named(`
  SELECT api_keys.id, api_keys.user_id AS "userId", api_keys.tenant_id AS "tenantId",
    api_keys.scopes::text[] AS scopes, api_keys.expires_at AS "expiresAt"
  FROM ${LIVE_KEYS} AND api_keys.key_hash = $1`);
const IS_LIVE = named(`SELECT FROM ${LIVE_KEYS} AND api_keys.id = $1`);

const MARK_USED = named(`
          UPDATE api_keys SET last_used_at = now()
          WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')`);

/** @param limit how many keys are remembered. */
export function createApiKeyStore(
  pool: Pick<Pool, "query">,
  grants: GrantStore,
  log: Log,
  limit = REMEMBERED_KEYS,
): ApiKeyStore {
  /** By hash, so that no dump of memory holds keys that somebody could use. */
  const keys = createCache(limit, (hash) => readLiveKey(pool, hash));
  /** The ids of keys whose last use was written down lately. */
  const used = createRecent<true>(limit, USED_EVERY_MILLIS);

  /** Not awaited: when a key was last used is worth no caller's time, and no failed request. */
  function markUsed(id: string): void {
    if (used.has(id)) return;
    used.set(id, true);
    pool
      .query({
        ...MARK_USED,
        values: [id],
      })
      .catch((err) =>
        log("warn", "the use of an API key is not noted", { apiKeyId: id, error: String(err) }),
      );
  }

  return {
    async principalOf(key) {
      if (!isApiKey(key)) return null;
      const live = await keys.get(hashToken(key).toString("base64"));
      if (!live || live.expiresAt <= Date.now()) return null;
      markUsed(live.id);
      const { permissions } = await grants.of(live.userId);
      if (live.principal === null || live.granted !== permissions) {
        live.granted = permissions;
        live.principal = toPrincipal(live, permissions);
      }
      return live.principal;
    },
    async isLive(id) {
      const { rowCount } = await pool.query({ ...IS_LIVE, values: [id] });
      return rowCount === 1;
    },
    forget: keys.forget,
    watch: keys.watch,
  };
}

/**
 * Found by the SHA-256 of the whole key. An index does not compare in constant time, and need not: its timing could tell
 * of hashes at most, and from a hash no way leads back to 256 random bits.
 */
async function readLiveKey(pool: Pick<Pool, "query">, hash: string): Promise<LiveKey | null> {
  type Row = Pick<LiveKey, "id" | "userId" | "tenantId" | "scopes"> & { expiresAt: Date | null };
  const { rows } = await pool.query<Row>({
    ...LIVE_KEY,
    values: [Buffer.from(hash, "base64")],
  });
  const [row] = rows;
  if (!row) return null;
  const expiresAt = row.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
  return { ...row, expiresAt, principal: null, granted: null };
}

/** The grants of the user, within the scopes of the key. No roles: they promise more than a key may do. */
function toPrincipal(
  { id, userId, tenantId, scopes }: LiveKey,
  granted: ReadonlySet<string>,
): Principal {
  return {
    userId,
    tenantId,
    accountId: null,
    sessionId: null,
    apiKeyId: id,
    impersonatorId: null,
    amr: [],
    // Never: a key proves nothing about a person.
    authenticatedAt: 0,
    roles: [],
    permissions: new Set(scopes.filter((scope) => granted.has(scope))),
  };
}
