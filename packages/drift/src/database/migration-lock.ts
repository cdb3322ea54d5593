/** The lock that Prisma holds while it migrates. Nobody reads, repairs or takes back what is on its way. */
import type pg from "pg";
import { codeOf, DriftError } from "../model/errors.ts";

export const MIGRATION_LOCK = 72707369;

/**
 * A deploy in progress would be taken for drift. The lock comes before the transaction that reads: one taken within it
 * would wait for a deploy and then see the database as it was before.
 */
export async function betweenMigrations<T>(client: pg.Client, read: () => Promise<T>): Promise<T> {
  await lock(
    client,
    `SET lock_timeout = '10s'; SELECT pg_advisory_lock_shared(${MIGRATION_LOCK}); RESET lock_timeout`,
  );
  const result = await read();
  await client.query(`SELECT pg_advisory_unlock_shared(${MIGRATION_LOCK})`);
  return result;
}

/** Begins a transaction that no migration runs beside. */
export async function beginInsteadOfMigration(client: pg.Client): Promise<void> {
  await client.query("BEGIN; SET LOCAL lock_timeout = '10s'");
  await lock(client, `SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
}

async function lock(client: pg.Client, statement: string): Promise<void> {
  try {
    await client.query(statement);
  } catch (error) {
    if (codeOf(error) !== "55P03") throw error;
    throw new DriftError(
      "A migration is running on the database, or a repair. Try again when it has ended.",
      { cause: error },
    );
  }
}
