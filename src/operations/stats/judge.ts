/** What of the numbers is worth a look, and since when. */

import type { Index, Stats } from "./read.ts";
import { SLOW_MILLIS } from "./statements.ts";

const MINUTE = 60;
const DAY_MILLIS = 86_400_000;
const GIB = 1024 ** 3;

export const THRESHOLDS = {
  /** Of max_connections. */
  connections: 0.8,
  waitSeconds: 5,
  transactionSeconds: 5 * MINUTE,
  deadShare: 0.2,
  /** Of fewer rows autovacuum rightly waits. */
  rows: 10_000,
  hitShare: 0.95,
  /** Of fewer pages that were looked for a share says little. */
  pages: 1_000_000,
  lagSeconds: MINUTE,
  lagBytes: GIB,
  transactionAge: 1_000_000_000,
  /** A shorter time does not show that nobody needs an index: some work is done once a week. */
  unusedDays: 7,
  calls: 10,
} as const;

export type Finding = { what: string; advice: string };

/** Since `since` an index has this many scans. */
export type Use = { since: string; indexes: (Index & { scansSince: number })[] };

/** @param earlier what was read before, if somebody kept it. */
export function useSince(stats: Stats, earlier: Stats | null): Use {
  const counted = stats.database.countedSince;
  // Where the counters began anew in between, the earlier ones are of another count.
  if (!earlier || counted > earlier.at)
    return {
      since: counted,
      indexes: stats.indexes.map((index) => ({ ...index, scansSince: index.scans })),
    };
  const before = new Map(earlier.indexes.map(({ name, scans }) => [name, scans]));
  return {
    since: earlier.at,
    indexes: stats.indexes.map((index) => ({
      ...index,
      scansSince: Math.max(0, index.scans - (before.get(index.name) ?? 0)),
    })),
  };
}

export function unusedIndexes({ indexes }: Use): Use["indexes"] {
  return indexes
    .filter(({ scansSince, isRule }) => scansSince === 0 && !isRule)
    .toSorted((a, b) => b.bytes - a.bytes);
}

export function judge(stats: Stats, use: Use): Finding[] {
  return [...ofServer(stats), ...ofRows(stats), ...ofStatements(stats), ...ofIndexes(stats, use)];
}

function* ofServer(stats: Stats): Generator<Finding> {
  const { server, waits, transactions, replicas, slots, database } = stats;
  if (server.used > server.most * THRESHOLDS.connections)
    yield {
      what: `${server.used} of ${server.most} connections are in use`,
      advice: "a smaller DATABASE_POOL_SIZE, fewer instances, or a pooler",
    };
  for (const { waiting, holding, seconds, holdingState } of waits)
    if (seconds > THRESHOLDS.waitSeconds)
      yield {
        what: `process ${waiting} has waited ${Math.round(seconds)} s for ${holding}, which is ${holdingState || "there"}`,
        advice: `see who ${holding} is below; SELECT pg_terminate_backend(${holding}) ends it`,
      };
  const [oldest] = transactions;
  if (oldest && oldest.seconds > THRESHOLDS.transactionSeconds)
    yield {
      what: `the oldest transaction, process ${oldest.pid} of ${oldest.application}, has lasted ${Math.round(oldest.seconds)} s`,
      advice: "no row that died since then can be cleared away: end it, or find out what it is for",
    };
  for (const { name, seconds, bytes } of replicas)
    if ((seconds ?? 0) > THRESHOLDS.lagSeconds || (bytes ?? 0) > THRESHOLDS.lagBytes)
      yield {
        what: `the replica ${name} is ${Math.round(seconds ?? 0)} s behind`,
        advice: "look at its load, its network and its log",
      };
  for (const { name, active, bytes } of slots)
    if (!active && (bytes ?? 0) > THRESHOLDS.lagBytes)
      yield {
        what: `the replication slot ${name} is not in use and keeps ${Math.round((bytes ?? 0) / GIB)} GB of the log`,
        advice: `SELECT pg_drop_replication_slot('${name}'), or the disk fills up`,
      };
  if (database.transactionAge > THRESHOLDS.transactionAge)
    yield {
      what: `the oldest row is ${Math.round(database.transactionAge / 1e6)} million transactions old`,
      advice: "autovacuum does not come through: look for old transactions and slots, then VACUUM",
    };
}

function* ofRows({ tables, database: { hits, reads } }: Stats): Generator<Finding> {
  for (const { name, rows, dead, changes } of tables) {
    if (dead > THRESHOLDS.rows && dead > (rows + dead) * THRESHOLDS.deadShare)
      yield {
        what: `${name} has ${dead} dead rows beside ${rows} live ones`,
        advice: `VACUUM ${name}; if it does not help, an old transaction holds them`,
      };
    if (changes > THRESHOLDS.rows && changes > rows / 2)
      yield {
        what: `the planner does not know ${changes} changes of ${name}`,
        advice: `ANALYZE ${name}`,
      };
  }
  if (hits + reads > THRESHOLDS.pages && hits < (hits + reads) * THRESHOLDS.hitShare)
    yield {
      what: `${((100 * hits) / (hits + reads)).toFixed(1)} % of the pages were found in memory`,
      advice: "more shared_buffers, a quarter of the memory, or a statement that reads too much",
    };
}

function* ofStatements({ statements }: Stats): Generator<Finding> {
  if (!statements.kept) return;
  const slow = statements.slow.filter(({ calls }) => calls >= THRESHOLDS.calls);
  if (slow.length > 0)
    yield {
      what: `${slow.length} kinds of statements take more than ${SLOW_MILLIS} ms on average`,
      advice: "EXPLAIN (ANALYZE, BUFFERS), or bun run db:performance",
    };
}

function* ofIndexes({ at }: Stats, use: Use): Generator<Finding> {
  for (const { name, isValid } of use.indexes)
    if (!isValid) yield { what: `the index ${name} is not valid`, advice: `REINDEX INDEX ${name}` };
  const days = (Date.parse(at) - Date.parse(use.since)) / DAY_MILLIS;
  if (days < THRESHOLDS.unusedDays) return;
  const unused = unusedIndexes(use);
  if (unused.length > 0)
    yield {
      what: `${unused.length} indexes were not used in ${Math.floor(days)} days: ${unused
        .slice(0, 3)
        .map(({ name }) => name)
        .join(", ")}${unused.length > 3 ? " …" : ""}`,
      advice: "each costs every write; the product's own go with a migration, or not at all",
    };
}
