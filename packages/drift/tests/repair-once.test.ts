/** What hangs on an object that is made anew is made again with it, once, whatever it was made anew for. */
import { afterAll, describe, expect, test } from "bun:test";
import pg from "pg";
import { createDatabase } from "../../../tests/support/postgres.ts";
import { inReadTransaction, readCatalog } from "../src/catalog/catalog.ts";
import { propose, statements } from "../src/repair/proposal.ts";
import { createProject, execute } from "./project.ts";

const database = await createDatabase({ template: false });
const client = new pg.Client({ connectionString: database.url });
await client.connect();
const reader = (client: pg.Client) => readCatalog(client, ["s"], { prepare: true });

afterAll(async () => {
  await client.end();
  await database.drop();
});

async function catalogOf(sql: string) {
  await client.query("RESET ALL; DROP SCHEMA IF EXISTS s CASCADE");
  if (sql) await client.query(`CREATE SCHEMA s; SET search_path = s; ${sql}; RESET search_path`);
  return inReadTransaction(client, () => reader(client));
}

async function proposed(declared: string, live: string) {
  const [expected, actual] = [await catalogOf(declared), await catalogOf(live)];
  await catalogOf("");
  const proposal = await propose(client, { actual, expected, reader });
  const { safe, destructive, unresolved, doubt } = proposal;
  return { unresolved, doubt, sql: statements([...safe, ...destructive]) };
}

/** Each shows the type of `n`, and so differs until the column has it; what hangs on it has nothing to do with that. */
const showing: Record<string, string> = {
  "a materialized view":
    "CREATE MATERIALIZED VIEW seen AS SELECT id, abs(n::bigint) AS x FROM one; CREATE UNIQUE INDEX seen_id ON seen (id); COMMENT ON INDEX seen_id IS 'i'; ALTER MATERIALIZED VIEW seen CLUSTER ON seen_id; COMMENT ON MATERIALIZED VIEW seen IS 'm'; GRANT SELECT ON seen TO pg_monitor; CREATE STATISTICS both_of ON id, x FROM seen",
  "a view":
    "CREATE VIEW seen AS SELECT id, abs(n::bigint) AS x FROM one; COMMENT ON VIEW seen IS 'v'; GRANT SELECT ON seen TO pg_monitor; CREATE TRIGGER touched INSTEAD OF UPDATE ON seen FOR EACH ROW EXECUTE FUNCTION touch(); COMMENT ON TRIGGER touched ON seen IS 't'; CREATE RULE nothing AS ON DELETE TO seen DO INSTEAD NOTHING; COMMENT ON RULE nothing ON seen IS 'r'",
  "a CHECK":
    "ALTER TABLE one ADD CONSTRAINT plus CHECK (n::bigint > 0); COMMENT ON CONSTRAINT plus ON one IS 'c'",
  "an index":
    "CREATE INDEX plus ON one ((n::bigint)); COMMENT ON INDEX plus IS 'i'; ALTER TABLE one CLUSTER ON plus",
  "a policy":
    "CREATE POLICY plus ON one USING (n::bigint > 0); COMMENT ON POLICY plus ON one IS 'p'",
  "a trigger":
    "CREATE TRIGGER plus BEFORE INSERT ON one FOR EACH ROW WHEN (NEW.n::bigint > 0) EXECUTE FUNCTION touch(); COMMENT ON TRIGGER plus ON one IS 't'; ALTER TABLE one DISABLE TRIGGER plus",
  "a rule":
    "CREATE RULE plus AS ON INSERT TO one WHERE NEW.n::bigint > 0 DO ALSO NOTHING; COMMENT ON RULE plus ON one IS 'r'",
  "a statistics object":
    "CREATE STATISTICS plus ON id, (n::bigint + 1) FROM one; COMMENT ON STATISTICS plus IS 's'",
};

const base = (type: string) =>
  `CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TABLE one (id int PRIMARY KEY, n ${type})`;

describe("what has to wait for a column comes back whole", () => {
  for (const [name, sql] of Object.entries(showing))
    for (const [to, from] of [
      ["integer", "bigint"],
      ["bigint", "integer"],
    ] as const)
      test(`${name}, with ${from} made ${to}`, async () => {
        const result = await proposed(`${base(to)}; ${sql}`, `${base(from)}; ${sql}`);
        expect(result).toMatchObject({ unresolved: [], doubt: null });
        const made = result.sql.filter((statement) => /^(CREATE|COMMENT|GRANT) /.test(statement));
        // Where it was made anew in vain, that is no part of the script.
        if (to === "integer" && !sql.includes("one CLUSTER"))
          expect(new Set(made).size).toBe(made.length);
      });
});

test("a grant waits where a materialized view has the name of a view yet, as views stand on it", async () => {
  const views = (seen: string, above: string) =>
    `CREATE TABLE one (id int PRIMARY KEY); CREATE ${seen} seen AS SELECT id FROM one; CREATE ${above} above AS SELECT id FROM seen; COMMENT ON COLUMN seen.id IS 'x'`;
  const { sql, ...result } = await proposed(
    `${views("VIEW", "MATERIALIZED VIEW")}; GRANT SELECT ON seen TO pg_monitor; COMMENT ON VIEW seen IS 'y'`,
    views("MATERIALIZED VIEW", "VIEW"),
  );
  expect(result).toEqual({ unresolved: [], doubt: null });
  expect(sql.filter((statement) => statement.startsWith("GRANT"))).toHaveLength(1);
});

describe("what is not compared is given back at the end of each part", () => {
  /** Applies all of the repair and reads. */
  async function after(declared: string, live: string, facts: string) {
    const { url, drop } = await createDatabase({ template: false });
    const project = await createProject(url, {
      "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n}\n',
      "migrations-sql/all.sql": declared,
    });
    try {
      await execute(url, live);
      const ignored = ["comment *", "index *.own_*"].flatMap((one) => ["--ignore", one]);
      const args = ["repair", "--apply", "--allow-destructive", "--no-grants", ...ignored];
      expect((await project.drift(args)).stderr).toStartWith("no drift");
      return (await execute(url, facts)).rows[0];
    } finally {
      await project.remove();
      await drop();
    }
  }

  const wages = (type: string, columns: string) =>
    `CREATE TABLE wages (id int PRIMARY KEY, sum ${type}, who text); CREATE VIEW mine AS SELECT ${columns} FROM wages;
     CREATE MATERIALIZED VIEW total AS SELECT ${columns} FROM wages;`;

  test("to a view that is made anew for its own sake, and once more for a column's", async () => {
    const facts = await after(
      wages("int", "id, sum"),
      `${wages("bigint", "id, who, sum")} COMMENT ON VIEW mine IS 'x'; COMMENT ON COLUMN mine.who IS 'gone'; COMMENT ON COLUMN mine.sum IS 'y';
       GRANT SELECT ON mine TO pg_monitor; GRANT UPDATE (who), INSERT (sum) ON mine TO pg_monitor; ALTER VIEW mine OWNER TO pg_read_all_data;
       CREATE INDEX own_sum ON total (sum); COMMENT ON INDEX own_sum IS 'z'; CREATE INDEX own_who ON total (who)`,
      `SELECT obj_description('mine'::regclass) AS comment, col_description('mine'::regclass, 2) AS of_column, relowner::regrole::text AS owner,
         has_table_privilege('pg_monitor', 'mine', 'SELECT') AS may_read, has_column_privilege('pg_monitor', 'mine', 'sum', 'INSERT') AS may_insert,
         to_regclass('own_sum')::text AS index, to_regclass('own_who') AS other, obj_description(to_regclass('own_sum')) AS of_index
       FROM pg_class WHERE relname = 'mine'`,
    );
    expect(facts).toEqual({
      ...{ comment: "x", of_column: "y", owner: "pg_read_all_data", may_read: true },
      ...{ may_insert: true, index: "own_sum", other: null, of_index: "z" },
    });
  });

  test("to whatever else is made anew", async () => {
    const base = (n: number) =>
      `CREATE TABLE one (id int PRIMARY KEY, a int, b int CHECK (b > ${n})); CREATE INDEX by_b ON one ((b + ${n}));
       CREATE STATISTICS told ON a, ${n === 1 ? "b" : "id"} FROM one; CREATE POLICY own ON one USING (b > ${n});
       CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = simple, accept = ${n === 1}); CREATE COLLATION nice (provider = icu, locale = '${n === 1 ? "de" : "fr"}');`;
    const facts = await after(
      base(1),
      `${base(2)} COMMENT ON CONSTRAINT one_b_check ON one IS 'c'; COMMENT ON INDEX by_b IS 'i'; COMMENT ON POLICY own ON one IS 'p';
       ALTER STATISTICS told OWNER TO pg_read_all_data; ALTER COLLATION nice OWNER TO pg_read_all_data`,
      `SELECT obj_description(to_regclass('by_b')) AS index, (SELECT stxowner::regrole::text FROM pg_statistic_ext) AS statistics,
         (SELECT collowner::regrole::text FROM pg_collation WHERE collname = 'nice') AS collation,
         (SELECT obj_description(oid, 'pg_policy') FROM pg_policy) AS policy, (SELECT obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conname = 'one_b_check') AS constraint`,
    );
    expect(facts).toEqual({
      ...{ index: "i", policy: "p", constraint: "c" },
      ...{ statistics: "pg_read_all_data", collation: "pg_read_all_data" },
    });
  });
});
