/** What PostgreSQL knows of itself. Months of the audit log are one table here, and their indexes one index. */

export const DATABASE = `
  SELECT d.datname AS name, current_setting('server_version') AS version, pg_database_size(d.oid)::float8 AS bytes,
    coalesce(s.stats_reset, pg_postmaster_start_time()) AS "countedSince", age(pg_database.datfrozenxid)::float8 AS "transactionAge",
    s.blks_hit::float8 AS hits, s.blks_read::float8 AS reads, s.deadlocks::float8 AS deadlocks, s.temp_bytes::float8 AS "temporaryBytes",
    pg_is_in_recovery() AS "isStandby", pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS "seesAll"
  FROM pg_stat_database AS s JOIN pg_database AS d ON d.oid = s.datid JOIN pg_database USING (oid)
  WHERE d.datname = current_database()`;

/** To ask for a size takes a lock: of what is locked PostgreSQL's last estimate stands in, or the answer would wait too. */
const LOCKED =
  "locked AS MATERIALIZED (SELECT relation FROM pg_locks WHERE mode = 'AccessExclusiveLock')";
const sizeOf = (relation: string, size: string) =>
  `CASE WHEN ${relation} IN (SELECT relation FROM locked) THEN part.relpages::float8 * 8192 ELSE ${size} END`;

/** A crash and a restore begin the count anew at nothing; the planner's own estimate outlives them. */
const ROWS = `CASE WHEN coalesce(s.last_analyze, s.last_autoanalyze) IS NULL THEN greatest(s.n_live_tup, part.reltuples, 0)
  ELSE s.n_live_tup END`;

export const TABLES = `
  WITH ${LOCKED}
  SELECT n.nspname || '.' || c.relname AS name, count(*) FILTER (WHERE part.relkind <> 'p')::float8 AS parts,
    sum(${ROWS})::float8 AS rows, sum(s.n_dead_tup)::float8 AS dead, sum(${sizeOf("s.relid", "pg_total_relation_size(s.relid)")})::float8 AS bytes,
    sum(s.n_mod_since_analyze)::float8 AS changes, max(greatest(s.last_analyze, s.last_autoanalyze)) AS analyzed,
    max(greatest(s.last_vacuum, s.last_autovacuum)) AS vacuumed,
    sum(coalesce(io.heap_blks_hit, 0) + coalesce(io.idx_blks_hit, 0))::float8 AS hits,
    sum(coalesce(io.heap_blks_read, 0) + coalesce(io.idx_blks_read, 0))::float8 AS reads
  FROM pg_stat_user_tables AS s JOIN pg_class AS part ON part.oid = s.relid LEFT JOIN pg_statio_user_tables AS io USING (relid)
    JOIN pg_class AS c ON c.oid = coalesce(pg_partition_root(s.relid), s.relid) JOIN pg_namespace AS n ON n.oid = c.relnamespace
  GROUP BY n.nspname, c.relname ORDER BY bytes DESC, name`;

export const INDEXES = `
  WITH ${LOCKED}
  SELECT n.nspname || '.' || c.relname AS name, t.relname AS table, sum(s.idx_scan)::float8 AS scans,
    sum(${sizeOf("s.relid", "pg_relation_size(s.indexrelid)")})::float8 AS bytes, bool_and(i.indisvalid) AS "isValid",
    bool_or(i.indisunique OR EXISTS (SELECT FROM pg_constraint WHERE conindid = s.indexrelid)) AS "isRule"
  FROM pg_stat_user_indexes AS s JOIN pg_index AS i USING (indexrelid) JOIN pg_class AS part ON part.oid = s.indexrelid
    JOIN pg_class AS c ON c.oid = coalesce(pg_partition_root(s.indexrelid), s.indexrelid) JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_class AS t ON t.oid = coalesce(pg_partition_root(s.relid), s.relid)
  GROUP BY n.nspname, c.relname, t.relname ORDER BY scans DESC, name`;

const CLIENTS = "backend_type = 'client backend' AND pid <> pg_backend_pid()";

export const CONNECTIONS = `
  SELECT coalesce(nullif(application_name, ''), '(no name)') AS application, coalesce(usename::text, '') AS login, count(*)::float8 AS total,
    count(*) FILTER (WHERE state = 'active')::float8 AS active, count(*) FILTER (WHERE state = 'idle')::float8 AS idle,
    count(*) FILTER (WHERE state LIKE 'idle in transaction%')::float8 AS "inTransaction"
  FROM pg_stat_activity WHERE datname = current_database() AND ${CLIENTS}
  GROUP BY 1, 2 ORDER BY total DESC, 1`;

export const CONNECTIONS_OF_SERVER = `
  SELECT count(*)::float8 AS used, current_setting('max_connections')::float8 AS most
  FROM pg_stat_activity WHERE ${CLIENTS}`;

export const WAITS = `
  SELECT waiting.pid::float8 AS waiting, holding.pid::float8 AS holding, waiting.query AS "waitsWith", holding.query AS "holdsWith",
    coalesce(holding.state, '') AS "holdingState", extract(epoch FROM clock_timestamp() - waiting.query_start)::float8 AS seconds
  FROM pg_stat_activity AS waiting CROSS JOIN LATERAL unnest(pg_blocking_pids(waiting.pid)) AS blocker
    JOIN pg_stat_activity AS holding ON holding.pid = blocker
  WHERE waiting.datname = current_database() ORDER BY seconds DESC LIMIT 20`;

export const TRANSACTIONS = `
  SELECT pid::float8 AS pid, coalesce(nullif(application_name, ''), '(no name)') AS application, coalesce(state, '') AS state, query,
    extract(epoch FROM clock_timestamp() - xact_start)::float8 AS seconds
  FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL AND ${CLIENTS}
  ORDER BY xact_start LIMIT 3`;

/** Of a primary its standbys, and of a standby itself. */
export const REPLICAS = `
  SELECT coalesce(nullif(application_name, ''), '(no name)') AS name, state, sync_state AS sync,
    pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::float8 AS bytes, extract(epoch FROM replay_lag)::float8 AS seconds
  FROM pg_stat_replication WHERE state <> 'backup' ORDER BY 1`;
export const OWN_LAG = `
  SELECT 'this server' AS name, 'standby' AS state, '' AS sync,
    pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::float8 AS bytes,
    CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
      ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END::float8 AS seconds`;

export const SLOTS = `
  SELECT slot_name::text AS name, active, CASE WHEN NOT pg_is_in_recovery()
    THEN pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::float8 END AS bytes
  FROM pg_replication_slots ORDER BY 1`;

export const STATEMENTS_SCHEMA = `
  SELECT n.nspname AS schema FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname = 'pg_stat_statements'`;

/** Statements of rows alone: of others PostgreSQL keeps the text as it was, and that of a role holds its password. */
export const STATEMENTS = (schema: string, order: "mean_exec_time" | "total_exec_time") => `
  SELECT query, calls::float8 AS calls, s.rows::float8 AS rows, mean_exec_time AS "meanMillis", total_exec_time / 1000 AS "totalSeconds"
  FROM ${schema}.pg_stat_statements AS s JOIN pg_database AS d ON d.oid = s.dbid
  WHERE d.datname = $1 AND query ~* '^\\s*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH)\\M' AND mean_exec_time >= $2
  ORDER BY ${order} DESC LIMIT $3`;
