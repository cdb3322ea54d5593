/**
 * Which sessions have ended while access tokens of theirs may still be out, and as which users others speak no more. An
 * entry is the id of a session, or that and the user's with a space between, as the triggers of
 * migrations-sql/080_notifications.sql say it.
 */
import type { Pool } from "pg";
import type { Listener } from "../db/listener.ts";
import { named } from "../db/statement-names.ts";

export type Revocations = {
  /** Answers from memory while the listener is healthy, else from the database. */
  isRevoked(sessionId: string, userId: string): boolean | Promise<boolean>;
  /** From memory alone: undefined where the database is to be asked. */
  known(sessionId: string, userId: string): boolean | undefined;
  /** Remembers sessions that ended, and what `asUser` makes of those that go on. */
  add(ended: Iterable<string>): void;
  /** Reads every session that ended lately: what was missed while the listener was away. */
  resync(): Promise<void>;
  watch(listener: Pick<Listener, "healthy">): void;
};

const IS_LIVE = named(`
  SELECT FROM sessions JOIN session_users ON session_users.session_id = sessions.id
  WHERE sessions.id = $1 AND session_users.user_id = $2 AND sessions.revoked_at IS NULL AND session_users.revoked_at IS NULL`);

const ENDED_LATELY = `
  SELECT id::text AS ended FROM sessions WHERE revoked_at > now() - make_interval(secs => $1)
  UNION ALL
  SELECT session_id || ' ' || user_id FROM session_users WHERE revoked_at > now() - make_interval(secs => $1)`;

/** The clocks of instances and database may differ by this much. */
export const CLOCK_SKEW_SECONDS = 60;

/** The entry of a session that speaks for this user no more. */
export function asUser(sessionId: string, userId: string): string {
  return `${sessionId} ${userId}`;
}

/** @param accessTokenTtlSeconds how long an ended session matters: after that its last access token has expired. */
export function createRevocations(
  pool: Pick<Pool, "query">,
  accessTokenTtlSeconds: number,
): Revocations {
  const rememberedSeconds = accessTokenTtlSeconds + CLOCK_SKEW_SECONDS;
  /** Entry → when it can be forgotten, in milliseconds since 1970. In order of insertion, so of time. */
  const ended = new Map<string, number>();
  let listener: Pick<Listener, "healthy"> = { healthy: false };

  function add(entries: Iterable<string>): void {
    const now = Date.now();
    for (const [entry, until] of ended) {
      if (until > now) break;
      ended.delete(entry);
    }
    for (const entry of entries) ended.set(entry, now + rememberedSeconds * 1000);
  }

  async function isRevokedInDatabase(sessionId: string, userId: string): Promise<boolean> {
    const { rowCount } = await pool.query({ ...IS_LIVE, values: [sessionId, userId] });
    return rowCount === 0;
  }

  function known(sessionId: string, userId: string): boolean | undefined {
    if (ended.has(sessionId) || ended.has(asUser(sessionId, userId))) return true;
    return listener.healthy ? false : undefined;
  }

  return {
    isRevoked(sessionId, userId) {
      return known(sessionId, userId) ?? isRevokedInDatabase(sessionId, userId);
    },
    known,
    add,
    async resync() {
      const { rows } = await pool.query<{ ended: string }>(ENDED_LATELY, [rememberedSeconds]);
      add(rows.map((row) => row.ended));
    },
    watch(source) {
      listener = source;
    },
  };
}
