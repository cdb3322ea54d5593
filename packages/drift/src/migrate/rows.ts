/** Rows are not part of a catalog, so that INSERTs in the declared files would get lost without a word. */
import type pg from "pg";
import type { Script } from "../database/replay.ts";
import { type CatalogObject, qualifiedName } from "../model/object.ts";

/** How many rows each table has. */
export async function countRows(
  client: pg.Client,
  objects: CatalogObject[],
): Promise<Map<string, number>> {
  const tables = objects.filter(({ kind }) => kind === "table").map(qualifiedName);
  const counts = new Map<string, number>();
  for (const table of tables) {
    const { rows } = await client.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM ${table}`,
    );
    counts.set(table, rows[0]?.count ?? 0);
  }
  return counts;
}

/**
 * Files of which nothing gets into the migration: roles, settings of the server and the like are in no catalog of a schema.
 * @param changed whether each of them has changed the catalog.
 */
export function unwritten(files: Script[], changed: boolean[]): string[] {
  const isAboutRows = /\b(INSERT|COPY|UPDATE|DELETE|MERGE)\b/i;
  const says = (sql: string) => sql.replace(/--.*|\/\*[\s\S]*?\*\//g, "").trim() !== "";
  return files
    .filter(({ sql }, place) => !changed[place] && says(sql) && !isAboutRows.test(sql))
    .map(
      ({ path }) =>
        `${path} changes nothing that a migration is made from, such as a role or a setting of the server: it is not carried over.`,
    );
}

/** What has to be carried over by hand. */
export function rowWarnings(declared: Map<string, number>, history: Map<string, number>): string[] {
  return [...declared].flatMap(([table, count]) => {
    const made = history.get(table) ?? 0;
    if (made === count) return [];
    return [
      `${table} has ${count} rows as the files declare it and ${made} after the migrations. Statements about rows are not carried over: add them to migration.sql and rollback.sql.`,
    ];
  });
}
