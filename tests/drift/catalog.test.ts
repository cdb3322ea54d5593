/** What is read of a database, and how a scratch database comes by its locale. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import pg from "pg";
import { inSnapshot, readCatalog } from "../../src/drift/catalog.ts";
import { readUnmodelled } from "../../src/drift/coverage.ts";
import { diff } from "../../src/drift/diff.ts";
import { kinds } from "../../src/drift/kinds.ts";
import { keyOf } from "../../src/drift/object.ts";
import { withScratchDatabase } from "../../src/drift/scratch.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { execute } from "./project.ts";
import { shop, shopSchemas } from "./shop.ts";

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createDatabase({ template: false });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(shop);
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

const read = () => inSnapshot(client, () => readCatalog(client, shopSchemas));

test("the shop schema has every kind, each object once and each parent among them", async () => {
  const objects = await read();
  const keys = new Set(objects.map(keyOf));
  expect([...new Set(objects.map(({ kind }) => kind))].sort()).toEqual(Object.keys(kinds).sort());
  expect(keys.size).toBe(objects.length);
  expect(objects.filter(({ parent }) => parent !== "" && !keys.has(parent))).toEqual([]);
});

test("definitions hold no OIDs: the same statements give the same catalog in another database", async () => {
  const other = await createDatabase({ template: false });
  const second = new pg.Client({ connectionString: other.url });
  await second.connect();
  try {
    // OIDs and the order of everything move on.
    await second.query("CREATE TABLE gone (a integer, b text); DROP TABLE gone;");
    await second.query(shop);
    expect(
      diff(await read(), await inSnapshot(second, () => readCatalog(second, shopSchemas))),
    ).toEqual([]);
  } finally {
    await second.end();
    await other.drop();
  }
});

test("members of extensions and indexes behind constraints are not listed", async () => {
  const keys = (await read()).map(keyOf);
  expect(keys.filter((key) => key.includes("similarity"))).toEqual([]);
  expect(keys).toContain("constraint public.customers.customers_email_key");
  expect(keys).not.toContain("index public.customers_email_key");
  expect(keys).not.toContain("sequence public.customers_id_seq");
  expect(keys).toContain("sequence public.orders_id_seq");
});

test("names that need quotes are quoted, so that no two objects share a key", async () => {
  const other = await createDatabase({ template: false });
  try {
    await execute(
      other.url,
      `CREATE TABLE "a.b" (c integer); CREATE TABLE a ("b.c" integer, "Id" integer);`,
    );
    const second = new pg.Client({ connectionString: other.url });
    await second.connect();
    const objects = await inSnapshot(second, () => readCatalog(second, ["public"]));
    await second.end();
    expect(objects.map(keyOf).sort()).toEqual([
      'column public."a.b".c',
      'column public.a."Id"',
      'column public.a."b.c"',
      "schema public",
      'table public."a.b"',
      "table public.a",
    ]);
  } finally {
    await other.drop();
  }
});

test("every kind that is not compared is noticed", async () => {
  await client.query("BEGIN");
  try {
    await client.query(`
      CREATE DOMAIN d AS text; CREATE TYPE c AS (x integer); CREATE TYPE r AS RANGE (subtype = integer);
      CREATE AGGREGATE total (integer) (SFUNC = int4pl, STYPE = integer);
      CREATE RULE quiet AS ON DELETE TO orders DO INSTEAD NOTHING;
      CREATE STATISTICS s ON email, name FROM customers;
      CREATE COLLATION plain FROM "C";
      CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq);
      CREATE TEXT SEARCH CONFIGURATION t (COPY = simple); CREATE TEXT SEARCH DICTIONARY td (TEMPLATE = simple);
      CREATE CAST (c AS text) WITH INOUT;
      CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
      CREATE EVENT TRIGGER ddl ON ddl_command_end EXECUTE FUNCTION on_ddl();
      CREATE PUBLICATION p FOR TABLE customers;
      CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE f (x integer) SERVER far;
      COMMENT ON TABLE orders IS 'o'; COMMENT ON COLUMN orders.total IS 't';
      ALTER DEFAULT PRIVILEGES IN SCHEMA sales GRANT SELECT ON TABLES TO PUBLIC;
      GRANT SELECT ON customers TO PUBLIC; GRANT SELECT (total) ON orders TO PUBLIC; GRANT USAGE ON SCHEMA sales TO PUBLIC;
      GRANT EXECUTE ON FUNCTION touch() TO PUBLIC`);
    const found = await readUnmodelled(client, shopSchemas);
    expect(Object.fromEntries(found.map(({ kind, names }) => [kind, names]))).toEqual({
      aggregate: ["public.total(integer)"],
      cast: ["(public.c AS pg_catalog.text)", "(public.r AS public.r_multirange)"],
      collation: ["public.plain"],
      comment: ["public.orders", "public.orders.total"],
      "composite type": ["public.c"],
      "default privilege": ["for role postgres in schema sales on tables"],
      domain: ["public.d"],
      "event trigger": ["ddl"],
      "foreign data wrapper": ["w"],
      "foreign server": ["far"],
      "foreign table": ["public.f"],
      grant: ["public.customers", "public.orders.total", "public.touch()", "sales"],
      operator: ["public.===(pg_catalog.text,pg_catalog.text)"],
      publication: ["p"],
      "range type": ["public.r"],
      rule: ["quiet on public.orders"],
      "statistics object": ["public.s"],
      "text search configuration": ["public.t"],
      "text search dictionary": ["public.td"],
    });
  } finally {
    await client.query("ROLLBACK");
  }
});

test("objects of other schemas and of extensions are no business of the check", async () => {
  await execute(database.url, "CREATE SCHEMA other; CREATE DOMAIN other.d AS text");
  expect(await inSnapshot(client, () => readUnmodelled(client, shopSchemas))).toEqual([]);
});

test("a scratch database has the encoding and the locale of the live one", async () => {
  const name = `${database.name}_locale`;
  await execute(
    database.url,
    `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc`,
  );
  const url = new URL(database.url);
  url.pathname = `/${name}`;
  const live = new pg.Client({ connectionString: url.href });
  await live.connect();
  try {
    const locale = (client: pg.Client) =>
      client
        .query(
          "SELECT encoding, datcollate, datctype, datlocprovider FROM pg_database WHERE datname = current_database()",
        )
        .then(({ rows }) => rows[0]);
    const options = { live, url: url.href, signal: new AbortController().signal };
    expect(await withScratchDatabase(options, locale)).toEqual(await locale(live));
  } finally {
    await live.end();
    await execute(database.url, `DROP DATABASE ${name}`);
  }
});
