/** What Prisma says it has applied to the database, against the migrations of the project. */
import pg from "pg";
import type { Migration } from "./files.ts";

export type HistoryRow = { name: string; state: "applied" | "failed" };

export type Progress = {
  applied: Migration[];
  pending: Migration[];
  warnings: string[];
};

/** The rows of Prisma's history table, or null when there is none. To be called within `inSnapshot`. */
export async function readHistory(
  client: pg.Client,
  schemas: string[],
): Promise<HistoryRow[] | null> {
  const { rows } = await client.query<{ schema: string }>(
    `SELECT n.nspname AS schema FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = '_prisma_migrations' AND c.relkind = 'r' ORDER BY n.nspname = ANY ($1) DESC LIMIT 1`,
    [schemas],
  );
  if (!rows[0]) return null;
  const history = await client.query<HistoryRow>(
    `SELECT migration_name AS name, CASE WHEN finished_at IS NULL THEN 'failed' ELSE 'applied' END AS state
     FROM ${pg.escapeIdentifier(rows[0].schema)}._prisma_migrations
     WHERE rolled_back_at IS NULL ORDER BY migration_name`,
  );
  return history.rows;
}

/** Tells apart which migrations the database has had and which it has yet to get. */
export function progressOf(migrations: Migration[], history: HistoryRow[]): Progress {
  const names = (state: HistoryRow["state"]) =>
    history.filter((row) => row.state === state).map(({ name }) => name);
  const applied = new Set(names("applied"));
  const known = new Set(migrations.map(({ name }) => name));
  const unknown = [...applied].filter((name) => !known.has(name));
  return {
    applied: migrations.filter(({ name }) => applied.has(name)),
    pending: migrations.filter(({ name }) => !applied.has(name)),
    warnings: [
      ...names("failed").map(
        (name) => `Migration ${name} failed half-way. See \`prisma migrate resolve\`.`,
      ),
      ...unknown.map(
        (name) => `Migration ${name} is applied to the database but not in the migrations folder.`,
      ),
    ],
  };
}
