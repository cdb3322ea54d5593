/** A connection for one transaction, and for nothing after it. */
import type pg from "pg";
import { statementOf } from "./scoped-client.ts";

const ENDS = ["COMMIT", "ROLLBACK"];

/**
 * What a transaction is given instead of the connection itself. Prisma rolls back a transaction that lasts too long while
 * one of its operations is still at work, and that sends the rest of its statements all the same: outside of the
 * transaction, or in that of whoever has the connection next. Here they fail, as on a connection that is gone.
 */
export function leaseOf(client: pg.PoolClient): pg.PoolClient {
  let isOver = false;

  function query(...args: unknown[]): unknown {
    // In the words of pg, so that it is told as what it is: try again (failures.ts).
    if (isOver) return Promise.reject(new Error("Connection terminated: its transaction is over"));
    isOver = ENDS.includes(statementOf(args).text);
    return Reflect.apply(client.query, client, args);
  }

  function release(err?: Error | boolean): void {
    isOver = true;
    client.release(err);
  }

  return new Proxy(client, {
    get(target, key) {
      if (key === "query") return query;
      if (key === "release") return release;
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
