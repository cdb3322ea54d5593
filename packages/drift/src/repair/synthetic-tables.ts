/** The tables that get synthetic rows: what their columns are made of and refer to, and what would act on the rows. */
import type pg from "pg";
import { readValueTypes, type TypeRef, type ValueType } from "./value-types.ts";

export type FillTable = {
  oid: string;
  name: string;
  columns: FillColumn[];
  keys: Key[];
};

export type FillColumn = TypeRef & {
  number: number;
  name: string;
  /** As SQL names it, with its length. */
  type: string;
  nullable: boolean;
  value: ValueType;
};

/** A foreign key: the columns that refer, and those they refer to. */
type Key = { table: string; from: number[]; to: number[] };

type Row = {
  oid: string;
  name: string;
  columns: Omit<FillColumn, "value">[];
  keys: Key[] | null;
  checks: { columns: number[]; text: string }[] | null;
};

/** Those that a statement might name, or that are made of a type which it names; and what their rows refer to. */
const TABLES = `
WITH RECURSIVE part AS (
  SELECT oid AS type, typbasetype AS of FROM pg_type WHERE typtype = 'd'
  UNION ALL SELECT oid, typelem FROM pg_type WHERE typcategory = 'A'
  UNION ALL SELECT rngtypid, rngsubtype FROM pg_range UNION ALL SELECT rngmultitypid, rngtypid FROM pg_range
  UNION ALL SELECT c.reltype, a.atttypid FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.reltype <> 0 AND a.atttypid >= 16384
), named AS (
  SELECT t.oid FROM pg_type t WHERE $1 <> '' AND t.oid >= 16384 AND t.typcategory <> 'A' AND position(format_type(t.oid, NULL) IN $1) > 0
  UNION SELECT part.type FROM named JOIN part ON part.of = named.oid
), wanted AS (
  SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    AND ($1 = '' OR position(c.oid::regclass::text IN $1) > 0 OR EXISTS (
      SELECT FROM pg_attribute a JOIN named ON named.oid = a.atttypid
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
      OR EXISTS (SELECT FROM pg_partition_tree(c.oid) p WHERE position(p.relid::text IN $1) > 0))
  UNION
  SELECT f.confrelid FROM wanted w JOIN pg_constraint f ON f.conrelid = w.oid AND f.contype = 'f'
)
SELECT c.oid::text AS oid, c.oid::regclass::text AS name, json_agg(json_build_object(
    'number', a.attnum, 'name', quote_ident(a.attname), 'type', format_type(a.atttypid, a.atttypmod),
    'nullable', NOT a.attnotnull, 'oid', a.atttypid::text, 'modifier', a.atttypmod) ORDER BY a.attnum) AS columns,
  (SELECT json_agg(json_build_object('table', f.confrelid::text, 'from', f.conkey, 'to', f.confkey)
      ORDER BY cardinality(f.conkey) DESC, f.oid) FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f') AS keys,
  (SELECT json_agg(json_build_object('columns', k.conkey, 'text', pg_get_constraintdef(k.oid)))
    FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.conkey IS NOT NULL) AS checks
FROM wanted w JOIN pg_class c ON c.oid = w.oid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
GROUP BY c.oid ORDER BY c.oid`;

/** @param sql the statements that will be tried; empty finds all tables. Those that others refer to come first. */
export async function readFillTables(client: pg.Client, sql: string): Promise<FillTable[]> {
  const { rows } = await client.query<Row>(TABLES, [sql]);
  const oids = rows.flatMap(({ columns }) => columns.map(({ oid }) => oid));
  const typeOf = await readValueTypes(client, oids);
  const tables = rows.map(({ columns, keys, checks, ...table }) => ({
    ...table,
    keys: keys ?? [],
    columns: columns.map((column) => {
      const type = typeOf(column);
      const texts = (checks ?? []).filter((check) => check.columns.includes(column.number));
      return { ...column, value: { ...type, checks: [...type.checks, ...texts.map(textOf)] } };
    }),
  }));
  return referredFirst(tables);
}

function textOf({ text }: { text: string }): string {
  return text;
}

function referredFirst(tables: FillTable[]): FillTable[] {
  const byOid = new Map(tables.map((table) => [table.oid, table]));
  const placed = new Set<FillTable>();
  const begun = new Set<FillTable>();
  const place = (table: FillTable | undefined) => {
    if (!table || begun.has(table)) return;
    begun.add(table);
    for (const key of table.keys) place(byOid.get(key.table));
    placed.add(table);
  };
  for (const table of tables) place(table);
  return [...placed];
}

const ACTING = `
WITH filled AS (
  SELECT DISTINCT coalesce(p.relid, given.oid)::oid AS oid
  FROM unnest($1::oid[]) AS given (oid) LEFT JOIN LATERAL pg_partition_tree(given.oid) p ON true
)
SELECT format('ALTER TABLE ONLY %s DISABLE TRIGGER %I', f.oid::regclass, g.tgname) AS off,
  format('ALTER TABLE ONLY %s ENABLE %sTRIGGER %I', f.oid::regclass,
    CASE g.tgenabled WHEN 'A' THEN 'ALWAYS ' WHEN 'R' THEN 'REPLICA ' ELSE '' END, g.tgname) AS on
FROM filled f JOIN pg_trigger g ON g.tgrelid = f.oid WHERE NOT g.tgisinternal AND g.tgenabled <> 'D'
UNION ALL
SELECT format('ALTER TABLE %s DISABLE RULE %I', f.oid::regclass, w.rulename),
  format('ALTER TABLE %s ENABLE %sRULE %I', f.oid::regclass,
    CASE w.ev_enabled WHEN 'A' THEN 'ALWAYS ' WHEN 'R' THEN 'REPLICA ' ELSE '' END, w.rulename)
FROM filled f JOIN pg_rewrite w ON w.ev_class = f.oid WHERE w.ev_enabled <> 'D'
UNION ALL
SELECT format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', f.oid::regclass), format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', f.oid::regclass)
FROM filled f JOIN pg_class c ON c.oid = f.oid WHERE c.relforcerowsecurity`;

/**
 * What would change or refuse the rows of these tables: triggers, rules and policies. Their owner may silence them, so this
 * takes no superuser.
 * @returns the statements that do so, and those that take it back.
 */
export async function readActing(
  client: pg.Client,
  oids: string[],
): Promise<{ off: string[]; on: string[] }> {
  const { rows } = await client.query<{ off: string; on: string }>(ACTING, [oids]);
  return { off: rows.map(({ off }) => off), on: rows.map(({ on }) => on) };
}
