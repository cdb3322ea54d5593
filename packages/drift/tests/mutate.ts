/** The shop schema in a database, and what the check finds when it is changed. */
import pg from "pg";
import {
  CANONICAL_OUTPUT,
  type CatalogOptions,
  inReadTransaction,
  readCatalog,
} from "../src/catalog/catalog.ts";
import { diff, objectOf } from "../src/model/diff.ts";
import { type CatalogObject, keyOf } from "../src/model/object.ts";
import { shop, shopSchemas } from "./shop.ts";

export type Shop = {
  version: number;
  objects: CatalogObject[];
  /** What is found after a change that is rolled back, so that one database serves all. */
  after(change: string, options?: CatalogOptions): Promise<string[]>;
  /** What is found after statements that cannot be rolled back, one by one. */
  afterCommitted(changes: string[]): Promise<string[]>;
  close(): Promise<void>;
};

/** Makes the shop schema in an empty database. */
export async function openShop(url: string): Promise<Shop> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(shop);
  const read = (options: CatalogOptions = {}) =>
    readCatalog(client, shopSchemas, { prepare: true, ...options });
  const objects = await inReadTransaction(client, read);
  const { rows } = await client.query("SHOW server_version_num");

  return {
    version: Math.floor(rows[0].server_version_num / 10_000),
    objects,
    async after(change, options) {
      const before = options ? await inReadTransaction(client, () => read(options)) : objects;
      await client.query("BEGIN");
      try {
        await client.query(change);
        await client.query(CANONICAL_OUTPUT);
        return findings(before, await read(options));
      } finally {
        await client.query("ROLLBACK");
      }
    },
    async afterCommitted(changes) {
      for (const change of changes) await client.query(change);
      return findings(objects, await inReadTransaction(client, read));
    },
    close: () => client.end(),
  };
}

/** Throws when a finding hangs on an object that there is not. */
function findings(expected: CatalogObject[], actual: CatalogObject[]): string[] {
  const known = new Set(["", ...expected.map(keyOf), ...actual.map(keyOf)]);
  return diff(expected, actual)
    .map((found) => {
      const { parent } = objectOf(found);
      if (!known.has(parent)) throw new Error(`there is no ${parent}`);
      return `${found.change} ${keyOf(objectOf(found))}`;
    })
    .sort();
}
