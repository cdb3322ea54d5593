/** Every change of the schema is found and named, and what is no change is not. */
import { afterAll, describe, expect, test } from "bun:test";
import { createDatabase } from "../../../tests/support/postgres.ts";
import { kinds } from "../src/catalog/kinds.ts";
import { openShop } from "./mutate.ts";
import { noops, vacuums } from "./mutations/noops.ts";
import { mutationsFor } from "./mutations.ts";

const database = await createDatabase({ template: false });
const shop = await openShop(database.url);
const mutations = Object.entries(mutationsFor(shop.version));

afterAll(async () => {
  await shop.close();
  await database.drop();
});

describe("a mutation is found, named, and nothing else is", () => {
  for (const [sql, finds] of mutations) {
    test(sql, async () => expect(await shop.after(sql)).toEqual(finds.toSorted()));
  }
});

describe("no drift after", () => {
  for (const sql of noops) {
    test(sql, async () => expect(await shop.after(sql)).toEqual([]));
  }
});

test("every kind is among the findings as missing or unexpected, and as changed if it can change", () => {
  const found = new Set(mutations.flatMap(([, finds]) => finds));
  const has = (change: string, kind: string) =>
    [...found].some((finding) => finding.startsWith(`${change} ${kind} `));
  // Only with `owners`; nothing of it is compared but that it is there.
  const without = { changed: ["owner", "schema", "user mapping"], other: ["owner"] };
  const names = Object.keys(kinds);
  expect(names.filter((kind) => !has("missing", kind) && !has("unexpected", kind))).toEqual(
    without.other,
  );
  expect(names.filter((kind) => !has("changed", kind)).sort()).toEqual(without.changed);
});

describe("what a flag leaves out", () => {
  const owner = "ALTER TABLE public.notes OWNER TO pg_monitor";

  test("an owner is compared with `owners` only", async () => {
    expect(await shop.after(owner, { owners: true })).toContain(
      "changed owner of table public.notes",
    );
    expect(await shop.after(owner, { grants: false })).toEqual([]);
  });

  test("grants are not compared without `grants`", async () => {
    const grant =
      "GRANT SELECT ON public.orders TO PUBLIC; GRANT SELECT (id) ON public.orders TO pg_monitor; ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC";
    expect(await shop.after(grant)).toHaveLength(3);
    expect(await shop.after(grant, { grants: false })).toEqual([]);
  });
});

describe("statements that cannot be rolled back", () => {
  test("maintenance is no drift", async () => {
    expect(await shop.afterCommitted(vacuums)).toEqual([]);
  });

  test("an index that could not be built concurrently is there and invalid", async () => {
    const build = [
      "INSERT INTO public.notes (id, body) VALUES (1, 'a'), (2, 'a')",
      "CREATE UNIQUE INDEX CONCURRENTLY notes_body ON public.notes (body)",
    ];
    await expect(shop.afterCommitted(build)).rejects.toThrow("could not create unique index");
    const [found, ...others] = await shop.afterCommitted([]);
    expect([found, others]).toEqual(["unexpected index public.notes_body", []]);
    await shop.afterCommitted(["DROP INDEX public.notes_body"]);
  });
});
