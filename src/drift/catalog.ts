/** Reads the catalog of a database: every object of every kind, in one query. */
import type pg from "pg";
import { kinds, scope } from "./kinds.ts";
import type { CatalogObject } from "./object.ts";

/**
 * What PostgreSQL prints depends on these; with an empty search_path it writes the schema of every name. A query of many
 * cheap parts would also make the server compile it, which takes longer than running it.
 */
export const CANONICAL_OUTPUT = `
SET LOCAL search_path = '';
SET LOCAL quote_all_identifiers = off;
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO, MDY';
SET LOCAL IntervalStyle = 'postgres';
SET LOCAL bytea_output = 'hex';
SET LOCAL extra_float_digits = 1;
SET LOCAL jit = off;`;

const TIMEOUTS = "SET LOCAL lock_timeout = '10s'; SET LOCAL statement_timeout = '60s';";

const CATALOG = `WITH ${scope}
${Object.entries(kinds)
  .map(
    ([kind, select]) =>
      `SELECT '${kind}' AS kind, k.* FROM (${select}) AS k (schema, name, parent, definition)`,
  )
  .join("\nUNION ALL\n")}`;

/** Runs reads that must all see the same moment and print the same text whatever the session is set to. */
export async function inSnapshot<T>(client: pg.Client, read: () => Promise<T>): Promise<T> {
  await client.query(
    `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${TIMEOUTS} ${CANONICAL_OUTPUT}`,
  );
  try {
    return await read();
  } finally {
    await client.query("ROLLBACK").catch(() => {}); // On a dead connection there is nothing left to end.
  }
}

/** Every object of the schemas, and the extensions in them. To be called within `inSnapshot`. */
export async function readCatalog(client: pg.Client, schemas: string[]): Promise<CatalogObject[]> {
  const { rows } = await client.query<CatalogObject>(CATALOG, [schemas]);
  return rows;
}
