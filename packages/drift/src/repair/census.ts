/** What rows a database has, and what counts for the next: taken before and after a trial, to see what became of them. */
import type pg from "pg";

export type Census = {
  tables: CountedTable[];
  /** Columns that a sequence numbers. */
  numbered: Numbered[];
  /** Which sequence has which key; made anew, it is another one. */
  sequences: Map<string, string>;
};

export type CountedTable = {
  oid: string;
  name: string;
  /** Names another one after a rewrite. */
  files: string;
  columns: { number: number; name: string; computed: boolean }[];
  /** Its rows count with those of its whole. */
  isPart: boolean;
  rows: Record<string, unknown>[];
};

/** A column and the sequence that is its own. */
export type Numbered = { name: string; sequence: string; isAhead: boolean };

const TABLES = `
SELECT c.oid::text AS oid, c.oid::regclass::text AS name, c.relkind = 'p' AS whole, c.relforcerowsecurity AS forced,
  c.relispartition AS "isPart",
  concat(pg_relation_filenode(c.oid), (SELECT string_agg(pg_relation_filenode(p.relid)::text, ' ' ORDER BY p.relid)
    FROM pg_partition_tree(c.oid) p WHERE c.relkind = 'p')) AS files,
  (SELECT coalesce(json_agg(json_build_object('number', a.attnum, 'name', a.attname, 'computed', a.attgenerated <> '')), '[]')
    FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.oid`;

const NUMBERED = `
SELECT s.seqrelid::regclass::text AS sequence, s.seqincrement > 0 AS rises,
  a.attrelid::regclass::text AS name, quote_ident(a.attname) AS member
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
  AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
JOIN pg_sequence s ON s.seqrelid = d.objid
WHERE a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) AND NOT a.attisdropped AND a.attrelid = ANY ($1::oid[])`;

const SEQUENCES = `
SELECT 'sequence ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS key, c.oid::text AS oid
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S' AND c.oid >= 16384`;

/**
 * To be called within a transaction, which it leaves as it was.
 * @param filled OIDs of the tables whose rows count.
 */
export async function takeCensus(client: pg.Client, filled: string[]): Promise<Census> {
  await client.query("SAVEPOINT census");
  try {
    return {
      tables: await countTables(client, new Set(filled)),
      numbered: await findNumbered(client, filled),
      sequences: await readSequences(client),
    };
  } finally {
    await client.query("ROLLBACK TO census; RELEASE census");
  }
}

async function readSequences(client: pg.Client): Promise<Map<string, string>> {
  const { rows } = await client.query<{ key: string; oid: string }>(SEQUENCES);
  return new Map(rows.map(({ key, oid }) => [key, oid]));
}

/** Which files hold the rows of which table: other ones than before mean that the rows were written anew. */
export async function readFiles(client: pg.Client): Promise<Map<string, string>> {
  const { rows } = await client.query<Omit<CountedTable, "rows">>(TABLES);
  return new Map(rows.flatMap(({ name, files, isPart }) => (isPart ? [] : [[name, files]])));
}

async function countTables(client: pg.Client, filled: Set<string>): Promise<CountedTable[]> {
  type Row = Omit<CountedTable, "rows"> & { whole: boolean; forced: boolean };
  const { rows: tables } = await client.query<Row>(TABLES);
  const counted: CountedTable[] = [];
  for (const { whole, forced, ...table } of tables) {
    if (!filled.has(table.oid)) {
      counted.push({ ...table, rows: [] });
      continue;
    }
    // Whoever owns a table may be held by its policies, and would not see all of it.
    if (forced) await client.query(`ALTER TABLE ${table.name} NO FORCE ROW LEVEL SECURITY`);
    // `t` alone would be a column of that name, where there is one.
    const { rows } = await client.query<{ row: Record<string, unknown> }>(
      `SELECT to_jsonb(t.*) AS row FROM ${whole ? "" : "ONLY "}${table.name} t`,
    );
    counted.push({ ...table, rows: rows.map(({ row }) => row) });
  }
  return counted;
}

async function findNumbered(client: pg.Client, filled: string[]): Promise<Numbered[]> {
  const { rows } = await client.query<{
    sequence: string;
    rises: boolean;
    name: string;
    member: string;
  }>(NUMBERED, [filled]);
  const numbered: Numbered[] = [];
  for (const { sequence, rises, name, member } of rows) {
    const end = rises ? "max" : "min";
    const { rows: found } = await client.query<{ ahead: boolean }>(
      `SELECT coalesce(s.is_called AND s.last_value ${rises ? ">=" : "<="} t.n OR s.last_value ${rises ? ">" : "<"} t.n, true) AS ahead
       FROM ${sequence} s, (SELECT ${end}(${member}) AS n FROM ${name}) t`,
    );
    numbered.push({ name: `${name}.${member}`, sequence, isAhead: found[0]?.ahead ?? true });
  }
  return numbered;
}
