/** Whatever a mutation did, the repair undoes: each is made, repaired, and compared. */
import { afterAll, describe, expect, test } from "bun:test";
import pg from "pg";
import { createDatabase } from "../../../tests/support/postgres.ts";
import { CANONICAL_OUTPUT, inReadTransaction, readCatalog } from "../src/catalog/catalog.ts";
import { diff } from "../src/model/diff.ts";
import { plan } from "../src/repair/plan.ts";
import { statements } from "../src/repair/proposal.ts";
import { PLAN_SETTINGS, withSavepoints } from "../src/repair/trial.ts";
import { mutationsFor } from "./mutations.ts";
import { shop, shopSchemas } from "./shop.ts";

const database = await createDatabase({ template: false });
const client = new pg.Client({ connectionString: database.url });
await client.connect();
await client.query(shop);
const reader = (client: pg.Client) => readCatalog(client, shopSchemas, { prepare: true });
const expected = await inReadTransaction(client, () => reader(client));
const { rows } = await client.query<{ version: number }>(
  "SELECT current_setting('server_version_num')::int / 10000 AS version",
);

afterAll(async () => {
  await client.end();
  await database.drop();
});

/** What no statement brings back, with the reason. */
const IRREPARABLE: Record<string, string> = {
  "DROP FOREIGN DATA WRAPPER wire CASCADE": "a server of it has a secret among its options",
};

describe("after the repair there is no drift", () => {
  for (const sql of Object.keys(mutationsFor(rows[0]?.version ?? 0))) {
    test(sql, async () => {
      const result = await repaired(sql);
      if (sql in IRREPARABLE) expect(result.unresolved).not.toEqual([]);
      else expect(result).toEqual({ unresolved: [], left: [] });
    });
  }
});

/** The statements are found by trying them; more than one is run once more as the script that people get. */
async function repaired(sql: string) {
  try {
    await client.query(`BEGIN; ${sql}`);
    await client.query(`${CANONICAL_OUTPUT} ${PLAN_SETTINGS} SAVEPOINT mutated`);
    const { safe, destructive, unresolved } = await plan(withSavepoints(client, reader), expected);
    const steps = [...safe, ...destructive];
    if (steps.length === 1 && unresolved.length === 0) return { unresolved, left: [] };
    await client.query("ROLLBACK TO mutated");
    await client.query(statements(steps).join(";\n"));
    return { unresolved, left: diff(expected, await reader(client)) };
  } finally {
    await client.query("ROLLBACK");
  }
}
