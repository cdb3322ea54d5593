/**
 * Turns at something scarce (cores, connections, memory), in an order that no caller can take from the others: whoever
 * waits is served in rounds, one turn a caller, and nobody holds more than their share at once.
 */
import { ApiError } from "./errors.ts";

export type FairQueueLimits = {
  /** Turns at once, of all callers together. */
  turns: number;
  /** Turns at once of one caller. */
  turnsEach: number;
  /** How many may wait, of all callers together; one more is refused. */
  waiting: number;
  /** How many may wait of one caller. */
  waitingEach: number;
};

export type FairQueue = {
  /**
   * Waits for a turn of `who`, null for what is nobody's in particular; answers the function that ends it, which may be
   * called more than once. @throws ApiError `overloaded` when too many wait already.
   */
  turn(who: string | null): Promise<() => void>;
  /** Does the work within a turn. @throws ApiError `overloaded`; what `work` throws. */
  run<T>(who: string | null, work: () => Promise<T>): Promise<T>;
};

/** Whoever has a turn or waits for one. Kept while that is so, in the order in which they are served next. */
type Caller = { running: number; waiting: (() => void)[] };

export function createFairQueue(limits: FairQueueLimits): FairQueue {
  const callers = new Map<string | null, Caller>();
  let running = 0;
  let waiting = 0;

  async function turn(who: string | null): Promise<() => void> {
    const caller = callers.get(who) ?? { running: 0, waiting: [] };
    // Whoever waits has either no free turn or no share left, so nobody is overtaken here.
    const isFree = running < limits.turns && caller.running < limits.turnsEach;
    if (!isFree) assertRoom(caller);
    callers.set(who, caller);
    if (isFree) begin(caller);
    else await wait(caller);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      running -= 1;
      caller.running -= 1;
      if (caller.running === 0 && caller.waiting.length === 0) callers.delete(who);
      serveNext();
    };
  }

  function begin(caller: Caller): void {
    running += 1;
    caller.running += 1;
  }

  function assertRoom(caller: Caller): void {
    if (waiting < limits.waiting && caller.waiting.length < limits.waitingEach) return;
    throw new ApiError("overloaded", "Too many requests at once. Try again in a moment.", {
      retryAfterSeconds: 1,
    });
  }

  function wait(caller: Caller): Promise<void> {
    waiting += 1;
    return new Promise((resolve) => caller.waiting.push(resolve));
  }

  /** The first who waits and has a share left. Then it is the others' turn: they go to the end of the round. */
  function serveNext(): void {
    for (const [who, caller] of callers) {
      if (caller.waiting.length === 0 || caller.running >= limits.turnsEach) continue;
      waiting -= 1;
      begin(caller);
      callers.delete(who);
      callers.set(who, caller);
      caller.waiting.shift()?.();
      return;
    }
  }

  return {
    turn,
    async run(who, work) {
      const end = await turn(who);
      try {
        return await work();
      } finally {
        end();
      }
    },
  };
}
