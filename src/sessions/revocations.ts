/** Which sessions have ended while access tokens of theirs may still be out. */
import type { Pool } from "pg";
import type { Listener } from "../db/listener.ts";
import { named } from "../db/statement-names.ts";

export type Revocations = {
  /** Answers from memory while the listener is healthy, else from the database. */
  isRevoked(sessionId: string): boolean | Promise<boolean>;
  /** Remembers sessions that ended. */
  add(sessionIds: Iterable<string>): void;
  /** Reads every session that ended lately: what was missed while the listener was away. */
  resync(): Promise<void>;
  watch(listener: Pick<Listener, "healthy">): void;
};

const IS_LIVE = named("SELECT FROM sessions WHERE id = $1 AND revoked_at IS NULL");

/** The clocks of instances and database may differ by this much. */
export const CLOCK_SKEW_SECONDS = 60;

/** @param accessTokenTtlSeconds how long an ended session matters: after that its last access token has expired. */
export function createRevocations(
  pool: Pick<Pool, "query">,
  accessTokenTtlSeconds: number,
): Revocations {
  const rememberedSeconds = accessTokenTtlSeconds + CLOCK_SKEW_SECONDS;
  /** Session id → when it can be forgotten, in milliseconds since 1970. In order of insertion, so of time. */
  const ended = new Map<string, number>();
  let listener: Pick<Listener, "healthy"> = { healthy: false };

  function add(sessionIds: Iterable<string>): void {
    const now = Date.now();
    for (const [id, until] of ended) {
      if (until > now) break;
      ended.delete(id);
    }
    for (const id of sessionIds) ended.set(id, now + rememberedSeconds * 1000);
  }

  async function isRevokedInDatabase(sessionId: string): Promise<boolean> {
    const { rowCount } = await pool.query({
      ...IS_LIVE,
      values: [sessionId],
    });
    return rowCount === 0;
  }

  return {
    isRevoked(sessionId) {
      if (ended.has(sessionId)) return true;
      return listener.healthy ? false : isRevokedInDatabase(sessionId);
    },
    add,
    async resync() {
      const { rows } = await pool.query<{ id: string }>(
        "SELECT id FROM sessions WHERE revoked_at > now() - make_interval(secs => $1)",
        [rememberedSeconds],
      );
      add(rows.map((row) => row.id));
    },
    watch(source) {
      listener = source;
    },
  };
}
