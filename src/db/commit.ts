/** The one way to write: a transaction, and what has to follow once it is committed. */
import type { PrismaClient } from "../../generated/prisma/client.ts";
import { describeError, type Log } from "../log.ts";
import type { Database, Transaction } from "./client.ts";

/** In memory and done at once: what was written stays written, whatever becomes of it. */
type Effect = () => void;
type Work<T> = (tx: Transaction) => Promise<T>;
type Options = { timeout: number };

/** What was asked for in each transaction of `commit` that is under way. */
const asked = new WeakMap<Database, Effect[]>();

/**
 * Runs `work` in a transaction, and once that is committed, and only then, what was asked for within by `afterCommit`, in
 * order. Where `ctx.db` is such a transaction already, `work` is a savepoint of it: it may fail and the next still be
 * tried, and what it asked for follows the whole. `noteDone` is told last, and once for all of it.
 */
export async function commit<T>(
  ctx: { db: Database; log: Log; noteDone?: (tx: Transaction) => Promise<void> },
  work: Work<T>,
  options?: Options,
): Promise<T> {
  const outer = asked.get(ctx.db);
  const effects: Effect[] = [];
  const collected: Work<T> = async (tx) => {
    asked.set(tx, effects);
    try {
      const done = await work(tx);
      if (!outer) await ctx.noteDone?.(tx);
      return done;
    } finally {
      asked.delete(tx);
    }
  };
  const answer = await transaction(ctx.db, collected, options);
  if (outer) outer.push(...effects);
  else follow(effects, ctx.log);
  return answer;
}

/**
 * Asks for what has to follow the commit of `tx`: mostly that this instance forgets what it knew, as the others do by a
 * trigger's notification. @throws Error for a transaction that is over or is not of `commit`: it would be lost there.
 */
export function afterCommit(tx: Transaction, effect: Effect): void {
  const effects = asked.get(tx);
  if (!effects) throw new Error("nothing follows this transaction: it is over, or not of commit");
  effects.push(effect);
}

/** As `afterCommit`, of a statement that was a transaction of its own: once it has been answered. */
export function afterAnswer({ log }: { log: Log }, effect: Effect): void {
  follow([effect], log);
}

/** A transaction that nothing follows, and so holds no `commit`: for maintenance, of which this process remembers nothing. */
export function transaction<T>(db: Database, work: Work<T>, options?: Options): Promise<T> {
  return (db as PrismaClient).$transaction((tx) => work(tx as unknown as Transaction), options);
}

/** A fault in one keeps no other from its turn, and the caller from no answer: what they wrote is there. */
function follow(effects: Effect[], log: Log): void {
  for (const effect of effects)
    try {
      effect();
    } catch (err) {
      log("error", "what follows a commit failed", { error: describeError(err) });
    }
}
