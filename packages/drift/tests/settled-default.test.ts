/** Types and defaults that mean the same are no drift, and what might differ in one row is. */
import { afterAll, describe, expect, test } from "bun:test";
import pg from "pg";
import { createDatabase } from "../../../tests/support/postgres.ts";
import { inReadTransaction, readCatalog } from "../src/catalog/catalog.ts";
import { settledDefault, settledTypes } from "../src/catalog/kinds/settled-default.ts";

const database = await createDatabase({ template: false });
const client = new pg.Client({ connectionString: database.url });
await client.connect();
await client.query(
  "CREATE TYPE hue AS ENUM ('red', 'deep blue'); CREATE DOMAIN word AS text DEFAULT 'x'",
);

afterAll(async () => {
  await client.end();
  await database.drop();
});

/** The definition of a column as the check reads it. */
async function definitionOf(column: string): Promise<string> {
  await client.query(`DROP TABLE IF EXISTS t; CREATE TABLE t (c ${column})`);
  const objects = await inReadTransaction(client, () => readCatalog(client, ["public"]));
  return objects.find(({ kind }) => kind === "column")?.definition ?? "";
}

describe("the same", () => {
  const groups = [
    [
      "timestamptz DEFAULT now()",
      "timestamptz(6) DEFAULT CURRENT_TIMESTAMP",
      "timestamptz DEFAULT transaction_timestamp()",
    ],
    [
      "timestamp(3) DEFAULT now()",
      "timestamp(3) DEFAULT CURRENT_TIMESTAMP(3)",
      "timestamp(3) DEFAULT LOCALTIMESTAMP",
    ],
    ["time", "time(6)"],
    ["time DEFAULT LOCALTIME", "time(6) DEFAULT LOCALTIME(6)"],
    ["timestamp DEFAULT LOCALTIMESTAMP(6)", "timestamp DEFAULT now()"],
    ["char(3) DEFAULT 'abc'", "char(3) DEFAULT 'abc'::text", "char(3) DEFAULT 'abc'::varchar"],
    ["interval second", "interval second(6)"],
    ["timestamp[]", "timestamp(6)[]"],
    ["date DEFAULT CURRENT_DATE", "date DEFAULT now()", "date DEFAULT now()::date"],
    [
      "text[] DEFAULT '{}'",
      "text[] DEFAULT ARRAY[]::text[]",
      "text[] DEFAULT (ARRAY[]::varchar[])",
    ],
    [
      "varchar(8)[] DEFAULT '{}'",
      "varchar(8)[] DEFAULT ARRAY[]::varchar[]",
      "varchar(8)[] DEFAULT ARRAY[]::varchar(8)[]",
    ],
    [
      'text[] DEFAULT \'{a,"b, c","NULL","","it\'\'s","q\\"\\\\",NULL}\'',
      "text[] DEFAULT ARRAY['a', 'b, c', 'NULL', '', 'it''s', 'q\"\\', NULL]",
    ],
    ["int[] DEFAULT '{1,-2,NULL}'", "int[] DEFAULT ARRAY[1, -2, NULL]"],
    ["boolean[] DEFAULT '{t,f}'", "boolean[] DEFAULT ARRAY[true, false]"],
    ["hue[] DEFAULT '{red,\"deep blue\"}'", "hue[] DEFAULT ARRAY['red', 'deep blue']::hue[]"],
    ["text DEFAULT ''", "text DEFAULT ''::varchar"],
    ["varchar(9) DEFAULT 'a'", "varchar(9) DEFAULT 'a'::text"],
    ["text", "text DEFAULT NULL", "text DEFAULT NULL::varchar"],
    ["bigint DEFAULT 0", "bigint DEFAULT 0::bigint", "bigint DEFAULT '0'"],
    ["bigint DEFAULT -5", "bigint DEFAULT (-5)::bigint", "bigint DEFAULT '-5'"],
    ["numeric DEFAULT 0", "numeric DEFAULT 0.0", "numeric DEFAULT '0'"],
    ["numeric(8,2) DEFAULT 1.5", "numeric(8,2) DEFAULT 1.50", "numeric(8,2) DEFAULT '1.50'"],
    ["float8 DEFAULT 0.0 NOT NULL", "float8 NOT NULL DEFAULT 0"],
    ["jsonb DEFAULT '{}'", "jsonb DEFAULT '{}'::json"],
    ["json DEFAULT '[]'", "json DEFAULT '[]'::jsonb"],
    ["time DEFAULT LOCALTIME", "time DEFAULT now()", "time DEFAULT now()::time"],
    ["timestamp DEFAULT now()", "timestamp DEFAULT now()::timestamp"],
    ["money DEFAULT 0", "money DEFAULT '0'", "money DEFAULT 0.00", "money DEFAULT 0::money"],
    ["money DEFAULT 1234.5", "money DEFAULT '$1,234.50'", "money DEFAULT '1234.5'::money"],
    ["money DEFAULT -5", "money DEFAULT '-$5.00'", "money DEFAULT '-5'::money"],
  ];
  for (const [first = "", ...others] of groups) {
    for (const other of others)
      test(`${first} = ${other}`, async () => {
        const definition = await definitionOf(first);
        expect(await definitionOf(other)).toBe(definition);
        // What is printed is SQL that makes the same again.
        expect(await definitionOf(definition)).toBe(definition);
      });
  }
});

describe("not the same", () => {
  for (const [one, other] of [
    ["timestamptz(3)", "timestamptz"],
    ["timestamptz DEFAULT now()", "timestamptz DEFAULT clock_timestamp()"],
    ["timestamptz DEFAULT now()", "timestamptz DEFAULT CURRENT_TIMESTAMP(0)"],
    ["timestamptz DEFAULT now()", "timestamptz DEFAULT LOCALTIMESTAMP"],
    ["text DEFAULT now()", "text DEFAULT 'now()'"],
    ["text DEFAULT 'timestamp(6)'", "text DEFAULT 'timestamp'"],
    ["text DEFAULT ''", "text"],
    ["text[] DEFAULT '{}'", "text[]"],
    ["text[] DEFAULT '{a}'", "text[] DEFAULT ARRAY['b']"],
    ["text[] DEFAULT '{NULL}'", "text[] DEFAULT ARRAY['NULL']"],
    ["numeric DEFAULT 0.1", "numeric DEFAULT 0.10001"],
    ["integer DEFAULT 10", "integer DEFAULT 100"],
    ["integer DEFAULT 1", "integer DEFAULT -1"],
    ["text DEFAULT 'a '::char(2)", "text DEFAULT 'a '"],
    ["real DEFAULT 1.5", "real DEFAULT 1.5::int"],
    ["word DEFAULT NULL", "word"],
    ["money DEFAULT 1", "money DEFAULT 10"],
    ["money DEFAULT '0.12'", "money DEFAULT 12"],
    ["json DEFAULT '{\"a\": 1}'", "json DEFAULT '{\"a\": 1}'::jsonb"],
    ["time DEFAULT now()", "time DEFAULT LOCALTIME(0)"],
    ["varchar(2)", "text"],
  ] as const)
    test(`${one} ≠ ${other}`, async () =>
      expect(await definitionOf(one)).not.toBe(await definitionOf(other)));
});

/** All kinds whose texts have expressions, with a clock in them. */
async function withClock(clock: string) {
  await client.query(`DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s; SET search_path = s;
    CREATE TABLE t (at timestamptz, CHECK (at < ${clock}), CHECK (at::text <> 'now()'));
    CREATE VIEW v AS SELECT ${clock} AS a, t.at FROM t WHERE at < ${clock} + interval '1 hour';
    CREATE MATERIALIZED VIEW m AS SELECT ${clock} AS a;
    CREATE FUNCTION f(a timestamptz DEFAULT ${clock}) RETURNS text LANGUAGE sql AS 'SELECT ''now()'' ';
    CREATE FUNCTION g() RETURNS bool LANGUAGE sql BEGIN ATOMIC SELECT ${clock} > '2020-01-01'; END;
    CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN now(); END';
    CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW WHEN (OLD.at < ${clock}) EXECUTE FUNCTION fired();
    CREATE POLICY p ON t USING (at < ${clock});
    CREATE RULE r AS ON UPDATE TO t WHERE OLD.at < ${clock} DO INSTEAD NOTHING;
    CREATE DOMAIN d AS timestamptz CHECK (VALUE < ${clock});
    RESET search_path`);
  const objects = await inReadTransaction(client, () => readCatalog(client, ["s"]));
  return objects.map(({ kind, name, definition }) => [kind, name, definition].join(" "));
}

test("the clock is the same by every name, in expressions of every kind, and another clock is none", async () => {
  const texts = await withClock("now()");
  for (const clock of ["CURRENT_TIMESTAMP", "transaction_timestamp()", "now()::timestamptz(6)"])
    expect(await withClock(clock)).toEqual(texts);
  expect(texts.filter((text) => text.includes("'now()'"))).toHaveLength(2);
  const others = await withClock("clock_timestamp()");
  expect(others.filter((text, place) => text !== texts[place])).toHaveLength(9);
});

test("a function of that name elsewhere, and a text in quotes, are let be", () => {
  for (const definition of [
    "date DEFAULT public.now()",
    "text DEFAULT 'now() ; x'::text; SET STORAGE PLAIN",
    "text DEFAULT ('a'::text || 'b'::text)",
    'public."timestamp(6)" NOT NULL',
  ])
    expect(settledDefault(settledTypes(definition))).toBe(definition);
});
