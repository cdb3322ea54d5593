/** What the server counts about itself, for Prometheus. Null where nobody asks for it, so that it costs nothing then. */
import {
  type Counter,
  createCounter,
  createHistogram,
  type Family,
  type Histogram,
  linesOf,
  type Reading,
} from "./series.ts";

const family =
  (type: Family["type"], prefix = "tenantry_") =>
  (name: string, help: string, ...labels: string[]): Family => ({
    name: prefix + name,
    type,
    help,
    labels,
  });
const counter = family("counter");
const gauge = family("gauge");
const histogram = family("histogram");

/** All there are. docs/operations/watch.md, the dashboard and the alerts are held to them by tests. */
// biome-ignore format: a table, a family a row.
export const FAMILIES = {
  requests: histogram("request_seconds", "Requests, and how long each took to be answered.", "method", "route", "status"),
  errors: counter("errors_total", "Errors that callers were told, by their code.", "code"),
  limits: counter("limits_hit_total", "Requests that were refused by a rate limit.", "policy"),
  logins: counter("logins_total", "Log-ins, second steps and proofs anew, by what came of them.", "outcome", "reason"),
  refreshReuse: counter("refresh_reuse_total", "Sessions that ended because a used refresh token came again, too late.", "successor"),
  statements: histogram("statement_seconds", "Statements to the database, and how long each took.", "outcome"),
  hashes: histogram("password_hash_seconds", "Passwords hashed or verified, and how long each took with its wait.", "kind", "outcome"),
  mails: counter("mails_total", "Mails that this process sent or tried to.", "outcome"),
  jobs: histogram("job_seconds", "Jobs that this process worked off, and how long each took.", "queue", "outcome"),
  pool: gauge("pool_connections", "Connections to the database.", "state"),
  poolWaiting: gauge("pool_waiting", "Statements and transactions that wait for a connection."),
  poolSize: gauge("pool_size", "Connections that this process may open."),
  replicaReads: counter("replica_reads_total", "Reads that a replica may answer, by who did.", "by"),
  replicaWait: histogram("replica_wait_seconds", "How long such a read waited for the replica to have what was written."),
  replica: gauge("replica_healthy", "1 while the replica answers what it may; 0 while the primary does, since it is behind or away."),
  replicaLag: gauge("replica_lag_bytes", "How much of the write-ahead log the replica has not replayed yet."),
  limitStore: histogram("limit_store_seconds", "What the store of limits was asked, and how long each took.", "outcome"),
  limitStoreHealthy: gauge("limit_store_healthy", "1 while the store of limits counts; 0 while the database does instead."),
  hashQueue: gauge("password_hash_queue", "Hashes that are computed, and that wait for a core.", "state"),
  listener: gauge("listener_healthy", "1 while the database tells this process of revocations; 0 while each request asks it."),
  revocationLag: gauge("revocation_lag_seconds", "How long a notification took, from being sent to being heard."),
  drift: gauge("schema_drift", "1 when the live schema is not that of the build."),
  database: gauge("database_up", "1 when the database answered the questions below."),
  jobsWaiting: gauge("jobs", "Jobs in the queue, by state.", "queue", "state"),
  jobsAge: gauge("jobs_oldest_seconds", "How long the oldest job of a queue has been due.", "queue"),
  sealAge: gauge("audit_seal_age_seconds", "Age of the newest audit row that is sealed."),
  unsealedAge: gauge("audit_unsealed_seconds", "Age of the oldest audit row after that one; 0 when there is none."),
  memory: family("gauge", "")("process_resident_memory_bytes", "Resident memory of this process."),
  cpu: family("counter", "")("process_cpu_seconds_total", "Time of cores that this process has used, of the user and the system."),
  started: family("gauge", "")("process_start_time_seconds", "When this process started, in seconds since 1970."),
} as const satisfies Record<string, Family>;

/** What is read when somebody asks, by family. What is missing is not known. */
export type Readings = Partial<Record<keyof typeof FAMILIES, readonly Reading[]>>;

export type Metrics = {
  requests: Histogram<[method: string, route: string, status: number]>;
  errors: Counter<[code: string]>;
  limits: Counter<[policy: string]>;
  logins: Counter<[outcome: LoginOutcome, reason: string]>;
  refreshReuse: Counter<[successor: "used" | "unused"]>;
  statements: Histogram<[outcome: Outcome]>;
  hashes: Histogram<[kind: "hash" | "verify", outcome: Outcome]>;
  mails: Counter<[outcome: MailOutcome]>;
  jobs: Histogram<[queue: string, outcome: Outcome]>;
  replicaReads: Counter<[by: "replica" | "primary"]>;
  replicaWait: Histogram<[]>;
  limitStore: Histogram<[outcome: Outcome]>;
  /** Names what is asked for its present state with each page. */
  watch(read: () => Promise<Readings>): void;
  /** All of it, as Prometheus reads it. */
  page(): Promise<string>;
};

export type Outcome = "ok" | "failed";
const MAIL_OUTCOMES = ["sent", "failed", "refused", "dropped"] as const;
type MailOutcome = (typeof MAIL_OUTCOMES)[number];
export type LoginOutcome = "logged_in" | "second_factor_asked" | "tenant_asked" | "refused";

export function createMetrics(): Metrics {
  const counted = {
    requests: createHistogram<[string, string, number]>(FAMILIES.requests),
    errors: createCounter<[string]>(FAMILIES.errors),
    limits: createCounter<[string]>(FAMILIES.limits),
    logins: createCounter<[LoginOutcome, string]>(FAMILIES.logins),
    refreshReuse: createCounter<["used" | "unused"]>(FAMILIES.refreshReuse, [["used"], ["unused"]]),
    statements: createHistogram<[Outcome]>(FAMILIES.statements),
    hashes: createHistogram<["hash" | "verify", Outcome]>(FAMILIES.hashes),
    mails: createCounter<[MailOutcome]>(
      FAMILIES.mails,
      MAIL_OUTCOMES.map((outcome) => [outcome]),
    ),
    jobs: createHistogram<[string, Outcome]>(FAMILIES.jobs),
    replicaReads: createCounter<["replica" | "primary"]>(FAMILIES.replicaReads),
    replicaWait: createHistogram<[]>(FAMILIES.replicaWait),
    limitStore: createHistogram<[Outcome]>(FAMILIES.limitStore),
  };
  let read = async (): Promise<Readings> => ({});
  return {
    ...counted,
    watch(reader) {
      read = reader;
    },
    async page() {
      const readings = await read();
      const shown = Object.entries(FAMILIES).flatMap(([name, family]) =>
        name in counted
          ? counted[name as keyof typeof counted].lines()
          : linesOf(family, readings[name as keyof typeof FAMILIES] ?? []),
      );
      return `${shown.join("\n")}\n`;
    },
  };
}
