/** What has no use any more is deleted, in small steps: nobody waits long for a row, and no transaction grows old. */
import type { Context } from "../context.ts";

const BATCH = 1000;

/** Each finds at most $1 rows by an index. Ids are UUIDv7, so sessions that began before a time are a range of ids. */
export const CLEAN_UPS = {
  one_time_tokens: `
    DELETE FROM one_time_tokens WHERE id = ANY (ARRAY(
      SELECT id FROM one_time_tokens WHERE expires_at < now() - interval '1 day'
      ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))`,
  refresh_tokens: `
    DELETE FROM refresh_tokens WHERE id = ANY (ARRAY(
      SELECT id FROM refresh_tokens WHERE expires_at < now()
      ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))`,
  sessions_expired: `
    DELETE FROM sessions WHERE id = ANY (ARRAY(
      SELECT id FROM sessions WHERE expires_at < now() - interval '90 days'
      ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))`,
  sessions_revoked: `
    DELETE FROM sessions WHERE id = ANY (ARRAY(
      SELECT id FROM sessions WHERE revoked_at < now() - interval '90 days'
      ORDER BY revoked_at LIMIT $1 FOR UPDATE SKIP LOCKED))`,
  sessions_idle: `
    DELETE FROM sessions WHERE id = ANY (ARRAY(
      SELECT id FROM sessions
      WHERE id < rpad(lpad(to_hex(floor(extract(epoch FROM now() - interval '90 days') * 1000)::bigint), 12, '0'), 32, '0')::uuid
        AND idle_expires_at < now() - interval '90 days'
      ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED))`,
  invitations: `
    DELETE FROM invitations WHERE id = ANY (ARRAY(
      SELECT id FROM invitations WHERE expires_at < now() - interval '90 days'
      ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))`,
  rate_limits: `
    DELETE FROM rate_limits WHERE key = ANY (ARRAY(
      SELECT key FROM rate_limits WHERE expire < extract(epoch FROM now()) * 1000
      ORDER BY expire LIMIT $1 FOR UPDATE SKIP LOCKED))`,
  idempotency_keys: `
    DELETE FROM idempotency_keys WHERE id = ANY (ARRAY(
      SELECT id FROM idempotency_keys WHERE expires_at < now()
      ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))`,
} as const;

/** The handler of the queue `clean_up`. Broken off, it goes on where it was when it runs again. */
export async function cleanUp({ pool, log }: Pick<Context, "pool" | "log">): Promise<void> {
  const deleted: Record<string, number> = {};
  for (const [name, statement] of Object.entries(CLEAN_UPS)) {
    deleted[name] = 0;
    for (let count = BATCH; count === BATCH; ) {
      count = (await pool.query(statement, [BATCH])).rowCount ?? 0;
      deleted[name] += count;
    }
  }
  log("info", "cleaned up", deleted);
}
