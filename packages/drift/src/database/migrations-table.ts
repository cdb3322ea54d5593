/** The table in which Prisma keeps what it has applied to a database. */
import pg from "pg";

export type HistoryRow = {
  name: string;
  outcome: "applied" | "failed" | "rolled back";
  /** SHA-256 of migration.sql as it was when it was applied. */
  checksum: string;
  startedAt: Date;
};

/** "none" when Prisma has never migrated the database, "unreadable" when the login may not know. */
export type History = HistoryRow[] | "none" | "unreadable";

/** A policy that would hide rows is an error then, and is not asked. */
export const NO_CODE = "SET LOCAL row_security = off";

/**
 * The rows of a table for a SELECT. A view may have taken its place since it was looked at, and would run its owner's functions
 * with the rights of whoever reads: PostgreSQL samples tables alone, and those whole.
 */
export function rowsOf(table: string): string {
  return `${table} TABLESAMPLE pg_catalog.system (100)`;
}

/** The rows of the table, in the order in which they were begun. To be called within `inReadTransaction`. */
export async function readHistory(client: pg.Client, schemas: string[]): Promise<History> {
  const { rows } = await client.query<{ schema: string; readable: boolean }>(
    `SELECT n.nspname AS schema,
       has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
         -- Policies hide rows, and are code of whoever owns the table.
         AND NOT row_security_active(c.oid) AS readable
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = '_prisma_migrations' AND c.relkind = 'r' ORDER BY n.nspname = ANY ($1) DESC LIMIT 1`,
    [schemas],
  );
  const table = rows[0];
  if (!table) return "none";
  if (!table.readable) return "unreadable";
  await client.query(NO_CODE);
  const history = await client.query<HistoryRow>(
    `SELECT migration_name AS name, checksum, started_at AS "startedAt",
       CASE WHEN rolled_back_at IS NOT NULL THEN 'rolled back' WHEN finished_at IS NULL THEN 'failed' ELSE 'applied' END AS outcome
     FROM ${rowsOf(`${pg.escapeIdentifier(table.schema)}._prisma_migrations`)} ORDER BY started_at, migration_name`,
  );
  return history.rows;
}
