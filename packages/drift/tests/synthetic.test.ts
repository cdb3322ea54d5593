/** Rows for a trial: each table has some, as whoever owns it may make them, and nothing else of it has changed. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import pg from "pg";
import { createDatabase } from "../../../tests/support/postgres.ts";
import { readCatalog } from "../src/catalog/catalog.ts";
import { keyOf } from "../src/model/object.ts";
import { fill } from "../src/repair/synthetic.ts";

const database = await createDatabase({ template: false });
const role = `drift_test_${randomBytes(4).toString("hex")}`;
let client: pg.Client;

/** The copy's owner is no superuser. */
beforeAll(async () => {
  await database.query(
    `CREATE ROLE ${role} LOGIN PASSWORD 'x'; ALTER SCHEMA public OWNER TO ${role}; GRANT CREATE ON DATABASE ${database.name} TO ${role}`,
  );
  const url = new URL(database.url);
  url.username = role;
  url.password = "x";
  client = new pg.Client({ connectionString: url.href });
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database.query("ALTER SCHEMA public OWNER TO postgres");
  await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await database.drop();
});

async function catalog() {
  const objects = await readCatalog(client, ["public"]);
  return objects.sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}

/** Makes a schema, fills it, and reads what `query` asks; all of it is rolled back. */
async function filled(sql: string, query: string, { nulls = false } = {}): Promise<unknown[]> {
  await client.query("BEGIN");
  try {
    await client.query(sql);
    const before = await catalog();
    await fill(client, "", { nulls, without: new Set() });
    expect(await catalog()).toEqual(before);
    const { rows } = await client.query({ text: query, rowMode: "array" });
    return rows.map(([value]) => value);
  } finally {
    await client.query("ROLLBACK");
  }
}

describe("columns that must have a value get one", () => {
  const types = `CREATE TYPE size AS ENUM ('s', 'm', 'l', 'xl'); CREATE TYPE addr AS (street varchar(5), "No" int, size size);
    CREATE DOMAIN home AS addr; CREATE TYPE whole AS (home home, more addr[]); CREATE TYPE span AS RANGE (subtype = timestamptz);
    CREATE DOMAIN short AS text CHECK (VALUE IN ('one', 'two')); CREATE TABLE other (a int, b addr);`;
  const columns = {
    addr: ["(axxxx,1,s)", "of a composite type"],
    "addr[]": ['{"(axxxx,1,s)"}', "of an array of it"],
    home: ["(axxxx,1,s)", "of a domain over it"],
    whole: ['("(axxxx,1,s)","{""(axxxx,1,s)""}")', "of one that has it within"],
    other: ['(1,"(axxxx,1,s)")', "of a table's row"],
    "text[] CHECK (cardinality(c) > 0)": [null, "of an array that must have an element"],
    "varchar(3)[][]": ["{axx}", "of an array of short texts"],
    "int4range CHECK (NOT isempty(c))": ["[1,2)", "of a range that must not be empty"],
    span: [null, "of a range of its own"],
    int8multirange: ["{[1,2)}", "of a multirange"],
    "numrange[]": ['{"[1.5625,1.5625]"}', "of an array of ranges"],
    short: ["one", "of a domain that names them"],
    "text CHECK (c = ANY (ARRAY['open', 'it''s']))": ["it's", "that a CHECK names"],
    "text CHECK (c ~ '^[a-z]+$')": [null, "that a CHECK describes"],
    "int CHECK (c > 1900)": ["1901", "that a CHECK bounds"],
    macaddr8: [null, "of a type that is seldom"],
    '"char"': ["a", "of one letter"],
  } as const;
  for (const [type, [value, name]] of Object.entries(columns))
    test(name, async () => {
      const column = type.replace(/^("char"|[a-z0-9()]+(\[\])*)/, "c $1 NOT NULL");
      const rows = await filled(
        `${types} CREATE TABLE t (${column})`,
        "SELECT c::text FROM t ORDER BY 1",
      );
      expect(rows.length).toBeGreaterThanOrEqual(3);
      if (value !== null) expect(rows).toContain(value);
    });

  test("with each label of an enum within, and one more where all is NULL", async () => {
    const table = `${types} CREATE TABLE t (c addr[])`;
    const query = "SELECT (c[1]).size::text FROM t ORDER BY (c[1]).size";
    expect(await filled(table, query, { nulls: true })).toEqual(["s", "m", "l", "xl", null]);
  });
});

describe("what acts on rows is silent meanwhile, and as it was afterwards", () => {
  const table = `CREATE TABLE t (id int NOT NULL, name text NOT NULL);
    CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''never''; END';`;
  const trigger = "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION never();";
  for (const [name, sql] of Object.entries({
    "a trigger": trigger,
    "one that always fires": `${trigger} ALTER TABLE t ENABLE ALWAYS TRIGGER x`,
    "one that fires for replicas, and one that never does": `${trigger} ALTER TABLE t ENABLE REPLICA TRIGGER x;
      ${trigger.replace(" x ", " y ")} ALTER TABLE t DISABLE TRIGGER y`,
    "one that waits for the end": trigger
      .replace("CREATE", "CREATE CONSTRAINT")
      .replace("BEFORE", "AFTER")
      .replace("FOR EACH", "DEFERRABLE INITIALLY DEFERRED FOR EACH"),
    "a rule": "CREATE RULE x AS ON INSERT TO t DO INSTEAD NOTHING",
    "a policy that holds the owner too":
      "ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY; CREATE POLICY x ON t USING (true) WITH CHECK (false)",
  }))
    test(name, async () => {
      expect(await filled(table + sql, "SELECT id FROM t ORDER BY 1")).toEqual([1, 2, 3]);
    });

  test("that of a partition too", async () => {
    const partitioned = `${table.replace(");", ") PARTITION BY LIST (id);")} CREATE TABLE t_rest PARTITION OF t DEFAULT;
      ${trigger} ALTER TABLE t_rest ENABLE ALWAYS TRIGGER x`;
    expect(await filled(partitioned, "SELECT id FROM t ORDER BY 1")).toEqual([1, 2, 3]);
  });
});

describe("keys find what they refer to", () => {
  test("in a table that was made later, of another length, and by two columns", async () => {
    const sql = `CREATE TABLE line (id int PRIMARY KEY, "order" varchar(30) NOT NULL, place int NOT NULL);
      CREATE TABLE "Order" (key varchar(4), place int, PRIMARY KEY (key, place));
      ALTER TABLE line ADD FOREIGN KEY ("order", place) REFERENCES "Order" (key, place)`;
    const found = ["axxx", "bxxx", "cxxx"];
    const query = 'SELECT "order" FROM line ORDER BY 1';
    expect(await filled(sql, query)).toEqual(found);
    expect(await filled(sql.replace("(30) NOT NULL", "(30)"), query)).toEqual(found);
  });

  test("where there are fewer rows than labels", async () => {
    const sql = `CREATE TYPE hue AS ENUM ('a', 'b', 'c', 'd', 'e'); CREATE TABLE owner (id int PRIMARY KEY);
      CREATE TABLE door (hue hue NOT NULL, owner int NOT NULL REFERENCES owner)`;
    expect(await filled(sql, "SELECT owner FROM door ORDER BY 1")).toEqual([1, 1, 2, 2, 3]);
  });

  test("in the same row, and in a circle", async () => {
    const sql = `CREATE TABLE node (id int PRIMARY KEY, above int NOT NULL REFERENCES node);
      CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL REFERENCES a);
      ALTER TABLE a ADD b int REFERENCES b`;
    expect(await filled(sql, "SELECT above FROM node ORDER BY 1")).toEqual([1, 2, 3]);
    expect(await filled(sql, "SELECT a FROM b ORDER BY 1")).toEqual([1, 2, 3]);
  });
});
