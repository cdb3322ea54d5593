/**
 * A streaming replica for what only reads. It answers a read when it has replayed all that the primary had written as the
 * read came, whoever wrote it and at which instance: so nobody misses what they have written. Where it does not get there
 * in time the primary answers (docs/decisions/replica-by-position.md).
 */
import type { PrismaClient } from "../../generated/prisma/client.ts";
import { describeError, type Log } from "../log.ts";
import type { Metrics } from "../watch/metrics.ts";
import type { Database } from "./client.ts";
import { isOverload, isStatementTimeout, isUnavailable } from "./failures.ts";
import { covers, faultOfReplica, type Position, type Replayed } from "./positions.ts";
import type { ScopedPool } from "./scoped-pool.ts";

export type Replica = {
  readonly pool: ScopedPool;
  readonly db: Database;
  /** Whether it has, in time, all that the primary has written until now. */
  isCurrent(): Promise<boolean>;
  /** Whether it is asked at all. */
  readonly healthy: boolean;
  /** How much of the log it has not replayed. @throws Error when one of the two does not say. */
  lagBytes(): Promise<number>;
  /** Says who has answered a read that it may answer. */
  count(by: "replica" | "primary"): void;
  close(): Promise<void>;
};

/** Asked while a read waits, and while the replica is given up. */
const POLL_MILLIS = 3;
const LOOK_AGAIN_MILLIS = 1000;
const CONNECT_MILLIS = 1000;

export type ReplicaOptions = {
  pool: ScopedPool;
  db: PrismaClient;
  /** How long a read waits for the replica. */
  lagMillis: number;
  written(): Promise<Position>;
  replayed(): Promise<Replayed>;
  log: Log;
  metrics?: Metrics | null;
  /** What belongs to it beside its pool. */
  alsoClose?: () => Promise<unknown>;
};

/** Looks at it first, so that a healthy start is healthy. One that is away is looked for until it is there. */
export async function watchReplica(options: ReplicaOptions): Promise<Replica> {
  const { pool, db, lagMillis, log, metrics = null } = options;
  const written = shared(options.written);
  const replayed = shared(options.replayed);
  let isAway = false;
  let isClosed = false;
  let timer: Timer | undefined;

  /** Null when it is current, else why it is not. */
  async function faultOf(): Promise<string | null> {
    const deadline = performance.now() + lagMillis;
    try {
      const [goal, first] = await inTime(deadline, Promise.all([written(), replayed()]));
      for (let here = first; ; here = await inTime(deadline, replayed())) {
        const fault = faultOfReplica(here, goal);
        if (fault !== null || covers(here, goal)) return fault;
        await inTime(deadline, Bun.sleep(POLL_MILLIS));
      }
    } catch (err) {
      return err === LATE ? `it is not there in ${lagMillis} ms` : describeError(err);
    }
  }

  function giveUp(reason: string): void {
    if (isAway || isClosed) return;
    isAway = true;
    log("warn", "the replica is behind or away, the primary answers", { reason });
    timer = setTimeout(lookAgain, LOOK_AGAIN_MILLIS);
  }

  async function lookAgain(): Promise<void> {
    const fault = await faultOf();
    if (isClosed) return;
    isAway = fault !== null;
    if (isAway) timer = setTimeout(lookAgain, LOOK_AGAIN_MILLIS);
    else log("info", "the replica has caught up, and answers again");
  }

  async function isCurrent(): Promise<boolean> {
    if (isAway) return false;
    const begun = performance.now();
    const fault = await faultOf();
    metrics?.replicaWait.observe((performance.now() - begun) / 1000);
    if (fault !== null) giveUp(fault);
    return fault === null;
  }

  // Connecting takes longer than asking.
  await Promise.race([Promise.allSettled([written(), replayed()]), Bun.sleep(CONNECT_MILLIS)]);
  await isCurrent();
  return {
    pool,
    db,
    isCurrent,
    get healthy() {
      return !isAway;
    },
    async lagBytes() {
      const [goal, here] = await Promise.all([written(), replayed()]);
      const fault = faultOfReplica(here, goal);
      if (here === null || fault !== null) throw new Error(fault ?? "");
      return Math.max(0, Number(goal.bytes - here.bytes));
    },
    count: (by) => metrics?.replicaReads.add(by),
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await db.$disconnect();
      await pool.end();
      await options.alsoClose?.();
    },
  };
}

type Reading = { pool: ScopedPool; db: Database; replica: Replica | null };

/**
 * Does what only reads at the replica, or at the primary where there is none or it is behind; also what the replica cannot
 * do, such as a read that its replay of the log breaks off. Who may read is never asked here: that is the primary's.
 * @param read is given where to read. It may be called twice.
 */
export async function fromReplica<Ctx extends Reading, T>(
  ctx: Ctx,
  read: (at: Ctx) => Promise<T>,
): Promise<T> {
  const { replica } = ctx;
  const atPrimary = { ...ctx, replica: null };
  if (replica === null) return read(atPrimary);
  const isCurrent = await replica.isCurrent();
  replica.count(isCurrent ? "replica" : "primary");
  if (!isCurrent) return read(atPrimary);
  try {
    return await read({ ...atPrimary, pool: replica.pool, db: replica.db });
  } catch (err) {
    // One that takes too long, or that has no turn, would be no better there.
    if (!isUnavailable(err) || isOverload(err) || isStatementTimeout(err)) throw err;
    replica.count("primary");
    return read(atPrimary);
  }
}

/** One question for all who ask before it is sent: an answer that was under way when somebody came may be too old for them. */
function shared<T>(ask: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | null = null;
  async function askNext(): Promise<T> {
    await underWay.catch(() => {});
    next = null;
    const asked = ask();
    underWay = asked;
    return asked;
  }
  return () => {
    next ??= askNext();
    return next;
  };
}

const LATE = new Error("too late");

/** @throws LATE */
async function inTime<T>(deadline: number, answer: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(LATE), Math.max(0, deadline - performance.now()));
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(timer);
  }
}
