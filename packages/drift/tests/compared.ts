/** Two schemas made one after the other in a database, and what is found and proposed between them. */
import pg from "pg";
import { createDatabase } from "../../../tests/support/postgres.ts";
import { inReadTransaction, readCatalog } from "../src/catalog/catalog.ts";
import { toFinding } from "../src/model/finding.ts";
import { type CatalogObject, keyOf } from "../src/model/object.ts";
import { paired } from "../src/model/pairs.ts";
import { propose, statements } from "../src/repair/proposal.ts";

export async function schemaComparison() {
  const database = await createDatabase({ template: false });
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const reader = (client: pg.Client) => readCatalog(client, ["s"], { prepare: true });

  async function catalogOf(sql: string): Promise<CatalogObject[]> {
    await client.query(
      "RESET ALL; DROP SCHEMA IF EXISTS s CASCADE; DROP PUBLICATION IF EXISTS sent",
    );
    if (sql) await client.query(`CREATE SCHEMA s; SET search_path = s; ${sql}; RESET search_path`);
    return inReadTransaction(client, () => reader(client));
  }

  return {
    client,

    async close() {
      await client.end();
      await database.drop();
    },

    async compared(declared: string, live: string) {
      const [expected, actual] = [await catalogOf(declared), await catalogOf(live)];
      await catalogOf("");
      const { safe, destructive, unresolved, doubt } = await propose(client, {
        actual,
        expected,
        reader,
      });
      const findings = paired(expected, actual).differences.map(toFinding);
      return {
        findings: findings.map(
          (finding) => `${finding.severity} ${finding.change} ${keyOf(finding)}`,
        ),
        safe: statements(safe),
        destructive: statements(destructive),
        unresolved,
        doubt,
      };
    },
  };
}
