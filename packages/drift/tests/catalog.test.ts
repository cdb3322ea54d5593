/** What is read of a database, and how a scratch database comes by its locale. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import pg from "pg";
import { createDatabase, type TestDatabase } from "../../../tests/support/postgres.ts";
import { inReadTransaction, readCatalog } from "../src/catalog/catalog.ts";
import { readUnmodelled } from "../src/catalog/coverage.ts";
import { kinds } from "../src/catalog/kinds.ts";
import { withScratchDatabase } from "../src/database/scratch.ts";
import { diff } from "../src/model/diff.ts";
import { keyOf } from "../src/model/object.ts";
import { expressions } from "./expressions.ts";
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

const read = () =>
  inReadTransaction(client, () => readCatalog(client, shopSchemas, { owners: true }));

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
      diff(
        await read(),
        await inReadTransaction(second, () => readCatalog(second, shopSchemas, { owners: true })),
      ),
    ).toEqual([]);
  } finally {
    await second.end();
    await other.drop();
  }
});

test("the order of a table's columns is no part of a statistics object, and names are quoted as ever", async () => {
  const definition = async (columns: string) => {
    await client.query(`CREATE TABLE public.things (${columns});
      CREATE STATISTICS public.things_places (mcv) ON name, "Place ON name", city, (lower(name)), (length(city) + 1) FROM public.things`);
    const found = (await read()).find(({ name }) => name === "things_places");
    await client.query("DROP TABLE public.things");
    return found?.definition;
  };
  const one = await definition('city text, name text, "Place ON name" text');
  expect(one).toBe(
    'CREATE STATISTICS public.things_places (mcv) ON "Place ON name", city, name, lower(name), (length(city) + 1) FROM public.things',
  );
  expect(await definition('name text, "Place ON name" text, city text')).toBe(one);
});

test("whoever owns the database and its objects, the catalog is the same", async () => {
  const [one, other] = await Promise.all([
    createDatabase({ template: false }),
    createDatabase({ template: false }),
  ]);
  const role = `${other.name}_owner`;
  await execute(other.url, `CREATE ROLE ${role}; ALTER DATABASE ${other.name} OWNER TO ${role}`);
  const statements = `${expressions}
    GRANT SELECT ON people TO PUBLIC;
    REVOKE EXECUTE ON FUNCTION fire() FROM PUBLIC;
    ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO pg_monitor;`;
  const catalogOf = async (url: string, before: string) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(before);
    await client.query(statements);
    await client.query("RESET ROLE");
    const objects = await inReadTransaction(client, () => readCatalog(client, ["public"]));
    await client.end();
    return objects;
  };
  try {
    expect(
      diff(await catalogOf(one.url, ""), await catalogOf(other.url, `SET ROLE ${role}`)),
    ).toEqual([]);
  } finally {
    await Promise.all([one.drop(), other.drop()]);
    await execute(database.url, `DROP ROLE ${role}`);
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
    const objects = await inReadTransaction(second, () => readCatalog(second, ["public"]));
    await second.end();
    expect(objects.map(keyOf).sort()).toEqual([
      'column public."a.b".c',
      'column public.a."Id"',
      'column public.a."b.c"',
      "grant on database to PUBLIC",
      "grant on schema public to PUBLIC",
      "schema public",
      'table public."a.b"',
      "table public.a",
    ]);
  } finally {
    await other.drop();
  }
});

test("nothing of the shop goes unnoticed", async () => {
  expect(await inReadTransaction(client, () => readUnmodelled(client, shopSchemas))).toEqual([]);
});

test("every kind that is not compared is noticed", async () => {
  await client.query("BEGIN");
  try {
    await client.query(`
      CREATE TYPE half; CREATE TYPE whole;
      CREATE FUNCTION whole_in(cstring) RETURNS whole LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
      CREATE FUNCTION whole_out(whole) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
      CREATE TYPE whole (INPUT = whole_in, OUTPUT = whole_out, LIKE = integer);
      CREATE CONVERSION public.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
      CREATE TRANSFORM FOR integer LANGUAGE sql (FROM SQL WITH FUNCTION time_support(internal));
      CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
      CREATE LANGUAGE mine HANDLER plpgsql_call_handler;
      CREATE SUBSCRIPTION far CONNECTION 'host=nowhere.invalid' PUBLICATION p WITH (connect = false, slot_name = NONE)`);
    const found = await readUnmodelled(client, shopSchemas);
    expect(Object.fromEntries(found.map(({ kind, names }) => [kind, names]))).toEqual({
      "access method": ["heap2"],
      "base type": ["public.whole"],
      conversion: ["public.latin"],
      language: ["mine"],
      "shell type": ["public.half"],
      subscription: ["far"],
      transform: [expect.stringMatching(/^for integer (on )?language sql$/)], // Version 15 says "on".
    });
  } finally {
    await client.query("ROLLBACK");
  }
});

test("a table, an index and a key say where they are kept when that is not the usual place", async () => {
  const name = `drift_${database.name}`;
  await client.query("SET allow_in_place_tablespaces = on");
  await client.query(`CREATE TABLESPACE ${name} LOCATION ''`);
  try {
    await client.query(`CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
      CREATE TABLE kept (id integer PRIMARY KEY USING INDEX TABLESPACE ${name}) USING heap2 TABLESPACE ${name};
      CREATE INDEX kept_twice ON kept (id) TABLESPACE ${name};`);
    const definitions = (await read())
      .filter(({ name }) => name.startsWith("kept"))
      .map((object) => `${keyOf(object)}: ${object.definition}`);
    expect(definitions).toContain(`table public.kept: TABLE USING heap2 TABLESPACE ${name}`);
    expect(definitions).toContain(
      `index public.kept_twice: CREATE INDEX kept_twice ON public.kept USING btree (id); SET TABLESPACE ${name}`,
    );
    expect(definitions).toContain(
      `constraint public.kept.kept_pkey: PRIMARY KEY (id); SET TABLESPACE ${name}`,
    );
  } finally {
    await client.query("DROP TABLE IF EXISTS kept; DROP ACCESS METHOD IF EXISTS heap2");
    await client.query(`DROP TABLESPACE ${name}`);
  }
});

test("no password of foreign data is in the catalog", async () => {
  const text = JSON.stringify(await read());
  expect(text).toContain("far.example");
  expect(text).not.toContain("hidden");
});

test("objects of other schemas and of extensions are no business of the check", async () => {
  await execute(database.url, "CREATE SCHEMA other; CREATE TYPE other.half");
  expect(await inReadTransaction(client, () => readUnmodelled(client, shopSchemas))).toEqual([]);
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
    const server = { client: live, url: url.href, signal: new AbortController().signal };
    expect(await withScratchDatabase(server, locale)).toEqual(await locale(live));
  } finally {
    await live.end();
    await execute(database.url, `DROP DATABASE ${name}`);
  }
});
