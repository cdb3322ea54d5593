import { readdirSync } from "node:fs";
import type { Pool } from "pg";

export type Readiness = { ready: boolean; checks: { database: "ok" | "unreachable"; migrations: "ok" | "pending" | "unknown" } };

/** The migrations that this build carries. A build without the folder has none to wait for. */
export function shippedMigrations(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** Whether the database answers and has every migration that this build was written for. */
export async function checkReadiness(pool: Pool, migrations: string[]): Promise<Readiness> {
  try {
    const { rows } = await pool.query<{ missing: string }>(
      `SELECT missing FROM unnest($1::text[]) AS missing
       WHERE NOT EXISTS (
         SELECT FROM _prisma_migrations
         WHERE migration_name = missing AND finished_at IS NOT NULL AND rolled_back_at IS NULL)`,
      [migrations],
    );
    return { ready: rows.length === 0, checks: { database: "ok", migrations: rows.length === 0 ? "ok" : "pending" } };
  } catch (err) {
    const noHistory = err instanceof Error && "code" in err && err.code === "42P01";
    if (noHistory) return { ready: false, checks: { database: "ok", migrations: "pending" } };
    return { ready: false, checks: { database: "unreachable", migrations: "unknown" } };
  }
}
