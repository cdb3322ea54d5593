/** The database of a command, for as long as its work takes. */
import type { Config } from "../config.ts";
import { inWords } from "../db/await-database.ts";
import { createDatabase, createPool, type Database } from "../db/client.ts";
import type { ScopedPool } from "../db/scoped-pool.ts";

type Parts = { pool: ScopedPool; db: Database };

/** @throws what `work` throws; StartFault that names the host and the cause, where there is no connection. */
export async function withDatabase<T>(
  config: Config,
  work: (parts: Parts) => Promise<T>,
): Promise<T> {
  const pool = createPool(config);
  const db = createDatabase(pool, config.databaseTimeoutSeconds);
  try {
    return await work({ pool, db });
  } catch (err) {
    throw await inWords(err, config.databaseUrl);
  } finally {
    await db.$disconnect();
    await pool.end();
  }
}
