/** How far the primary has written, and how far a replica has replayed: positions in the write-ahead log. */
import type { Pool } from "pg";

export type Position = { bytes: bigint; timeline: number; system: string };
/** Null where there is no replica, or none any more: it was made the primary. */
export type Replayed = Position | null;

type Row = { bytes: string | null; timeline: number; system: string; follows: boolean };

const IDENTITY = "(SELECT system_identifier FROM pg_control_system())::text AS system";

/**
 * Behind all that was acknowledged before it is asked: a commit is answered once it is flushed, and where
 * `synchronous_commit` is off once it is written. The first eight digits of a file of the log are its timeline.
 */
const WRITTEN = `
  SELECT pg_wal_lsn_diff(lsn, '0/0')::text AS bytes,
    ('x' || left(pg_walfile_name(lsn), 8))::bit(32)::int AS timeline, ${IDENTITY}, true AS follows
  FROM (SELECT CASE current_setting('synchronous_commit')
    WHEN 'off' THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn() END) AS written (lsn)`;

/** The timeline is that of the last checkpoint which it has replayed: perhaps the one before, and never a later one. */
const REPLAYED = `
  SELECT pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::text AS bytes,
    (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline, ${IDENTITY}, pg_is_in_recovery() AS follows`;

export async function writtenBy(primary: Pick<Pool, "query">): Promise<Position> {
  return toPosition(await primary.query<Row>(WRITTEN));
}

export async function replayedBy(replica: Pick<Pool, "query">): Promise<Replayed> {
  const answer = await replica.query<Row>(REPLAYED);
  const { follows = false, bytes = null } = answer.rows[0] ?? {};
  return follows && bytes !== null ? toPosition(answer) : null;
}

/** Whether all of it is there, at a replica that has no fault. */
export function covers(replayed: Replayed, written: Position): boolean {
  return replayed !== null && replayed.bytes >= written.bytes;
}

/**
 * Why its position means nothing, in words; null when it does. After a failover a replica may have got further on the old
 * timeline than the new primary is on its own.
 */
export function faultOfReplica(replayed: Replayed, written: Position): string | null {
  if (replayed === null) return "it is no replica";
  if (replayed.system !== written.system) return "it follows another primary";
  return replayed.timeline === written.timeline ? null : "it is on another timeline";
}

function toPosition({ rows: [row] }: { rows: Row[] }): Position {
  if (!row) throw new Error("the database does not say how far it is");
  return { bytes: BigInt(row.bytes ?? 0), timeline: row.timeline, system: row.system };
}
