/** All supported servers give one catalog for one schema, and find the same in it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import pg from "pg";
import {
  serverOfVersion,
  stopServers,
  type Version,
  versions,
} from "../../../tests/support/versions.ts";
import { inReadTransaction, readCatalog } from "../src/catalog/catalog.ts";
import { diff } from "../src/model/diff.ts";
import type { CatalogObject } from "../src/model/object.ts";
import { expressions } from "./expressions.ts";
import { openShop, type Shop } from "./mutate.ts";
import { noops } from "./mutations/noops.ts";
import { mutationsFor } from "./mutations.ts";
import { execute } from "./project.ts";

const shops = new Map<number, Shop>();
const newest = 18;

beforeAll(async () => {
  for (const version of versions) shops.set(version, await openShop(await newDatabase(version)));
}, 120_000);

afterAll(async () => {
  for (const shop of shops.values()) await shop.close();
  await stopServers();
});

for (const version of versions.filter((version) => version !== newest)) {
  describe(`PostgreSQL ${version}`, () => {
    test("is what it says", () => expect(shopOf(version).version).toBe(version));

    test(`has the catalog of PostgreSQL ${newest}`, () => {
      expect(diff(shopOf(newest).objects, shopOf(version).objects)).toEqual([]);
    });

    test("prints expressions and queries of all forms alike", async () => {
      const [ours, newests] = await Promise.all([
        readExpressions(version),
        readExpressions(newest),
      ]);
      expect(ours.length).toBeGreaterThan(60);
      expect(diff(newests, ours)).toEqual([]);
    });

    for (const [sql, finds] of Object.entries(mutationsFor(version))) {
      test(sql, async () => expect(await shopOf(version).after(sql)).toEqual(finds.toSorted()));
    }

    for (const sql of noops) {
      test(`no drift after ${sql}`, async () =>
        expect(await shopOf(version).after(sql)).toEqual([]));
    }
  });
}

function shopOf(version: number): Shop {
  const shop = shops.get(version);
  if (!shop) throw new Error(`no server of version ${version}`);
  return shop;
}

async function readExpressions(version: Version): Promise<CatalogObject[]> {
  const client = new pg.Client({ connectionString: await newDatabase(version) });
  await client.connect();
  try {
    await client.query(expressions);
    return await inReadTransaction(client, () => readCatalog(client, ["public"]));
  } finally {
    await client.end();
  }
}

async function newDatabase(version: Version): Promise<string> {
  const server = await serverOfVersion(version);
  const name = `versions_${randomBytes(6).toString("hex")}`;
  await execute(server, `CREATE DATABASE ${name} TEMPLATE template0`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}
