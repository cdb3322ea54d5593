/** Every change of the schema is found and named, and what is no change is not. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import pg from "pg";
import { CANONICAL_OUTPUT, inSnapshot, readCatalog } from "../../src/drift/catalog.ts";
import { diff, objectOf } from "../../src/drift/diff.ts";
import { type CatalogObject, keyOf } from "../../src/drift/object.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { mutations, noops } from "./mutations.ts";
import { shop, shopSchemas } from "./shop.ts";

let database: TestDatabase;
let client: pg.Client;
let expected: CatalogObject[];

beforeAll(async () => {
  database = await createDatabase({ template: false });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(shop);
  expected = await inSnapshot(client, () => readCatalog(client, shopSchemas));
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

describe("a mutation is found, named, and nothing else is", () => {
  for (const { sql, finds } of mutations) {
    test(sql, async () => expect(await differencesAfter(sql)).toEqual(finds.toSorted()));
  }
});

describe("no drift after", () => {
  for (const sql of noops) {
    test(sql, async () => expect(await differencesAfter(sql)).toEqual([]));
  }
});

/** The change is rolled back, so that one database serves all. */
async function differencesAfter(sql: string): Promise<string[]> {
  await client.query("BEGIN");
  try {
    await client.query(sql);
    await client.query(CANONICAL_OUTPUT);
    return diff(expected, await readCatalog(client, shopSchemas))
      .map((found) => `${found.change} ${keyOf(objectOf(found))}`)
      .sort();
  } finally {
    await client.query("ROLLBACK");
  }
}
