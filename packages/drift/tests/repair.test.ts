/** What a repair does and what it refuses to do, beyond that the result is right. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import pg from "pg";
import { createDatabase } from "../../../tests/support/postgres.ts";
import { inReadTransaction, readCatalog } from "../src/catalog/catalog.ts";
import { kinds } from "../src/catalog/kinds.ts";
import { diff } from "../src/model/diff.ts";
import { clauses, items } from "../src/repair/clauses.ts";
import { plan } from "../src/repair/plan.ts";
import { repairs } from "../src/repair/repairs.ts";
import { committing } from "../src/repair/trial.ts";
import { shop, shopSchemas } from "./shop.ts";

const reader = (client: pg.Client) => readCatalog(client, shopSchemas, { prepare: true });

async function withDatabase<T>(sql: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const database = await createDatabase({ template: false });
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    if (sql) await client.query(sql);
    return await work(client);
  } finally {
    await client.end();
    await database.drop();
  }
}

const catalogOf = (sql: string) =>
  withDatabase(sql, (client) => inReadTransaction(client, () => reader(client)));

test("a schema with every kind is made in an empty database from its catalog alone", async () => {
  const objects = await catalogOf(shop);
  await withDatabase("", async (client) => {
    const { unresolved } = await plan(await committing(client, reader), objects, { isCopy: true });
    expect(unresolved).toEqual([]);
    expect(diff(objects, await inReadTransaction(client, () => reader(client)))).toEqual([]);
  });
});

test("the planner knows no kind: what it knows of them is in the table of repairs", async () => {
  const text = await Bun.file(join(import.meta.dir, "../src/repair/plan.ts")).text();
  const code = text.replace(/\/\*\*.*?\*\/|\/\/.*/gs, "");
  const named = Object.keys(kinds).filter((kind) => new RegExp(`["'\`]${kind}["'\`]`).test(code));
  expect(named).toEqual([]);
});

test("every kind that is compared can be repaired", () => {
  expect(Object.keys(kinds).filter((kind) => !(kind in repairs))).toEqual([]);
});

test("a definition is taken apart outside of quotes and brackets only", () => {
  const parts = clauses("text DEFAULT 'a NOT NULL' NOT NULL", ["DEFAULT", "NOT NULL"]);
  expect([...parts]).toEqual([
    ["", "text"],
    ["DEFAULT", "'a NOT NULL'"],
    ["NOT NULL", ""],
  ]);
  expect(items("(a=1, b='x, y', c=f(1, 2))")).toEqual(["a=1", "b='x, y'", "c=f(1, 2)"]);
});
