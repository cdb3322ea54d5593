/**
 * Rows for a trial. A schema without rows shows no harm: so each table gets some, with every label of its enums, with NULL
 * where it may stand and without, and its sequences are ahead of them, as they are in a database that lives.
 */
import type pg from "pg";
import { type FillColumn, type FillTable, readActing, readFillTables } from "./synthetic-tables.ts";
import { type Guess, labelsIn, sample } from "./values.ts";

export type Filling = {
  /** Also rows with NULL wherever it may stand. */
  nulls: boolean;
  /** Tables, as `oid::regclass` prints them, that get none. */
  without: ReadonlySet<string>;
};

const ROWS = 3;
const MOST_LABELS = 20;
/** Keys that refer to keys that refer …: further than that they go in a circle. */
const MOST_KEYS = 20;

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
  const all = await readFillTables(client, sql);
  const tables = all.filter(({ name }) => !filling.without.has(name));
  const oids = tables.map(({ oid }) => oid);
  const { off, on } = await readActing(client, oids);
  // With events still to come, nothing could be done to a table.
  await client.query(["SET CONSTRAINTS ALL IMMEDIATE", ...off].join(";\n"));
  const byOid = new Map(tables.map((table) => [table.oid, table]));
  const empty: FillTable[] = [];
  for (const table of tables)
    if (!(await fillTable(client, table, byOid, filling))) empty.push(table);
  // One whose keys go in a circle can refer to rows now that come after it.
  for (const table of empty) await fillTable(client, table, byOid, filling);
  await client.query(["SELECT", ...on].join(";\n"));
  await attempt(client, ADVANCED);
  return all.map(({ oid }) => oid);
}

type Tables = ReadonlyMap<string, FillTable>;
type Kind = { guess: Guess; nulls: "none" | "keys" | "all" };

/** What is tried for a row that is refused: a CHECK may want a value that it names, or none like it. */
const GUESSES: Guess[] = ["told", "plain", "far"];
const KINDS: Kind[] = (["none", "keys"] as const).flatMap((nulls) =>
  GUESSES.map((guess) => ({ guess, nulls })),
);

/** False when the table has taken no row. */
async function fillTable(
  client: pg.Client,
  table: FillTable,
  tables: Tables,
  { nulls }: Filling,
): Promise<boolean> {
  const rowOf = (row: number, kind: Kind) => valuesOf(table, tables, row, kind);
  const full = Array.from({ length: countOf(table) }, (_, row) => row);
  const take = (...rows: string[]) => attempt(client, insert(table, rows));
  const takeOne = async (rows: string[]) => {
    for (const row of rows) if (await take(row)) return true;
    return false;
  };
  const [first] = KINDS as [Kind];
  let isFilled = await take(...full.map((row) => rowOf(row, first)));
  if (!isFilled)
    for (const row of full)
      isFilled = (await takeOne(KINDS.map((kind) => rowOf(row, kind)))) || isFilled;
  if (nulls) await takeOne(GUESSES.map((guess) => rowOf(full.length, { guess, nulls: "all" })));
  return isFilled;
}

/** How many rows a table gets that have a value in each column. */
function countOf({ columns }: FillTable): number {
  const labels = Math.max(0, ...columns.map(({ value }) => labelsIn(value)));
  return Math.max(ROWS, Math.min(labels, MOST_LABELS));
}

function valuesOf(table: FillTable, tables: Tables, row: number, { guess, nulls }: Kind): string {
  const values = table.columns.map((column) => {
    const isKey = table.keys.some(({ from }) => from.includes(column.number));
    const isNull = column.nullable && (nulls === "all" || (nulls === "keys" && isKey));
    const value = isNull ? null : literalAt({ table, column }, tables, { row, guess });
    if (value === null) return column.nullable ? "NULL" : "DEFAULT";
    return `'${value.replaceAll("'", "''")}'::${column.type}`;
  });
  return `(${values.join(", ")})`;
}

type Place = { table: FillTable; column: FillColumn };

/** What refers to a row of another table has that row's value. */
function literalAt(
  { table, column }: Place,
  tables: Tables,
  { row, guess }: { row: number; guess: Guess },
  depth = 0,
): string | null {
  const key = table.keys.find(({ from }) => from.includes(column.number));
  const other = key && depth < MOST_KEYS ? tables.get(key.table) : undefined;
  const number = key?.to[key.from.indexOf(column.number)];
  const referred = other?.columns.find((one) => one.number === number);
  if (!other || !referred) return sample(column.value, row, guess);
  const there = { row: row % countOf(other), guess };
  return literalAt({ table: other, column: referred }, tables, there, depth + 1);
}

function insert({ name, columns }: FillTable, rows: string[]): string {
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
