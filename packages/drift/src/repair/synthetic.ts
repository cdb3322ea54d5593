/**
 * Rows for a trial. A schema without rows shows no harm: so each table gets some, with every label of its enums, with NULL
 * where it may stand and without, and its sequences are ahead of them, as they are in a database that lives.
 */
import type pg from "pg";
import { type ColumnType, sample } from "./values.ts";

export type Filling = {
  /** Also rows with NULL wherever it may stand. */
  nulls: boolean;
  /** Tables, as `oid::regclass` prints them, that get none. */
  without: ReadonlySet<string>;
};

type Table = {
  oid: string;
  name: string;
  columns: (ColumnType & { name: string; nullable: boolean })[];
};

const ROWS = 3;
const MOST_LABELS = 20;

/** Those that a statement might name, and what their rows refer to. */
const TABLES = `
WITH RECURSIVE wanted AS (
  SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    AND ($1 = '' OR position(c.oid::regclass::text IN $1) > 0 OR EXISTS (
      SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND t.oid >= 16384
        AND position(rtrim(format_type(t.oid, NULL), '[]') IN $1) > 0)
      OR EXISTS (SELECT FROM pg_partition_tree(c.oid) p WHERE position(p.relid::text IN $1) > 0))
  UNION
  SELECT f.confrelid FROM wanted w JOIN pg_constraint f ON f.conrelid = w.oid AND f.contype = 'f'
)
SELECT c.oid::text AS oid, c.oid::regclass::text AS name, json_agg(json_build_object(
    'name', quote_ident(a.attname), 'type', format_type(a.atttypid, a.atttypmod), 'nullable', NOT a.attnotnull,
    'base', coalesce(b.typname, t.typname), 'category', coalesce(b.typcategory, t.typcategory),
    'length', CASE WHEN coalesce(b.typname, t.typname) IN ('varchar', 'bpchar') AND m.typmod > 4 THEN m.typmod - 4
      WHEN coalesce(b.typname, t.typname) IN ('bit', 'varbit') AND m.typmod > 0 THEN m.typmod END,
    'scale', CASE WHEN coalesce(b.typname, t.typname) = 'numeric' AND m.typmod > 4 THEN (m.typmod - 4) & 2047 END,
    'labels', ARRAY(SELECT e.enumlabel FROM pg_enum e WHERE e.enumtypid = coalesce(b.oid, t.oid) ORDER BY e.enumsortorder))
  ORDER BY a.attnum) AS columns
FROM wanted w JOIN pg_class c ON c.oid = w.oid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type b ON b.oid = nullif(t.typbasetype, 0),
LATERAL (SELECT CASE WHEN b.oid IS NULL THEN a.atttypmod ELSE t.typtypmod END AS typmod) m
GROUP BY c.oid ORDER BY c.oid`;

const ADVANCED = `
SELECT setval(s.seqrelid, CASE WHEN s.seqincrement > 0 THEN least(s.seqmax, greatest(s.seqmin, 1000))
  ELSE greatest(s.seqmin, least(s.seqmax, -1000)) END)
FROM pg_sequence s WHERE s.seqrelid >= 16384`;

/**
 * To be called within a transaction. What a table refuses is left out: a rule of its own that no invented row keeps.
 * @param sql the statements that will be tried; only tables that they can touch are filled. Empty fills all.
 * @returns the OIDs of the tables that were to be filled.
 */
export async function fill(client: pg.Client, sql: string, filling: Filling): Promise<string[]> {
  // Triggers would change the rows, and keys want an order. Only some may set it; else the rows come as they may.
  await attempt(client, "SET LOCAL session_replication_role = replica");
  const { rows } = await client.query<Table>(TABLES, [sql]);
  const tables = rows.filter(({ name }) => !filling.without.has(name));
  for (const table of tables) await fillTable(client, table, filling);
  await attempt(client, ADVANCED);
  await attempt(client, "SET LOCAL session_replication_role = origin");
  await attempt(client, "SET CONSTRAINTS ALL IMMEDIATE");
  return rows.map(({ oid }) => oid);
}

async function fillTable(client: pg.Client, table: Table, { nulls }: Filling): Promise<void> {
  const labels = Math.max(0, ...table.columns.map(({ labels }) => labels.length));
  const count = Math.max(ROWS, Math.min(labels, MOST_LABELS));
  const full = Array.from({ length: count }, (_, row) => rowOf(table, row, false));
  const rows = nulls ? [...full, rowOf(table, count, true)] : full;
  if (await attempt(client, insert(table, rows))) return;
  for (const row of rows) await attempt(client, insert(table, [row]));
}

function rowOf({ columns }: Table, row: number, nulls: boolean): string {
  const values = columns.map((column) => {
    const value = nulls && column.nullable ? null : sample(column, row);
    if (value === null) return column.nullable ? "NULL" : "DEFAULT";
    return `'${value.replaceAll("'", "''")}'::${column.type}`;
  });
  return `(${values.join(", ")})`;
}

function insert({ name, columns }: Table, rows: string[]): string {
  const names = columns.map((column) => column.name).join(", ");
  return `INSERT INTO ${name} (${names}) OVERRIDING SYSTEM VALUE VALUES ${rows.join(", ")}`;
}

async function attempt(client: pg.Client, sql: string): Promise<boolean> {
  await client.query("SAVEPOINT attempt");
  try {
    await client.query(sql);
    await client.query("RELEASE attempt");
    return true;
  } catch {
    await client.query("ROLLBACK TO attempt; RELEASE attempt");
    return false;
  }
}
