/** Reads the catalog of a database: every object of every kind, in one query. */
import type pg from "pg";
import type { CatalogObject } from "../model/object.ts";
import { attachedTables } from "./kinds/attached.ts";
import { sharedTables } from "./kinds/shared-tables.ts";
import { attachedKinds, canonicalText, declaredKinds, objectKinds } from "./kinds.ts";

/**
 * What PostgreSQL prints depends on these; with an empty search_path it writes the schema of every name. A query of many
 * cheap parts would also make the server compile it, or plan it again each time, which takes longer than running it.
 */
export const CANONICAL_OUTPUT = `
SET LOCAL search_path = '';
SET LOCAL quote_all_identifiers = off;
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO, MDY';
SET LOCAL IntervalStyle = 'postgres';
SET LOCAL bytea_output = 'hex';
SET LOCAL extra_float_digits = 1;
SET LOCAL jit = off;
SET LOCAL plan_cache_mode = force_generic_plan;`;

const TIMEOUTS = "SET LOCAL lock_timeout = '10s'; SET LOCAL statement_timeout = '60s';";

export type CatalogOptions = {
  /** Compares who owns what. In a scratch database that is whoever runs the check, so it is off. */
  owners?: boolean;
  /** Compares what roles other than the owner may do. */
  grants?: boolean;
  /** Plans the query once, for a connection that reads many times. It must not DISCARD ALL in between. */
  prepare?: boolean;
};

/** Runs reads that must all see the same moment and print the same text whatever the session is set to. */
export async function inReadTransaction<T>(client: pg.Client, read: () => Promise<T>): Promise<T> {
  await client.query(
    `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${TIMEOUTS} ${CANONICAL_OUTPUT}`,
  );
  try {
    return await read();
  } finally {
    await client.query("ROLLBACK").catch(() => {}); // On a dead connection there is nothing left to end.
  }
}

/** Every object of the schemas, and of the database as a whole. To be called within `inReadTransaction`. */
export async function readCatalog(
  client: pg.Client,
  schemas: string[],
  { owners = false, grants = true, prepare = false }: CatalogOptions = {},
): Promise<CatalogObject[]> {
  const leftOut = [...(owners ? [] : ["owner"]), ...(grants ? [] : ["grant", "default privilege"])];
  const { rows } = await client.query<CatalogObject>({
    text: catalogQuery(leftOut),
    values: [schemas],
    ...(prepare && { name: `catalog without ${leftOut}` }),
  });
  for (const row of rows) row.definition = canonicalText(row.kind, row.definition);
  return rows;
}

/** Where PostgreSQL keeps each object of all schemas, by its key: one that was made anew is elsewhere. */
export async function readIdentities(client: pg.Client): Promise<Map<string, string>> {
  const { rows } = await client.query<{ key: string; place: string }>({
    name: "identities",
    text: `WITH ${sharedTables}
SELECT rtrim(concat(kind, ' ', nullif(schema, '') || '.', name)) AS key, concat_ws(' ', class::oid, oid, sub) AS place
FROM (${union(objectKinds, OBJECT)}) AS object`,
    values: [await schemasOf(client)],
  });
  return new Map(rows.map(({ key, place }) => [key, place]));
}

async function schemasOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    "SELECT nspname::text AS name FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'",
  );
  return rows.map(({ name }) => name);
}

export const OBJECT = "class, oid, sub, schema, name, parent, definition";

/** Objects are read first, and then what is attached to them. */
function catalogQuery(leftOut: string[]): string {
  return `WITH ${sharedTables},
object AS MATERIALIZED (
${union({ ...objectKinds, ...declaredKinds }, OBJECT, leftOut)}
),
${attachedTables}
SELECT kind, schema, name, parent, definition FROM object
UNION ALL
${union(attachedKinds, "schema, name, parent, definition", leftOut)}`;
}

/** @param leftOut kinds */
export function union(
  kinds: Record<string, string>,
  columns: string,
  leftOut: string[] = [],
): string {
  return Object.entries(kinds)
    .filter(([kind]) => !leftOut.includes(kind))
    .map(([kind, select]) => `SELECT '${kind}' AS kind, k.* FROM (${select}) AS k (${columns})`)
    .join("\nUNION ALL\n");
}
