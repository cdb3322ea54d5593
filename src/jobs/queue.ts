/** The jobs: putting them in, and working them off. */
import type { Pool } from "pg";
import { fromPrisma, type JobWithMetadata } from "pg-boss";
import { decrypt, encrypt, type Keyring } from "../crypto/secret.ts";
import { newId } from "../db/id.ts";
import type { Log } from "../log.ts";
import { createBoss, describeError, prepareQueues } from "./boss.ts";
import {
  type JobHandlers,
  type JobInfo,
  type Jobs,
  PermanentFailure,
  QUEUES,
  type QueueName,
} from "./jobs.ts";

/** How many jobs of a queue one instance works off at once. One that is slow takes one place and holds up nobody else. */
const PLACES: Record<QueueName, number> = {
  mail: 8,
  notice: 4,
  mail_request: 4,
  signing_keys: 1,
  audit: 1,
  clean_up: 1,
};
/**
 * How many of one group are under way at once, in all instances together: a domain whose server is slow, or made to be
 * slow, leaves half of the places to the others.
 */
const IN_GROUP: Partial<Record<QueueName, number>> = { mail: 4, notice: 2 };
/** How long a queue is left alone when nobody tells that there is something in it. */
const POLL_MILLIS: Record<QueueName, number> = {
  mail: 1000,
  notice: 1000,
  mail_request: 1000,
  signing_keys: 15_000,
  audit: 15_000,
  clean_up: 15_000,
};
const LONGEST_WAIT_MILLIS = 5000;
const STOP_MILLIS = 5000;
const MOST_SETTLE_ATTEMPTS = 6;

/** In UTC, as cron writes it; what came due while no instance ran is made up for once. */
const SCHEDULES: Partial<Record<QueueName, string>> = {
  signing_keys: "7 * * * *",
  audit: "*/5 * * * *",
  clean_up: "23 3 * * *",
};

export type JobsOptions = {
  pool: Pick<Pool, "query">;
  keyring: Pick<Keyring, "data">;
  log: Log;
  /** How often jobs of killed workers are looked for. */
  superviseSeconds?: number;
};

type StoredJob = Pick<JobWithMetadata, "id" | "createdOn" | "retryCount" | "expireInSeconds"> & {
  data: { sealed: string } | null;
};
type Handler = JobHandlers[QueueName];

/** @throws Error when the database does not answer, or has no job tables. */
export async function createJobs(options: JobsOptions): Promise<Jobs> {
  const { pool, keyring, log } = options;
  const boss = createBoss(options);
  await prepareQueues(boss);
  const naps = new Map<string, () => void>();
  let stopping = false;
  let workers: Promise<void>[] = [];

  function take(queue: QueueName, most: number): Promise<StoredJob[]> {
    const groupConcurrency = IN_GROUP[queue];
    return boss.fetch(queue, {
      batchSize: most,
      includeMetadata: true,
      ...(groupConcurrency !== undefined && { groupConcurrency }),
    });
  }

  /** Runs a batch and answers how many jobs there were. */
  async function workOff(queue: QueueName, handler: Handler): Promise<number> {
    const jobs = await take(queue, PLACES[queue]);
    const runs = await Promise.allSettled(jobs.map((job) => run(queue, job, handler)));
    for (const result of runs) if (result.status === "rejected") throw result.reason;
    return jobs.length;
  }

  async function run(queue: QueueName, job: StoredJob, handler: Handler): Promise<void> {
    const attempt = job.retryCount + 1;
    const info: JobInfo = { id: job.id, createdAt: job.createdOn, attempt };
    try {
      const work = handler(job.data && unseal(job.id, job.data.sealed), info);
      const late = await atMost(job.expireInSeconds * 1000, work);
      // From now on another worker may have it. This one must not wait for what may never end.
      if (late) throw new Error(`not done within ${job.expireInSeconds} s`);
    } catch (err) {
      const error = describeError(err);
      log("warn", "a job failed", { queue, job: job.id, attempt, error });
      if (err instanceof PermanentFailure) await settle(() => forbidRetry(queue, job.id));
      // Not the error itself: pg-boss would store all that hangs on it.
      await settle(() => boss.fail(queue, job.id, { error }));
      return;
    }
    await settle(() => boss.complete(queue, job.id));
  }

  /** What is done but not recorded as done is done again, so a database that is away for seconds is waited for. */
  async function settle(write: () => Promise<unknown>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await write();
        return;
      } catch (err) {
        if (attempt === MOST_SETTLE_ATTEMPTS || stopping) throw err;
        await Bun.sleep(attempt * 500);
      }
    }
  }

  function forbidRetry(queue: QueueName, id: string): Promise<unknown> {
    return pool.query(
      "UPDATE pgboss.job SET retry_limit = retry_count WHERE name = $1 AND id = $2",
      [queue, id],
    );
  }

  /** What was taken while the end was asked for is another instance's to do, and has not been tried. */
  async function giveBack(queue: QueueName, jobs: StoredJob[]): Promise<void> {
    if (jobs.length === 0) return;
    await pool.query(
      `UPDATE pgboss.job SET started_on = NULL,
         state = CASE WHEN retry_count > 0 THEN 'retry' ELSE 'created' END::pgboss.job_state
       WHERE name = $1 AND id = ANY($2::uuid[]) AND state = 'active'`,
      [queue, jobs.map(({ id }) => id)],
    );
  }

  /** Keeps the queue's places full. A place is free again as soon as its job is done, whatever the other jobs do. */
  async function work(queue: QueueName, handler: Handler): Promise<void> {
    const underWay = new Set<Promise<void>>();
    const begin = (job: StoredJob) => {
      const done = run(queue, job, handler)
        .catch((err) => {
          // pg-boss takes it for a killed worker's, and it runs again.
          log("warn", "a job cannot be recorded as done", { queue, error: describeError(err) });
        })
        .finally(() => {
          underWay.delete(done);
          naps.get(queue)?.();
        });
      underWay.add(done);
    };
    for (let failures = 0; !stopping; ) {
      const napped = nap(queue, Math.min(POLL_MILLIS[queue] * 2 ** failures, longestWait(queue)));
      try {
        const free = PLACES[queue] - underWay.size;
        const jobs = free > 0 ? await take(queue, free) : [];
        if (stopping) await giveBack(queue, jobs);
        else jobs.forEach(begin);
        // There may be more, also where places stay free: of one group only some were given out.
        if (jobs.length > 0) naps.get(queue)?.();
        if (failures > 0) log("info", "jobs are worked off again", { queue });
        failures = 0;
      } catch (err) {
        if (failures === 0)
          log("warn", "jobs cannot be worked off", { queue, error: describeError(err) });
        failures += 1;
      }
      await napped;
    }
    await Promise.all(underWay);
  }

  /** Begun before the look into the queue, so that a call while it lasts is not missed. */
  function nap(queue: QueueName, millis: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, millis);
    naps.set(queue, () => {
      clearTimeout(timer);
      resolve();
    });
    return promise;
  }

  function unseal(id: string, sealed: string): unknown {
    return JSON.parse(decrypt(keyring.data, Buffer.from(sealed, "base64"), id));
  }

  return {
    async send(queue, data, tx, { group, isUrgent = true } = {}) {
      const id = newId();
      const plaintext = JSON.stringify(data ?? null);
      const sealed = encrypt(keyring.data, plaintext, id).toString("base64");
      await boss.send(
        queue,
        { sealed },
        {
          id,
          priority: isUrgent ? 1 : 0,
          ...(tx && { db: fromPrisma(tx) }),
          ...(group !== undefined && { group: { id: group } }),
        },
      );
    },
    async start(handlers) {
      await boss.start();
      for (const queue of QUEUES) {
        const cron = SCHEDULES[queue];
        if (cron) await boss.schedule(queue, cron, null, { tz: "UTC", missed: "once" });
      }
      workers = QUEUES.map((queue) => work(queue, handlers[queue]));
    },
    async drain(handlers) {
      for (let worked = 1; worked > 0; ) {
        worked = 0;
        for (const queue of QUEUES) worked += await workOff(queue, handlers[queue]);
      }
    },
    wake(queue) {
      naps.get(queue)?.();
    },
    async stop() {
      stopping = true;
      for (const wake of naps.values()) wake();
      await atMost(STOP_MILLIS, Promise.all(workers));
      await atMost(STOP_MILLIS, boss.stop({ graceful: false, close: false }));
    },
  };
}

function longestWait(queue: QueueName): number {
  return Math.max(POLL_MILLIS[queue], LONGEST_WAIT_MILLIS);
}

/** Waits for the work, but no longer than this. Answers whether it was too long. */
async function atMost(millis: number, work: Promise<unknown>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, millis, true);
  try {
    return await Promise.race([work.then(() => false), promise]);
  } finally {
    clearTimeout(timer);
  }
}
