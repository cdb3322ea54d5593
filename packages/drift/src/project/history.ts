/** What Prisma says it has applied to the database, against the migrations of the project. */
import pg from "pg";
import type { Options } from "../commands/options.ts";
import { DriftError } from "../model/errors.ts";
import type { CatalogObject } from "../model/object.ts";
import { type Fault, faultsOf } from "./faults.ts";
import type { Migration } from "./files.ts";

export type HistoryRow = {
  name: string;
  state: "applied" | "failed" | "rolled back";
  /** SHA-256 of migration.sql as it was when it was applied. */
  checksum: string;
  startedAt: Date;
};

/** "none" when Prisma has never migrated the database, "unreadable" when the login may not know. */
export type History = HistoryRow[] | "none" | "unreadable";

export type Progress = {
  applied: Migration[];
  pending: Migration[];
  faults: Fault[];
  warnings: string[];
};

/** The rows of Prisma's history table, in the order in which they were begun. To be called within `inSnapshot`. */
export async function readHistory(client: pg.Client, schemas: string[]): Promise<History> {
  const { rows } = await client.query<{ schema: string; readable: boolean }>(
    `SELECT n.nspname AS schema,
       has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS readable
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = '_prisma_migrations' AND c.relkind = 'r' ORDER BY n.nspname = ANY ($1) DESC LIMIT 1`,
    [schemas],
  );
  const table = rows[0];
  if (!table) return "none";
  if (!table.readable) return "unreadable";
  const history = await client.query<HistoryRow>(
    `SELECT migration_name AS name, checksum, started_at AS "startedAt",
       CASE WHEN rolled_back_at IS NOT NULL THEN 'rolled back' WHEN finished_at IS NULL THEN 'failed' ELSE 'applied' END AS state
     FROM ${pg.escapeIdentifier(table.schema)}._prisma_migrations ORDER BY started_at, migration_name`,
  );
  return history.rows;
}

/**
 * Tells apart which migrations the database has had and which it has yet to get. Where nothing tells that, live has to
 * be what is declared: there is no state in between to compare with.
 */
export function progressOf(
  migrations: Migration[],
  { history, objects }: { history: History; objects: CatalogObject[] },
): Progress {
  const isEmpty = objects.every(({ kind }) => kind !== "table");
  if (typeof history === "string" && !(history === "none" && isEmpty))
    return { applied: [], pending: [], faults: [], warnings: [UNKNOWN[history]] };

  const rows = typeof history === "string" ? [] : history;
  const applied = new Set(rows.filter(({ state }) => state === "applied").map(({ name }) => name));
  return {
    applied: migrations.filter(({ name }) => applied.has(name)),
    pending: migrations.filter(({ name }) => !applied.has(name)),
    faults: faultsOf(migrations, rows),
    warnings: [],
  };
}

const UNKNOWN = {
  none: "The database has no _prisma_migrations table, so nothing is known of what was applied to it.",
  unreadable:
    "The login may not read _prisma_migrations, so nothing is known of what was applied. Allow it with GRANT SELECT ON _prisma_migrations.",
};

/** What is pending is not there yet and need not be: then live has to be what the applied migrations made of it. */
export function expectationOf({ pending }: Progress, { useSnapshot, strict }: Options) {
  const isComplete = pending.length === 0 || strict;
  if (!useSnapshot) return isComplete ? "declared" : "applied migrations";
  if (isComplete) return "snapshot";
  throw new DriftError(
    `The snapshot says what the database is after all migrations, and ${pending.length} of them are pending, such as ${pending[0]?.name}. Apply them first, take the snapshot of the release that is deployed, or run the check without --snapshot.`,
  );
}
