/** What is not counted but asked for when somebody reads the metrics: pool, queues, listener, and what the database knows. */
import type { Pool } from "pg";
import { inBackground, withStatementLimit } from "../db/scope.ts";
import { named } from "../db/statement-names.ts";
import type { Readings } from "./metrics.ts";
import type { Reading } from "./series.ts";

type Load = { running: number; waiting: number };

/** The parts that are asked, by what they are asked for. */
export type Watched = {
  pool: Pick<Pool, "query"> & {
    load(): { inUse: number; idle: number; waiting: number; size: number };
  };
  passwords: { load(): Load };
  listener: { readonly healthy: boolean; lagSeconds(): Promise<number> };
  /** Null where there is none, as the store. */
  replica: { readonly healthy: boolean; lagBytes(): Promise<number> } | null;
  store: { readonly healthy: boolean } | null;
  schema: { current(): { verdict: "ok" | "drift" | "unknown" } } | null;
};

/** The database is asked once in so many milliseconds at most, however often and by however many it is read. */
const EVERY_MILLIS = 10_000;
/** Whoever reads waits no longer for it. */
const PATIENCE_MILLIS = 2000;

/** By the index on what is not worked off; the others by what pg-boss counts once a minute. */
const JOBS = named(`
  SELECT queue.name AS queue, coalesce(waiting.created, 0)::int AS created, coalesce(waiting.retry, 0)::int AS retry,
    queue.active_count AS active, queue.failed_count AS failed,
    greatest(0, extract(epoch FROM now() - waiting.due))::float AS age
  FROM pgboss.queue LEFT JOIN (
    SELECT name, count(*) FILTER (WHERE state = 'created') AS created, count(*) FILTER (WHERE state = 'retry') AS retry,
      min(start_after) FILTER (WHERE start_after <= now()) AS due
    FROM pgboss.job WHERE state < 'active' AND NOT blocked GROUP BY name
  ) AS waiting ON waiting.name = queue.name`);

/** Seals have the time of the row that they seal. */
const SEALS = named(`
  SELECT extract(epoch FROM now() - sealed.until)::float AS sealed, extract(epoch FROM now() - (
    SELECT min(created_at) FROM audit_log WHERE created_at > coalesce(sealed.until, '-infinity')))::float AS unsealed
  FROM (SELECT max(created_at) AS until FROM audit_seals) AS sealed`);

type Jobs = {
  queue: string;
  created: number;
  retry: number;
  active: number;
  failed: number;
  age: number | null;
};
type Seals = { sealed: number | null; unsealed: number | null };

/** Never fails: what the database does not tell in time is left out, and `database_up` is 0. */
export function createState(watched: Watched): () => Promise<Readings> {
  let asked: { at: number; answer: Promise<Readings> } | undefined;

  function fromDatabase(): Promise<Readings> {
    const now = performance.now();
    if (!asked || now - asked.at > EVERY_MILLIS) asked = { at: now, answer: askAll(watched) };
    return asked.answer;
  }

  return async () => ({ ...inMemory(watched), ...(await fromDatabase()) });
}

/** Each by itself: what one of them does not tell, the other may. */
async function askAll(watched: Watched): Promise<Readings> {
  const answers = await Promise.all([
    inTime(askDatabase(watched), { database: one(0) }),
    inTime(askListener(watched), {}),
    inTime(askReplica(watched), {}),
  ]);
  return Object.assign({}, ...answers);
}

async function askListener({ listener }: Watched): Promise<Readings> {
  return listener.healthy ? { revocationLag: one(await listener.lagSeconds()) } : {};
}

async function askReplica({ replica }: Watched): Promise<Readings> {
  return replica ? { replicaLag: one(await replica.lagBytes()) } : {};
}

async function askDatabase({ pool }: Watched): Promise<Readings> {
  const [jobs, seals] = await inBackground(() =>
    withStatementLimit(PATIENCE_MILLIS, () =>
      Promise.all([pool.query<Jobs>(JOBS), pool.query<Seals>(SEALS)]),
    ),
  );
  const { sealed = null, unsealed = null } = seals.rows[0] ?? {};
  return {
    database: one(1),
    jobsWaiting: jobs.rows.flatMap(({ queue, created, retry, active, failed }) =>
      Object.entries({ created, retry, active, failed }).map(([state, value]) => ({
        labels: [queue, state],
        value,
      })),
    ),
    jobsAge: jobs.rows.map(({ queue, age }) => ({ labels: [queue], value: age ?? 0 })),
    ...(sealed !== null && { sealAge: one(sealed) }),
    unsealedAge: one(unsealed ?? 0),
  };
}

/** Whoever asks next while it is still under way waits for the same. */
async function inTime(answer: Promise<Readings>, otherwise: Readings): Promise<Readings> {
  const { promise, resolve } = Promise.withResolvers<Readings>();
  const timer = setTimeout(resolve, PATIENCE_MILLIS, otherwise);
  try {
    return await Promise.race([answer.catch(() => otherwise), promise]);
  } finally {
    clearTimeout(timer);
  }
}

function inMemory({ pool, passwords, listener, replica, store, schema }: Watched): Readings {
  const { inUse, idle, waiting, size } = pool.load();
  const hashes = passwords.load();
  const verdict = schema?.current().verdict ?? "unknown";
  const { user, system } = process.cpuUsage();
  return {
    pool: [
      { labels: ["in_use"], value: inUse },
      { labels: ["idle"], value: idle },
    ],
    poolWaiting: one(waiting),
    poolSize: one(size),
    hashQueue: [
      { labels: ["running"], value: hashes.running },
      { labels: ["waiting"], value: hashes.waiting },
    ],
    listener: one(listener.healthy ? 1 : 0),
    ...(replica && { replica: one(replica.healthy ? 1 : 0) }),
    ...(store && { limitStoreHealthy: one(store.healthy ? 1 : 0) }),
    ...(verdict !== "unknown" && { drift: one(verdict === "drift" ? 1 : 0) }),
    memory: one(process.memoryUsage.rss()),
    cpu: one((user + system) / 1e6),
    started: one(performance.timeOrigin / 1000),
  };
}

function one(value: number): Reading[] {
  return [{ labels: [], value }];
}
