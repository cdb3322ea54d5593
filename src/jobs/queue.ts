/** The jobs: putting them in, and working them off with pg-boss's workers. */
import { type Db, fromPrisma, type JobResult, type JobWithMetadata } from "pg-boss";
import { decrypt, encrypt, type Keyring } from "../crypto/secret.ts";
import { newId } from "../db/id.ts";
import { describeError } from "../log.ts";
import type { Metrics } from "../watch/metrics.ts";
import type { Carrier, Traces } from "../watch/traces.ts";
import { type BossOptions, createBoss, prepareQueues } from "./boss.ts";
import {
  type JobHandler,
  type JobHandlers,
  type Jobs,
  PermanentFailure,
  QUEUES,
  type QueueName,
} from "./jobs.ts";

/**
 * `places`: how many jobs one instance works off at once. One that is slow takes one place and holds up nobody else.
 * `inGroup`: how many of one group are under way at once, in all instances together: a domain whose server is slow, or
 * made to be slow, leaves half of the places to the others. `cron`: in UTC; what came due while no instance ran is made
 * up for once. `poll`: seconds until a queue is looked into when nobody tells that there is something in it.
 */
const WORK: Record<QueueName, { places: number; inGroup?: number; cron?: string; poll: number }> = {
  mail: { places: 8, inGroup: 4, poll: 1 },
  notice: { places: 4, inGroup: 2, poll: 1 },
  mail_request: { places: 4, poll: 1 },
  signing_keys: { places: 1, cron: "7 * * * *", poll: 15 },
  audit: { places: 1, cron: "*/5 * * * *", poll: 15 },
  clean_up: { places: 1, cron: "23 3 * * *", poll: 15 },
};
/** The places after the first are called when a job was taken, and look by themselves in case that the first is held up. */
const SPARE_POLL = 10;
const STOP_MILLIS = 5000;
const GIVEN_UP_TIMES = 3;

export type JobsOptions = BossOptions & {
  keyring: Pick<Keyring, "data">;
  metrics?: Metrics | null;
  traces?: Traces | null;
};

/** Beside what is sealed stands the trace in which it was asked for, where there is one. */
type StoredJob = JobWithMetadata<{ sealed: string; trace?: Carrier } | null>;

/** @throws Error when the database does not answer, or has no job tables. */
export async function createJobs(options: JobsOptions): Promise<Jobs> {
  const { keyring, log, pool, metrics, traces } = options;
  let stopping = false;
  const boss = createBoss(options, () => stopping);
  await prepareQueues(boss, pool);
  /** For draining: never started, and so not stopped either. */
  const drainer = createBoss(options, () => false);
  /** Without the patience of workers: behind what is put in somebody waits for an answer. */
  const atOnce: Db = { executeSql: (text, values) => pool.query(text, values) };
  /** By queue, the places that are free. */
  const free = new Map<string, Set<string>>(QUEUES.map((queue) => [queue, new Set()]));

  /** Counted and traced, as part of the trace in which it was asked for. */
  async function watched(
    queue: QueueName,
    job: StoredJob,
    handler: JobHandler,
  ): Promise<JobResult> {
    const begun = performance.now();
    const result = traces
      ? await traces.within(
          { name: `job ${queue}`, kind: "consumer", attributes: { "tenantry.job.queue": queue } },
          async (span) => {
            const ended = await run(queue, job, handler);
            if (ended.status !== "completed") span.fail(String(ended.status));
            return ended;
          },
          job.data?.trace ?? {},
        )
      : await run(queue, job, handler);
    const outcome = result.status === "completed" ? "ok" : "failed";
    metrics?.jobs.observe((performance.now() - begun) / 1000, queue, outcome);
    return result;
  }

  async function run(queue: QueueName, job: StoredJob, handler: JobHandler): Promise<JobResult> {
    const { id, createdOn: createdAt, expireInSeconds } = job;
    const attempt = job.retryCount + 1;
    try {
      const work = handler(job.data && unseal(id, job.data.sealed), { id, createdAt, attempt });
      const late = await atMost(expireInSeconds * 1000, work);
      // From now on another worker may have it. This one must not wait for what may never end.
      if (late) throw new Error(`not done within ${expireInSeconds} s`);
    } catch (err) {
      const error = describeError(err);
      log("warn", "a job failed", { queue, job: id, attempt, error });
      // Not the error itself: pg-boss would store all that hangs on it. There is no queue of dead letters: it is kept here.
      const status = err instanceof PermanentFailure ? "deadletter" : "failed";
      return { id, status, output: { error } };
    }
    if (stopping) await completeLate(queue, id);
    return { id, status: "completed" };
  }

  /**
   * pg-boss may have given it up meanwhile, to be tried again, and does so twice when it was told to end at once: each time
   * it deletes the row and puts it in anew, and an update that waits for that moment finds no row.
   */
  async function completeLate(queue: QueueName, id: string): Promise<void> {
    for (let attempt = 0; attempt < GIVEN_UP_TIMES; attempt++) {
      const done = await boss.complete(queue, id, null, { includeQueued: true });
      // Its types leave out how many rows there were.
      if ("affected" in done && done.affected !== 0) return;
    }
  }

  /** It is free again as soon as its job is done, whatever the other jobs do. */
  async function openPlace(queue: QueueName, handler: JobHandler, poll: number): Promise<void> {
    const options = { ...workOptions(queue), pollingIntervalSeconds: poll };
    const id = await boss.work(queue, options, async ([job]: StoredJob[]) => {
      free.get(queue)?.delete(id);
      // There may be more.
      wake(queue);
      const results = job ? [await watched(queue, job, handler)] : [];
      free.get(queue)?.add(id);
      boss.notifyWorker(id);
      return results;
    });
    free.get(queue)?.add(id);
  }

  function wake(queue: string): void {
    const [next] = free.get(queue) ?? [];
    if (next !== undefined) boss.notifyWorker(next);
  }

  /** Takes once what is due, and answers how many jobs there were. */
  async function workOff(queue: QueueName, handler: JobHandler): Promise<number> {
    let count = 0;
    const options = { ...workOptions(queue), batchSize: WORK[queue].places };
    const id = await drainer.work(queue, options, (jobs: StoredJob[]) => {
      count = jobs.length;
      return Promise.all(jobs.map((job) => watched(queue, job, handler)));
    });
    // The worker is in its first look, and comes to no second.
    await drainer.offWork(queue, { id, wait: true });
    return count;
  }

  function unseal(id: string, sealed: string): unknown {
    return JSON.parse(decrypt(keyring.data, Buffer.from(sealed, "base64"), id));
  }

  return {
    async send(queue, data, tx, { group, isUrgent = true, waitSeconds } = {}) {
      const id = newId();
      const plaintext = JSON.stringify(data ?? null);
      const sealed = encrypt(keyring.data, plaintext, id).toString("base64");
      await boss.send(
        queue,
        { sealed, ...(traces && { trace: traces.carrier() }) },
        {
          id,
          priority: isUrgent ? 1 : 0,
          db: tx ? fromPrisma(tx) : atOnce,
          ...(group !== undefined && { group: { id: group } }),
          ...(waitSeconds !== undefined && { startAfter: waitSeconds }),
        },
      );
    },
    async start(handlers) {
      await boss.start();
      for (const [queue, handler] of handled(handlers)) {
        const { places, cron, poll } = WORK[queue];
        if (cron) await boss.schedule(queue, cron, null, { tz: "UTC", missed: "once" });
        for (let place = 0; place < places; place++)
          await openPlace(queue, handler, place === 0 ? poll : SPARE_POLL);
      }
    },
    async drain(handlers) {
      for (let worked = 1; worked > 0; ) {
        worked = 0;
        for (const [queue, handler] of handled(handlers)) worked += await workOff(queue, handler);
      }
    },
    wake,
    async stop() {
      stopping = true;
      // With no database to speak to it might wait for ever.
      await atMost(2 * STOP_MILLIS, boss.stop({ timeout: STOP_MILLIS, close: false }));
    },
  };
}

function handled(handlers: JobHandlers): [QueueName, JobHandler][] {
  return QUEUES.flatMap((queue): [QueueName, JobHandler][] => {
    const handler = handlers[queue];
    return handler ? [[queue, handler]] : [];
  });
}

function workOptions(queue: QueueName) {
  const { inGroup } = WORK[queue];
  const groups = inGroup !== undefined && { groupConcurrency: inGroup };
  return { includeMetadata: true, perJobResults: true, ...groups } as const;
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
