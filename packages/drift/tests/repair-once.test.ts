/** What hangs on an object that is made anew is made again with it, once, whatever it was made anew for. */
import { afterAll, describe, expect, test } from "bun:test";
import pg from "pg";
import { createDatabase } from "../../../tests/support/postgres.ts";
import { inReadTransaction, readCatalog } from "../src/catalog/catalog.ts";
import { propose, statements } from "../src/repair/proposal.ts";

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
