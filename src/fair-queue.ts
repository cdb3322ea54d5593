/**
 * Turns at something scarce (cores, connections, memory), in an order that no caller can take from the others: whoever
 * waits is served in rounds, one turn a caller, nobody holds more than their share at once, and while there are callers who
 * ask for less, those who ask for much leave one turn free for them.
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
  waitingEach?: number | ((who: string | null) => number);
  /** For how long one may wait. Without it as long as it takes. */
  waitingMillis?: number;
  /** What is thrown after that. Without it ApiError `overloaded`. */
  tooLate?: () => Error;
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
  /** How many turns are taken now, and how many wait for one. */
  load(): { running: number; waiting: number };
};

/** What somebody had is forgotten by half in so many milliseconds. */
const HALF_LIFE_MILLIS = 5000;
/** Whoever had more lately, in milliseconds of turns, and more than twice what another one had, asks for much. */
const MUCH_MILLIS = 250;
/** For so long after the other one has asked a turn is left free. Alone, one may have all of them. */
const LEFT_FREE_MILLIS = 2000;
/** Those who had something lately are remembered; from so many on, those who had nothing worth it are forgotten. */
const MOST_REMEMBERED = 1000;

type Waiter = { begin(): void; refuse(err: Error): void };
type Caller = {
  who: string | null;
  running: number;
  waiting: Waiter[];
  /** What they had, in milliseconds, as it counted at `at`. */
  spent: number;
  at: number;
};

export function createFairQueue(limits: FairQueueLimits): FairQueue {
  const { turns, turnsEach, waitingEach = limits.waiting, waitingMillis } = limits;
  const { tooLate = () => new ApiError("overloaded") } = limits;
  const callers = new Map<string | null, Caller>();
  /** Those of them who wait. */
  const queue = new Set<Caller>();
  let sweepAt = MOST_REMEMBERED;
  /** Of those who asked lately, who had least, and when they asked. */
  let modest: { caller: Caller; at: number } | null = null;
  let running = 0;
  let waiting = 0;

  function turnNow(who: string | null): End | null {
    const caller = callerOf(who);
    const now = performance.now();
    if (!modest || isPast(modest.at, now) || spentBy(caller, now) <= spentBy(modest.caller, now))
      modest = { caller, at: now };
    // Whoever waits has either no free turn or no share left, so nobody is overtaken here.
    return mayBegin(caller, now) ? begin(caller, now) : null;
  }

  function callerOf(who: string | null): Caller {
    const known = callers.get(who);
    if (known) return known;
    if (callers.size >= sweepAt) sweep();
    const caller = { who, running: 0, waiting: [], spent: 0, at: 0 };
    callers.set(who, caller);
    return caller;
  }

  function sweep(): void {
    const now = performance.now();
    for (const caller of callers.values())
      if (caller.running === 0 && caller.waiting.length === 0 && spentBy(caller, now) < 1)
        callers.delete(caller.who);
    sweepAt = Math.max(MOST_REMEMBERED, callers.size * 2);
  }

  function mayBegin(caller: Caller, now: number): boolean {
    if (running >= turns || caller.running >= shareOf(caller.who)) return false;
    const isLast = running > 0 && running === turns - 1;
    return !isLast || !asksForMuch(caller, now);
  }

  function asksForMuch(caller: Caller, now: number): boolean {
    if (!modest || isPast(modest.at, now)) return false;
    return spentBy(caller, now) > Math.max(MUCH_MILLIS, 2 * spentBy(modest.caller, now));
  }

  async function turn(who: string | null): Promise<End> {
    return turnNow(who) ?? wait(who);
  }

  function shareOf(who: string | null): number {
    return typeof turnsEach === "number" ? turnsEach : turnsEach(who);
  }

  function placesOf(who: string | null): number {
    return typeof waitingEach === "number" ? waitingEach : waitingEach(who);
  }

  function begin(caller: Caller, began: number): End {
    running += 1;
    caller.running += 1;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      const now = performance.now();
      caller.spent = spentBy(caller, now) + now - began;
      caller.at = now;
      running -= 1;
      caller.running -= 1;
      serveNext(now);
    };
  }

  function wait(who: string | null): Promise<End> {
    const caller = callerOf(who);
    makeRoom(caller);
    queue.add(caller);
    waiting += 1;
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        begin() {
          clearTimeout(timer);
          resolve(begin(caller, performance.now()));
        },
        refuse(err) {
          clearTimeout(timer);
          leave(caller, caller.waiting.indexOf(waiter));
          reject(err);
        },
      };
      const timer =
        waitingMillis === undefined
          ? undefined
          : setTimeout(() => waiter.refuse(tooLate()), waitingMillis);
      caller.waiting.push(waiter);
    });
  }

  /**
   * A place to wait in. When all are taken, the last of those of whoever has most is refused for it: many requests of one
   * caller must not keep another's first one out.
   */
  function makeRoom(caller: Caller): void {
    if (caller.waiting.length >= placesOf(caller.who)) throw new ApiError("overloaded");
    if (waiting < limits.waiting) return;
    let longest = caller.waiting;
    for (const each of queue) if (each.waiting.length > longest.length) longest = each.waiting;
    if (longest.length < caller.waiting.length + 2) throw new ApiError("overloaded");
    longest.at(-1)?.refuse(new ApiError("overloaded"));
  }

  /** The first in the round of those who may begin; until nobody may. */
  function serveNext(now: number): void {
    while (waiting > 0 && running < turns) {
      const next = queue.values().find((caller) => mayBegin(caller, now));
      if (!next) return;
      const [waiter] = leave(next, 0);
      waiter?.begin();
    }
  }

  /** Takes one of those who wait out; the caller goes to the end of the round. */
  function leave(caller: Caller, at: number): Waiter[] {
    waiting -= 1;
    queue.delete(caller);
    const left = caller.waiting.splice(at, 1);
    if (caller.waiting.length > 0) queue.add(caller);
    return left;
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
    load: () => ({ running, waiting }),
  };
}

function isPast(at: number, now: number): boolean {
  return now - at > LEFT_FREE_MILLIS;
}

function spentBy({ spent, at }: Caller, now: number): number {
  return spent === 0 ? 0 : spent * 2 ** ((at - now) / HALF_LIFE_MILLIS);
}
