import type { AuthedContext } from "../../context.ts";
import type { Database, Transaction } from "../../db/client.ts";

export type Within = {
  ctx: AuthedContext;
  /** Call it after the commit: what instances remember of sessions, keys and roles is put right. */
  settle(): void;
};

/**
 * A context for several functions in one transaction, each with its rules as they are: what it takes for a transaction of
 * its own is a savepoint of `tx`, so that one may fail and the next still be asked; and what it would say to this
 * instance after its commit waits for the real one.
 */
export function within(ctx: AuthedContext, tx: Transaction): Within {
  const ended: string[] = [];
  const db = new Proxy(tx, {
    get(target, name) {
      if (name !== "$transaction") return Reflect.get(target, name);
      return <T>(work: (tx: Transaction) => Promise<T>) => inSavepoint(tx, () => work(tx));
    },
  }) as Database;
  const revocations = { ...ctx.revocations, add: (ids: Iterable<string>) => ended.push(...ids) };
  return {
    ctx: { ...ctx, db, revocations },
    settle() {
      ctx.revocations.add(ended);
      ctx.apiKeys.forget();
      ctx.grants.forget();
    },
  };
}

async function inSavepoint<T>(tx: Transaction, work: () => Promise<T>): Promise<T> {
  await tx.$executeRaw`SAVEPOINT item`;
  try {
    return await work();
  } catch (err) {
    await tx.$executeRaw`ROLLBACK TO SAVEPOINT item`;
    throw err;
  } finally {
    await tx.$executeRaw`RELEASE SAVEPOINT item`;
  }
}
