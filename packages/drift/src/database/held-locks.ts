/** Who is in the way of a check or of a repair, for the person who has to wait for them. */
import type pg from "pg";
import { codeOf } from "../model/errors.ts";

/** SQLSTATE of a lock that was waited for in vain. */
const LOCK_TIMEOUT = "55P03";

/** The longest transaction that holds a lock on something of the database, those that let nobody else near it first. */
const HOLDERS = `
SELECT l.pid, coalesce(a.usename::text, '?') AS login, l.relation::regclass::text AS relation,
  extract(epoch FROM clock_timestamp() - a.xact_start)::int AS seconds
FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid JOIN pg_catalog.pg_class c ON c.oid = l.relation
WHERE l.granted AND l.locktype = 'relation' AND l.relation >= 16384 AND a.datname = current_database() AND l.pid <> pg_backend_pid()
ORDER BY l.mode = 'AccessExclusiveLock' DESC, l.mode LIKE '%Share%Exclusive%' OR l.mode IN ('ShareLock', 'ExclusiveLock') DESC, a.xact_start
LIMIT 1`;

type Holder = { pid: number; login: string; relation: string | null; seconds: number | null };

export function isLockTimeout(error: unknown): boolean {
  return codeOf(error) === LOCK_TIMEOUT;
}

/** A sentence about who holds what, and what to do. To be called when the transaction that has waited has ended. */
export async function lockHolder(client: pg.Client): Promise<string> {
  const found = await client.query<Holder>(HOLDERS).catch(() => null);
  const holder = found?.rows[0];
  const who = holder
    ? ` Process ${holder.pid} of ${holder.login} has one on ${holder.relation}${holder.seconds === null ? "" : `, in a transaction of ${holder.seconds} s`}.`
    : "";
  return `Another session has held a lock in the way for longer than 10 s.${who} Try again when it has ended.`;
}
