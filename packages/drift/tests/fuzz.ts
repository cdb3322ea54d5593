/**
 * Random schemas with rows, broken and mended. Whatever the repair calls safe is run on the live database, and its rows are
 * compared with what they were: by this file's own reading, which shares nothing with the proof that it tests.
 */
import fc from "fast-check";
import type pg from "pg";
import { CANONICAL_OUTPUT, inReadTransaction, readCatalog } from "../src/catalog/catalog.ts";
import { differingKeys, unlikeKeys } from "../src/model/diff.ts";
import { propose, statements } from "../src/repair/proposal.ts";
import { PLAN_SETTINGS } from "../src/repair/trial.ts";
import { someBreaks } from "./breaks.ts";
import { randomSchema } from "./random-schema.ts";

export type Fuzz = { live: pg.Client; scratch: pg.Client };

const reader = (client: pg.Client) => readCatalog(client, ["t"], { prepare: true });
const catalogOf = (client: pg.Client) => inReadTransaction(client, () => reader(client));

const scenario = fc.record({
  declared: randomSchema,
  other: fc.option(randomSchema, { freq: 1 }),
  breaks: someBreaks,
  numbers: fc.array(fc.integer({ min: 0, max: 999 }), { minLength: 6, maxLength: 6 }),
});

/** One round. Gives what went wrong, in words; null when nothing did. */
export async function fuzzOnce({ live, scratch }: Fuzz, seed: number): Promise<string | null> {
  const [round] = fc.sample(scenario, { seed, numRuns: 1 });
  if (!round) return "no scenario";
  const expected = await remade(live, round.declared);
  await remade(live, round.other ?? round.declared);
  await insertRows(live, round.numbers);
  for (const sql of round.breaks) await live.query(sql).catch(() => live.query("ROLLBACK"));
  const actual = await catalogOf(live);
  await remade(scratch, "");

  const proposal = await propose(scratch, { actual, expected, reader });
  const { safe, destructive, doubt, safeDoubt } = proposal;
  const tell = (problem: string) =>
    [
      problem,
      "-- declared",
      round.declared,
      "-- broken by",
      round.other ? "another schema" : "",
      ...round.breaks,
      "-- safe",
      ...statements(safe),
    ].join("\n");
  if (safeDoubt !== null) return null; // Nothing would be run.
  const before = await rowsOf(live);
  // An index of a table with another name follows that, and goes on to when it has its own name back.
  const known = unlikeKeys(expected, actual);

  const failure = await run(live, statements(safe));
  if (failure && !/^(22|23)/.test(failure.code ?? ""))
    return tell(`safe steps fail: ${failure.message}`);
  if (failure) return null; // A row was in the way, and all of it was rolled back.
  const harm = harmBetween(before, await rowsOf(live)) ?? (await numbersTwice(live));
  if (harm) return tell(harm);
  const left = differingKeys(expected, await catalogOf(live)).filter((key) => !known.has(key));
  if (left.length > 0) return tell(`the safe steps leave ${left}`);

  if (doubt !== null || destructive.length === 0) return null;
  const second = await run(live, statements(destructive));
  if (second)
    return /^(22|23|42804|42846)/.test(second.code ?? "")
      ? null
      : tell(`the rest fails: ${second.message}`);
  const rest = differingKeys(expected, await catalogOf(live));
  return rest.length > 0 ? tell(`all of it leaves ${rest}`) : null;
}

async function remade(client: pg.Client, sql: string) {
  await client.query("RESET ALL; SET client_min_messages = error; DROP SCHEMA IF EXISTS t CASCADE");
  if (sql) await client.query(sql);
  return catalogOf(client);
}

async function run(
  client: pg.Client,
  sql: string[],
): Promise<{ code?: string; message: string } | null> {
  try {
    await client.query(`BEGIN; ${PLAN_SETTINGS}`);
    for (const statement of sql) await client.query(statement);
    await client.query(`${CANONICAL_OUTPUT}; COMMIT`);
    return null;
  } catch (error) {
    await client.query("ROLLBACK");
    return error as { code?: string; message: string };
  }
}

type Rows = Map<string, Map<string, string[]>>;

const COLUMNS = `SELECT c.oid::regclass::text AS table, quote_ident(a.attname) AS column, a.attgenerated <> '' AS computed
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE c.relnamespace = 't'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1, 2`;

/** Values by table and column, as text. */
async function rowsOf(client: pg.Client): Promise<Rows> {
  await client.query("SET search_path = ''; SET TimeZone = 'UTC'");
  const { rows } = await client.query<{ table: string; column: string }>(COLUMNS);
  const all: Rows = new Map();
  for (const [table, columns] of Map.groupBy(rows, (row) => row.table)) {
    const values = new Map<string, string[]>();
    for (const { column } of columns) {
      const found = await client.query<{ v: string | null }>(
        `SELECT ${column}::text AS v FROM ${table} ORDER BY 1`,
      );
      values.set(
        column,
        found.rows.map(({ v }) => v ?? "(null)"),
      );
    }
    all.set(table, values);
  }
  return all;
}

function harmBetween(before: Rows, after: Rows): string | null {
  for (const [table, columns] of before)
    for (const [column, values] of columns) {
      const now = after.get(table)?.get(column);
      const hadValues = values.some((value) => value !== "(null)");
      if (now === undefined && !hadValues) continue;
      if (now === undefined) return `the values of ${table}.${column} are gone`;
      if (now.join("\n") !== values.join("\n"))
        return `the values of ${table}.${column} have changed from ${values} to ${now}`;
    }
  return null;
}

/** The next number of a column must be one that no row has. */
async function numbersTwice(client: pg.Client): Promise<string | null> {
  const { rows } = await client.query<{ table: string; sequence: string | null }>(
    `SELECT c.oid::regclass::text AS table, pg_get_serial_sequence(c.oid::regclass::text, 'id') AS sequence FROM pg_class c
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'id' WHERE c.relnamespace = 't'::regnamespace AND c.relkind = 'r'`,
  );
  for (const { table, sequence } of rows) {
    if (sequence === null) continue;
    const { rows: found } = await client.query<{ twice: boolean }>(
      `SELECT coalesce(nextval('${sequence.replaceAll("'", "''")}') <= (SELECT max(id) FROM ${table}), false) AS twice`,
    );
    if (found[0]?.twice) return `${table} gives a number twice`;
  }
  return null;
}

const VALUES: Record<string, (n: number) => string> = {
  int4: (n) => String(n),
  int8: (n) => String(n * 7),
  text: (n) => `text ${n}`,
  varchar: (n) => `chars ${n}`,
  numeric: (n) => `${n}.${n % 100}`,
  bool: (n) => String(n % 3 === 0),
  timestamptz: (n) => `2010-01-01 00:00:00+00`.replace("2010", String(2000 + (n % 50))),
  jsonb: (n) => `{"n": ${n}}`,
  _text: (n) => `{x${n}}`,
  place: (n) => `(${n},x)`,
  _place: (n) => `{"(${n},x)"}`,
};

/** Some with NULL where that is allowed; ids come from the sequences. */
async function insertRows(client: pg.Client, numbers: number[]): Promise<void> {
  const { rows } = await client.query<{
    table: string;
    column: string;
    type: string;
    nullable: boolean;
    labels: string[];
  }>(
    `SELECT c.oid::regclass::text AS table, quote_ident(a.attname) AS column, t.typname AS type, NOT a.attnotnull AS nullable,
       ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder) AS labels
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_type t ON t.oid = a.atttypid
     WHERE c.relnamespace = 't'::regnamespace AND c.relkind = 'r' AND a.attname NOT IN ('id', 'ref') AND a.attgenerated = '' ORDER BY c.oid, a.attnum`,
  );
  for (const [table, columns] of Map.groupBy(rows, (row) => row.table))
    for (const n of numbers) {
      const values = columns.map(({ type, nullable, labels }, i) => {
        if (nullable && (n + i) % 4 === 0) return "NULL";
        const value = labels.length > 0 ? labels[(n + i) % labels.length] : VALUES[type]?.(n + i);
        return value === undefined ? "DEFAULT" : `'${value.replaceAll("'", "''")}'`;
      });
      const names = columns.map(({ column }) => column);
      await client.query(`INSERT INTO ${table} (${names}) VALUES (${values})`).catch(() => {});
    }
}
