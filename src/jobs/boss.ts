/** pg-boss on our own pool: its tables come with the migrations, and it neither connects nor changes a schema itself. */
import { createHash } from "node:crypto";
import type { Pool } from "pg";
import { PgBoss, type QueueOptions, type QueuePolicy } from "pg-boss";
import { newId } from "../db/id.ts";
import { describeError, type Log } from "../log.ts";
import { createJobDatabase } from "./database.ts";
import { QUEUES, type QueueName } from "./jobs.ts";

const SCHEMA = "pgboss";
const HOUR = 3600;
const DAY = 24 * HOUR;

/** The channel on which PostgreSQL tells every instance of a new job, with the queue's name. */
export const JOBS_CHANNEL = `pgboss_${createHash("sha224").update(SCHEMA).digest("hex").slice(0, 24)}`;

const UNIQUE_VIOLATION = "23505";
const CANCELLED = "SELECT name, id FROM pgboss.job WHERE name = ANY($1) AND state = 'cancelled'";

type Settings = QueueOptions & { policy: QueuePolicy; notify: boolean };

/** Failed jobs are kept for a week. A job that is not done in `expireInSeconds` is taken for a killed worker's. */
const SETTINGS: Record<QueueName, Settings> = {
  mail: delivery(),
  notice: delivery(),
  mail_request: {
    ...delivery(),
    retryLimit: 8,
    retryDelay: 5,
    retryDelayMax: 600,
    expireInSeconds: 60,
  },
  signing_keys: scheduled(5 * 60),
  // A first run may have years to seal.
  audit: scheduled(HOUR),
  clean_up: scheduled(HOUR),
};

export type BossOptions = {
  pool: Pick<Pool, "query">;
  log: Log;
  /** How often jobs of killed workers are looked for. */
  superviseSeconds?: number;
};

export function createBoss(
  { pool, log, superviseSeconds = 60 }: BossOptions,
  isStopping: () => boolean,
): PgBoss {
  const boss: PgBoss = new PgBoss({
    schema: SCHEMA,
    migrate: false,
    createSchema: false,
    // REINDEX is a change of the schema, and would outlast the pool's statement timeout.
    reindex: false,
    superviseIntervalSeconds: superviseSeconds,
    monitorIntervalSeconds: superviseSeconds,
    db: createJobDatabase({ pool, log, isStopping, giveBack }),
  });

  /** Its workers know no third thing than working off and failing. This counts as a try. */
  async function giveBack(queue: string, jobs: { id: string }[]): Promise<void> {
    const ids = jobs.map(({ id }) => id);
    await boss.cancel(queue, ids);
    await resume(boss, queue, ids);
  }

  // Without a listener an error event would end the process; the database comes back, and so does pg-boss.
  boss.on("error", (err) =>
    log("warn", "the job queue has a fault", { error: describeError(err) }),
  );
  boss.on("warning", ({ message }) => log("warn", "the job queue warns", { warning: message }));
  return boss;
}

/** Makes the queues that are missing, and gives the others the settings of this build. */
export async function prepareQueues(boss: PgBoss, pool: Pick<Pool, "query">): Promise<void> {
  const existing = new Map((await boss.getQueues([...QUEUES])).map((queue) => [queue.name, queue]));
  for (const name of QUEUES) {
    const { policy, ...settings } = SETTINGS[name];
    const queue = existing.get(name);
    if (!queue) await boss.createQueue(name, { policy, ...settings });
    else if (!Bun.deepMatch(settings, queue)) await boss.updateQueue(name, settings);
    // pg-boss reads a queue's row when it first needs it: better now than on a second connection amid a transaction.
    await boss.findJobs(name, { id: newId() });
  }
  // Nobody cancels but `giveBack`: whoever died in the middle of it has left these.
  const { rows } = await pool.query<{ name: string; id: string }>(CANCELLED, [[...QUEUES]]);
  for (const { name, id } of rows) await resume(boss, name, [id]);
}

/** What a schedule sent makes way where the next one has come due since: no two may wait, and both do the same. */
async function resume(boss: PgBoss, queue: string, ids: string[]): Promise<void> {
  for (const id of ids)
    try {
      await boss.resume(queue, id);
    } catch (err) {
      if (!(err instanceof Error && "code" in err && err.code === UNIQUE_VIOLATION)) throw err;
      await boss.deleteJob(queue, id);
    }
}

/** The waits double from a quarter of a minute to four hours: a day and two hours in all. */
function delivery(): Settings {
  return {
    policy: "standard",
    notify: true,
    retryLimit: 15,
    retryDelay: 15,
    retryBackoff: true,
    retryDelayMax: 4 * HOUR,
    expireInSeconds: 120,
    // Where no instance can send, mails do not pile up, and none goes out that nobody waits for any more.
    retentionSeconds: 2 * DAY,
    deleteAfterSeconds: 7 * DAY,
  };
}

/** One at a time in the cluster: a second one that comes due is not put in. */
function scheduled(expireInSeconds: number): Settings {
  return {
    policy: "exclusive",
    notify: false,
    retryLimit: 5,
    retryDelay: 60,
    retryBackoff: true,
    retryDelayMax: 600,
    expireInSeconds,
    deleteAfterSeconds: 7 * DAY,
  };
}
