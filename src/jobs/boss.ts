/** pg-boss on our own pool: its tables come with the migrations, and it neither connects nor changes a schema itself. */
import { createHash } from "node:crypto";
import type { Pool } from "pg";
import { PgBoss, type QueueOptions, type QueuePolicy } from "pg-boss";
import { newId } from "../db/id.ts";
import type { Log } from "../log.ts";
import { QUEUES, type QueueName } from "./jobs.ts";

const SCHEMA = "pgboss";
const HOUR = 3600;
const DAY = 24 * HOUR;

/** The channel on which PostgreSQL tells every instance of a new job, with the queue's name. */
export const JOBS_CHANNEL = `pgboss_${createHash("sha224").update(SCHEMA).digest("hex").slice(0, 24)}`;

type Settings = QueueOptions & { policy: QueuePolicy; notify: boolean };

/** Failed jobs are kept for a week. A job that is not done in `expireInSeconds` is taken for a killed worker's. */
const SETTINGS: Record<QueueName, Settings> = {
  mail: delivery(),
  notice: delivery(),
  mail_request: {
    policy: "standard",
    notify: true,
    retryLimit: 8,
    retryDelay: 5,
    retryBackoff: true,
    retryDelayMax: 600,
    expireInSeconds: 60,
    deleteAfterSeconds: 7 * DAY,
  },
  signing_keys: scheduled(5 * 60),
  // A first run may have years to seal.
  audit: scheduled(HOUR),
  clean_up: scheduled(HOUR),
};

export type BossOptions = { pool: Pick<Pool, "query">; log: Log; superviseSeconds?: number };

export function createBoss({ pool, log, superviseSeconds = 60 }: BossOptions): PgBoss {
  const boss = new PgBoss({
    schema: SCHEMA,
    migrate: false,
    createSchema: false,
    // REINDEX is a change of the schema, and would outlast the pool's statement timeout.
    reindex: false,
    superviseIntervalSeconds: superviseSeconds,
    monitorIntervalSeconds: superviseSeconds,
    db: { executeSql: (text, values) => pool.query(text, values) },
  });
  // Without a listener an error event would end the process; the database comes back, and so does pg-boss.
  boss.on("error", (err) =>
    log("warn", "the job queue has a fault", { error: describeError(err) }),
  );
  boss.on("warning", ({ message }) => log("warn", message));
  return boss;
}

/** Makes the queues that are missing, and gives the others the settings of this build. */
export async function prepareQueues(boss: PgBoss): Promise<void> {
  const existing = new Map((await boss.getQueues([...QUEUES])).map((queue) => [queue.name, queue]));
  for (const name of QUEUES) {
    const { policy, ...settings } = SETTINGS[name];
    const queue = existing.get(name);
    if (!queue) await boss.createQueue(name, { policy, ...settings });
    else if (!Bun.deepMatch(settings, queue)) await boss.updateQueue(name, settings);
    // pg-boss reads a queue's row when it first needs it: better now than on a second connection amid a transaction.
    await boss.findJobs(name, { id: newId() });
  }
}

/** Class and last line of the message: Prisma prints the arguments of the call above it, and those are personal data. */
export function describeError(thrown: unknown): string {
  if (!(thrown instanceof Error) && !isErrorLike(thrown)) return `thrown: ${typeof thrown}`;
  const name = "name" in thrown ? thrown.name : "Error";
  return `${name}: ${thrown.message.trim().split("\n").at(-1)?.slice(0, 300)}`;
}

/** pg-boss copies an error into a plain object before it tells of it. */
function isErrorLike(thrown: unknown): thrown is { message: string } {
  return (
    typeof thrown === "object" &&
    thrown !== null &&
    "message" in thrown &&
    typeof thrown.message === "string"
  );
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
