/**
 * Turns at something scarce (cores, connections, memory), in an order that no caller can take from the others: whoever
 * waits is served in rounds, one turn a caller, and nobody holds more than their share at once.
 */
import { ApiError } from "./errors.ts";

export type FairQueueLimits = {
  /** Turns at once, of all callers together. */
  turns: number;
  /** Turns at once of one caller. */
  turnsEach: number | ((who: string | null) => number);
  /** How many may wait, of all callers together. When one more comes, whoever has most of them makes room, or it is refused. */
  waiting: number;
  /** How many may wait of one caller. Without it as many as there is room for, as long as no other caller wants it. */
  waitingEach?: number;
  /** For how long one may wait. Without it as long as it takes. */
  waitingMillis?: number;
};

/** Ends a turn. May be called more than once. */
type End = () => void;

export type FairQueue = {
  /** A turn that is free, without a wait; null when there is none. `who` is null for what is nobody's in particular. */
  turnNow(who: string | null): End | null;
  /** Waits for a turn. @throws ApiError `overloaded` when too many wait already, or for too long. */
  turn(who: string | null): Promise<End>;
  /** Does the work within a turn. @throws ApiError `overloaded`; what `work` throws. */
  run<T>(who: string | null, work: () => Promise<T>): Promise<T>;
};

type Waiter = { begin(): void; refuse(): void };
/** Whoever has a turn or waits for one. Kept while that is so, in the order in which they are served next. */
type Caller = { running: number; waiting: Waiter[] };

export function createFairQueue(limits: FairQueueLimits): FairQueue {
  const { turns, waitingEach = limits.waiting, waitingMillis } = limits;
  const callers = new Map<string | null, Caller>();
  let running = 0;
  let waiting = 0;

  function turnNow(who: string | null): End | null {
    const caller = callers.get(who) ?? { running: 0, waiting: [] };
    // Whoever waits has either no free turn or no share left, so nobody is overtaken here.
    if (running >= turns || caller.running >= shareOf(who)) return null;
    callers.set(who, caller);
    return begin(who, caller);
  }

  async function turn(who: string | null): Promise<End> {
    return turnNow(who) ?? wait(who);
  }

  function shareOf(who: string | null): number {
    const { turnsEach } = limits;
    return typeof turnsEach === "number" ? turnsEach : turnsEach(who);
  }

  function begin(who: string | null, caller: Caller): End {
    running += 1;
    caller.running += 1;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      running -= 1;
      caller.running -= 1;
      forgetIdle(who, caller);
      serveNext();
    };
  }

  function wait(who: string | null): Promise<End> {
    const caller = callers.get(who) ?? { running: 0, waiting: [] };
    makeRoom(caller);
    callers.set(who, caller);
    waiting += 1;
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        begin() {
          clearTimeout(timer);
          resolve(begin(who, caller));
        },
        refuse() {
          clearTimeout(timer);
          waiting -= 1;
          caller.waiting.splice(caller.waiting.indexOf(waiter), 1);
          forgetIdle(who, caller);
          reject(overloaded());
        },
      };
      const timer =
        waitingMillis === undefined ? undefined : setTimeout(waiter.refuse, waitingMillis);
      caller.waiting.push(waiter);
    });
  }

  /**
   * A place to wait in. When all are taken, the last of those of whoever has most is refused for it: many requests of one
   * caller must not keep another's first one out.
   */
  function makeRoom(caller: Caller): void {
    if (caller.waiting.length >= waitingEach) throw overloaded();
    if (waiting < limits.waiting) return;
    let longest = caller.waiting;
    for (const each of callers.values())
      if (each.waiting.length > longest.length) longest = each.waiting;
    if (longest.length < caller.waiting.length + 2) throw overloaded();
    longest.at(-1)?.refuse();
  }

  /** The first who waits and has a share left. Then it is the others' turn: they go to the end of the round. */
  function serveNext(): void {
    if (waiting === 0) return;
    for (const [who, caller] of callers) {
      if (caller.waiting.length === 0 || caller.running >= shareOf(who)) continue;
      waiting -= 1;
      callers.delete(who);
      callers.set(who, caller);
      caller.waiting.shift()?.begin();
      return;
    }
  }

  function forgetIdle(who: string | null, caller: Caller): void {
    if (caller.running === 0 && caller.waiting.length === 0 && callers.get(who) === caller)
      callers.delete(who);
  }

  return {
    turnNow,
    turn,
    async run(who, work) {
      const end = turnNow(who) ?? (await wait(who));
      try {
        return await work();
      } finally {
        end();
      }
    },
  };
}

function overloaded(): ApiError {
  return new ApiError("overloaded", "Too many requests at once. Try again in a moment.", {
    retryAfterSeconds: 1,
  });
}
