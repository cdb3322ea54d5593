/**
 * Whether the database has room to write. A statement that changes no row needs none, and a probe that wrote each time would
 * be a load of its own: so it is found by what fails, and only then tried.
 */
import type { Pool } from "pg";
import { codeOf } from "../db/failures.ts";

export type RoomWatch = {
  /** Called with the SQLSTATE of every error, and the file of PostgreSQL's source that tells of it. */
  heard(code: string | undefined, file?: string): void;
  /** @throws what the database says to the trial, where it is about something else than room. */
  isFull(pool: Pick<Pool, "query">): Promise<boolean>;
};

const NO_ROOM = "53100";
const NO_PRIVILEGE = "42501";
/** Where workers of one query share memory: a container's /dev/shm is small, and full of no more than that query. */
const SHARED_MEMORY = "dsm_impl.c";
/** So long after a statement has failed nothing is tried: what fails may lie on another disk than what is tried. */
const QUIET_MILLIS = 5000;

/**
 * Takes pages that nobody has yet, and is gone with its end. Not where an operator has put temporary files, which is another
 * disk than that of the tables.
 */
const TRIAL = `
  SET LOCAL temp_tablespaces = '';
  CREATE TEMPORARY TABLE room ON COMMIT DROP AS SELECT repeat('x', 1000) AS page FROM generate_series(1, 200)`;

export function watchRoom(quietMillis = QUIET_MILLIS): RoomWatch {
  let failedAt: number | null = null;
  return {
    heard(code, file) {
      if (code === NO_ROOM && file !== SHARED_MEMORY) failedAt = performance.now();
    },
    async isFull(pool) {
      const now = performance.now();
      if (failedAt === null) return false;
      if (now - failedAt < quietMillis) return true;
      // One trial for all who ask while it is under way.
      failedAt = now;
      try {
        await pool.query(TRIAL);
      } catch (err) {
        const code = codeOf(err);
        if (code === NO_ROOM) return true;
        // Where the login may not try it, that nothing has failed since has to do.
        if (code !== NO_PRIVILEGE) throw err;
      }
      if (failedAt === now) failedAt = null;
      return failedAt !== null;
    },
  };
}
