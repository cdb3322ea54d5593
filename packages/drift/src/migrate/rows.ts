/** Rows are not part of a catalog, so that INSERTs in the declared files would get lost without a word. */
import type pg from "pg";
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
