/** Ten seconds of `bun run fuzz:drift`: random schemas with rows, broken and mended, and no row is harmed. */
import { afterAll, expect, test } from "bun:test";
import pg from "pg";
import { createDatabase } from "../../../tests/support/postgres.ts";
import { PROPERTY_SEED } from "../../../tests/support/property-seed.ts";
import { fuzzOnce } from "./fuzz.ts";

const SECONDS = 10;
const databases = [
  await createDatabase({ template: false }),
  await createDatabase({ template: false }),
] as const;
const [live, scratch] = databases.map(({ url }) => new pg.Client({ connectionString: url }));

afterAll(async () => {
  for (const client of [live, scratch]) await client?.end();
  for (const database of databases) await database.drop();
});

test("no row is harmed by what is called safe, and no number is given twice", async () => {
  if (!live || !scratch) throw new Error("there are no databases");
  for (const client of [live, scratch]) await client.connect();
  const end = performance.now() + SECONDS * 1000;
  let seed = PROPERTY_SEED;
  do {
    const failure = await fuzzOnce({ live, scratch }, seed);
    expect(failure && `${failure}\nbun run fuzz:drift --seed ${seed} --rounds 1`).toBeNull();
    seed++;
  } while (performance.now() < end);
}, 120_000);
