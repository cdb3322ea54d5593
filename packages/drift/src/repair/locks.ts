/**
 * Takes the locks of a repair on tables all at once, before its first statement. Taken one by one as the statements come, they
 * would stand crosswise to those of the traffic: PostgreSQL ends that by failing somebody's transaction, and not always ours.
 */
import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import { isLockTimeout } from "../database/held-locks.ts";
import type { Step } from "./plan.ts";
import { inTransaction, type Reader } from "./trial.ts";

/** A table, as SQL names it, and the strongest of its locks. */
export type TableLock = { table: string; mode: string };

/** Weaker ones nobody waits for, or a repair takes them anyway to hold its tables still. The strongest last. */
const MODES = ["ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"];

/** LOCK TABLE knows no others. */
const TABLES = `
SELECT oid::text AS oid, oid::regclass::text AS name FROM pg_class WHERE relkind IN ('r', 'p') AND oid >= 16384`;
/** It wants a right that not every statement wants, such as one that adds a key to another's table. */
const LOCKABLE = `
SELECT name FROM unnest($1::text[]) AS name WHERE has_table_privilege(to_regclass(name), 'UPDATE, DELETE, TRUNCATE')`;
const HELD = `
SELECT relation::text AS oid, mode FROM pg_locks
WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted AND mode = ANY ($1)`;

/** What the steps lock of the tables that were there before them. The scratch database is left as it was; none where a step fails. */
export async function locksOf(
  scratch: pg.Client,
  reader: Reader,
  steps: Step[],
): Promise<TableLock[]> {
  return inTransaction(scratch, reader, async (trial) => {
    type Table = { oid: string; name: string };
    const { rows: tables } = await scratch.query<Table>(TABLES);
    try {
      for (const { sql } of steps) await trial.run(sql);
    } catch {
      return [];
    }
    const { rows } = await scratch.query<{ oid: string; mode: string }>(HELD, [MODES]);
    return tables.flatMap(({ oid, name }) => {
      const modes = rows.filter((row) => row.oid === oid).map(({ mode }) => MODES.indexOf(mode));
      const strongest = MODES[Math.max(-1, ...modes)];
      return strongest === undefined ? [] : [{ table: name, mode: words(strongest) }];
    });
  });
}

const PATIENCE_MS = 10_000;

/**
 * To be called in the transaction that will run the steps. For its first lock it waits while it has none that rows wait for.
 * Where another one does not come soon enough for PostgreSQL not to look for a deadlock, all are given back, and that one is the
 * first to be waited for.
 * @throws what PostgreSQL says when that leads nowhere for 10 s.
 */
export async function lockTables(
  client: pg.Client,
  locks: TableLock[],
  signal: AbortSignal,
): Promise<void> {
  const soon = await shortWait(client);
  const names = locks.map(({ table }) => table);
  const { rows } = await client.query<{ name: string }>(LOCKABLE, [names]);
  const mine = new Set(rows.map(({ name }) => name));
  const deadline = Date.now() + PATIENCE_MS;
  for (let order = locks.filter(({ table }) => mine.has(table)); order.length > 0; ) {
    signal.throwIfAborted();
    await client.query("SAVEPOINT locks");
    const missed = await missedOf(client, order, deadline, soon);
    if (missed === null) break;
    await client.query("ROLLBACK TO locks");
    if (Date.now() >= deadline) throw missed.error;
    order = [missed.lock, ...order.filter((lock) => lock !== missed.lock)];
    await setTimeout(Math.random() * soon); // Those who wait for us come first.
  }
  await client.query("SET LOCAL lock_timeout = '10s'");
}

/** The lock that did not come in time, or null. */
async function missedOf(
  client: pg.Client,
  locks: TableLock[],
  deadline: number,
  soon: number,
): Promise<{ lock: TableLock; error: unknown } | null> {
  let end = deadline;
  for (const lock of locks) {
    const wait = Math.max(1, Math.round(end - Date.now()));
    try {
      await client.query(
        `SET LOCAL lock_timeout = ${wait}; LOCK TABLE ONLY ${lock.table} IN ${lock.mode} MODE`,
      );
    } catch (error) {
      if (isLockTimeout(error)) return { lock, error };
      throw error;
    }
    if (end === deadline) end = Math.min(deadline, Date.now() + soon);
  }
  return null;
}

/** In milliseconds: half of the time after which those who wait for us look for a deadlock. */
async function shortWait(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ ms: number }>(
    "SELECT setting::int / 2 AS ms FROM pg_settings WHERE name = 'deadlock_timeout'",
  );
  return rows[0]?.ms ?? 500;
}

/** `ShareRowExclusiveLock` as a statement has it. */
function words(mode: string): string {
  return mode
    .replace(/Lock$/, "")
    .replace(/(?<=[a-z])(?=[A-Z])/g, " ")
    .toUpperCase();
}
