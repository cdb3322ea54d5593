/** Reads all that the check needs of the live database, in one transaction. */
import type pg from "pg";
import { inSnapshot, readCatalog } from "./catalog.ts";
import { codeOf } from "./connection.ts";
import { readUnmodelled, type Unmodelled } from "./coverage.ts";
import { DriftError } from "./errors.ts";
import { type HistoryRow, readHistory } from "./history.ts";
import type { CatalogObject } from "./object.ts";

export type Live = {
  objects: CatalogObject[];
  unmodelled: Unmodelled[];
  /** Null when Prisma has never migrated the database. */
  history: HistoryRow[] | null;
};

/** The lock that Prisma holds while it migrates. */
const PRISMA_LOCK = 72707369;

export async function readLive(client: pg.Client, schemas: string[]): Promise<Live> {
  return betweenMigrations(client, () =>
    inSnapshot(client, async () => ({
      objects: await readCatalog(client, schemas),
      unmodelled: await readUnmodelled(client, schemas),
      history: await readHistory(client, schemas),
    })),
  );
}

/**
 * A deploy in progress would be taken for drift. The lock comes before the snapshot: one taken within it would wait for
 * a deploy and then see the database as it was before.
 */
async function betweenMigrations<T>(client: pg.Client, read: () => Promise<T>): Promise<T> {
  try {
    await client.query(
      `SET lock_timeout = '10s'; SELECT pg_advisory_lock_shared(${PRISMA_LOCK}); RESET lock_timeout`,
    );
  } catch (error) {
    if (codeOf(error) !== "55P03") throw error;
    throw new DriftError(
      "A migration is running on the database. Run the check again when it has ended.",
      {
        cause: error,
      },
    );
  }
  const result = await read();
  await client.query(`SELECT pg_advisory_unlock_shared(${PRISMA_LOCK})`);
  return result;
}
