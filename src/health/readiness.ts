import { readdirSync } from "node:fs";
import type { Pool } from "pg";

export type Readiness = {
  ready: boolean;
  checks: { database: "ok" | "unreachable"; migrations: "ok" | "pending" | "unknown" };
};

/** The migrations that this build carries. A build without the folder has none to wait for. */
export function shippedMigrations(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** A probe that waits longer is given up by whoever sent it. */
const PATIENCE_MILLIS = 2000;

/** Whether the database answers and has every migration that this build was written for. */
export async function checkReadiness(
  pool: Pick<Pool, "query">,
  migrations: string[],
): Promise<Readiness> {
  try {
    const pending = await Promise.race([countPending(pool, migrations), giveUp()]);
    const ready = pending === 0;
    return { ready, checks: { database: "ok", migrations: ready ? "ok" : "pending" } };
  } catch (err) {
    const noHistory = err instanceof Error && "code" in err && err.code === "42P01";
    if (noHistory) return { ready: false, checks: { database: "ok", migrations: "pending" } };
    return { ready: false, checks: { database: "unreachable", migrations: "unknown" } };
  }
}

async function countPending(pool: Pick<Pool, "query">, migrations: string[]): Promise<number> {
  const { rows } = await pool.query(
    `SELECT missing FROM unnest($1::text[]) AS missing
     WHERE NOT EXISTS (
       SELECT FROM _prisma_migrations
       WHERE migration_name = missing AND finished_at IS NOT NULL AND rolled_back_at IS NULL)`,
    [migrations],
  );
  return rows.length;
}

async function giveUp(): Promise<never> {
  await Bun.sleep(PATIENCE_MILLIS);
  throw new Error(`no answer in ${PATIENCE_MILLIS} ms`);
}
