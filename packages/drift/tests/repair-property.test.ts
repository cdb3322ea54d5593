/** For any two schemas: one is itself, and the repair from one to the other is found and proved. */
import { afterAll, expect, test } from "bun:test";
import fc from "fast-check";
import pg from "pg";
import { createDatabase } from "../../../tests/support/postgres.ts";
import { inReadTransaction, readCatalog } from "../src/catalog/catalog.ts";
import { diff } from "../src/model/diff.ts";
import type { CatalogObject } from "../src/model/object.ts";
import { propose } from "../src/repair/proposal.ts";
import { randomSchema } from "./random-schema.ts";

const RUNS = Number(process.env.DRIFT_PROPERTY_RUNS ?? 8);

const database = await createDatabase({ template: false });
const client = new pg.Client({ connectionString: database.url });
await client.connect();
const reader = (client: pg.Client) => readCatalog(client, ["t"], { prepare: true });

afterAll(async () => {
  await client.end();
  await database.drop();
});

test(
  "a schema does not differ from itself, and any other is repaired to be it",
  async () => {
    await fc.assert(
      fc.asyncProperty(randomSchema, randomSchema, async (one, other) => {
        const [actual, expected] = [await catalogOf(one), await catalogOf(other)];
        expect(diff(actual, await catalogOf(one))).toEqual([]);

        const proposal = await inEmptyDatabase("", () =>
          propose(client, { actual, expected, reader }),
        );
        expect(proposal.unresolved).toEqual([]);
        expect(proposal.doubt).toBeNull();
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  },
  RUNS * 20_000,
);

function catalogOf(sql: string): Promise<CatalogObject[]> {
  return inEmptyDatabase(sql, () => inReadTransaction(client, () => reader(client)));
}

async function inEmptyDatabase<T>(sql: string, work: () => Promise<T>): Promise<T> {
  await client.query("RESET ALL; DROP SCHEMA IF EXISTS t CASCADE");
  if (sql) await client.query(sql);
  return work();
}
