/** The replica of DATABASE_REPLICA_URL, with connections of its own. */
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../watch/metrics.ts";
import { createDatabase, createPool } from "./client.ts";
import { replayedBy, writtenBy } from "./positions.ts";
import { type Replica, watchReplica } from "./replica.ts";
import { plainly, type ScopedPool } from "./scoped-pool.ts";
import { logStatements } from "./statement-log.ts";

/** Whoever does not answer within it is away: a read waits no longer for its position than for the replica. */
const PROBE_SECONDS = 1;

/** Beside its pool it takes a connection at each side to ask how far they are: so no read of others is in the way of that. */
export async function connectReplica(
  config: Config,
  log: Log,
  metrics: Metrics | null,
): Promise<Replica | null> {
  const { databaseUrl, replicaUrl, databaseTimeoutSeconds, replicaLagMillis } = config;
  if (replicaUrl === undefined) return null;
  const pool = createPool({ ...config, databaseUrl: replicaUrl });
  if (config.logLevel === "debug") logStatements(pool, log);
  const probe = (url: string): ScopedPool =>
    createPool({
      ...config,
      databaseUrl: url,
      databasePoolSize: 1,
      databaseTimeoutSeconds: PROBE_SECONDS,
    });
  const [atPrimary, atReplica] = [probe(databaseUrl), probe(replicaUrl)];
  return watchReplica({
    pool,
    db: createDatabase(pool, databaseTimeoutSeconds),
    lagMillis: replicaLagMillis,
    written: () => writtenBy(plainly(atPrimary)),
    replayed: () => replayedBy(plainly(atReplica)),
    log,
    metrics,
    alsoClose: () => Promise.all([atPrimary.end(), atReplica.end()]),
  });
}
