/** docs/operations/scale.md says how the tables would lie on several nodes: of every table, and of every unique constraint. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

const PAGE = readFileSync(join(import.meta.dir, "../../docs/operations/scale.md"), "utf8");
const [, CITUS = ""] = PAGE.split("\n## Citus\n");
const [LAYOUT = "", EXCEPTIONS = ""] = CITUS.split("A unique constraint of a distributed table");

/** The first two cells of each row; the first stands in backquotes. */
function rowsOf(text: string): [string, string][] {
  const rows = [...text.matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm)];
  return rows.map(([, name = "", cell = ""]) => [name, cell.trim()]);
}

const layout = new Map(rowsOf(LAYOUT));
const distributed = [...layout].flatMap(([table, lies]) => (lies === "distributed" ? [table] : []));

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

async function names(sql: string, ...values: unknown[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(sql, values);
  return rows.map(({ name }) => name).sort();
}

test("every table has its place, and is distributed, reference or local", async () => {
  const tables = await names(
    "SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')",
  );
  expect([...layout.keys()].sort()).toEqual(tables);
  expect(new Set(layout.values())).toEqual(new Set(["distributed", "reference", "local"]));
});

test("every distributed table has a tenant", async () => {
  const having = await names(
    `SELECT relname AS name FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'tenant_id'
     WHERE relname = ANY ($1) AND relnamespace = 'public'::regnamespace`,
    distributed,
  );
  expect(having).toEqual(distributed.sort());
});

test("of distributed tables every unique constraint, exclusions too, names the tenant, or stands among the exceptions", async () => {
  const without = await names(
    `SELECT indexes.relname AS name FROM pg_index
     JOIN pg_class AS indexes ON indexes.oid = indexrelid JOIN pg_class AS tables ON tables.oid = indrelid
     WHERE tables.relname = ANY ($1) AND tables.relnamespace = 'public'::regnamespace AND (indisunique OR indisexclusion)
       AND NOT EXISTS (
         SELECT FROM pg_attribute WHERE attrelid = indrelid AND attname = 'tenant_id'
           AND attnum = ANY ((indkey::int2[])[0:indnkeyatts - 1]))`,
    distributed,
  );
  expect(
    rowsOf(EXCEPTIONS)
      .map(([name]) => name)
      .sort(),
  ).toEqual(without);
});

test("between distributed tables a foreign key names the tenant, or another one beside it does, but for the one that is named", async () => {
  const alone = await names(
    `WITH keys AS (
       SELECT conname, conrelid, confrelid, EXISTS (
         SELECT FROM pg_attribute WHERE attrelid = conrelid AND attname = 'tenant_id' AND attnum = ANY (conkey)) AS names_tenant
       FROM pg_constraint WHERE contype = 'f' AND conparentid = 0
         AND conrelid::regclass::text = ANY ($1) AND confrelid::regclass::text = ANY ($1))
     SELECT conrelid::regclass::text AS name FROM keys GROUP BY conrelid, confrelid HAVING NOT bool_or(names_tenant)`,
    distributed,
  );
  expect(alone).toEqual(["user_search"]);
  expect(EXCEPTIONS).toContain("Of `user_search` the foreign key names the user alone.");
});
