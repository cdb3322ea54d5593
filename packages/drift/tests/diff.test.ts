/** The comparison of two catalogs, without a database. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { kinds } from "../src/catalog/kinds.ts";
import { diff, objectOf } from "../src/model/diff.ts";
import { type CatalogObject, keyOf } from "../src/model/object.ts";

const table = object("table", "users", "schema public");
const column = object("column", "users.email", "table public.users", "text");
const comment = object("comment", "users.email", "column public.users.email", "where to write");

function object(kind: string, name: string, parent = "", definition = ""): CatalogObject {
  return { kind, schema: "public", name, parent, definition };
}

describe("diff", () => {
  test("tells missing, unexpected and changed apart, sorted by key", () => {
    const changed = { ...column, definition: "varchar" };
    const extra = object("index", "extra");
    expect(diff([table, column, comment], [extra, changed, table])).toEqual([
      { change: "changed", expected: column, actual: changed },
      { change: "missing", expected: comment },
      { change: "unexpected", actual: extra },
    ]);
  });

  test("a missing or unexpected object stands for all below it", () => {
    expect(diff([comment, column, table], [])).toEqual([{ change: "missing", expected: table }]);
    expect(diff([], [comment, column, table])).toEqual([{ change: "unexpected", actual: table }]);
  });

  test("an object whose parent is in neither catalog is reported itself", () => {
    expect(diff([column], [])).toEqual([{ change: "missing", expected: column }]);
  });

  test("the same name in another schema or of another kind is another object", () => {
    const elsewhere = { ...table, schema: "other" };
    expect(diff([table], [elsewhere]).map(({ change }) => change)).toEqual([
      "unexpected",
      "missing",
    ]);
  });

  test("two objects under one key are a fault and not a difference", () => {
    expect(() => diff([column, column], [])).toThrow(
      'two objects have the key "column public.users.email"',
    );
  });

  test("names no kind: what is special about a kind belongs to its SELECT", () => {
    const source = readFileSync(join(import.meta.dir, "../src/model/diff.ts"), "utf8");
    for (const kind of Object.keys(kinds))
      expect(source).not.toMatch(new RegExp(`["'\`]${kind}\b`));
  });
});

describe("for any two catalogs", () => {
  /** Objects that belong to nothing or to one that was made before them, as in a database. */
  const catalog = fc
    .array(fc.tuple(fc.nat(3), fc.nat(5), fc.nat(9), fc.nat(2)), { maxLength: 24 })
    .map((seeds) => {
      const objects = new Map<string, CatalogObject>();
      for (const [kind, name, parent, definition] of seeds) {
        const made = object(
          `kind${kind}`,
          `name${name}`,
          [...objects.keys()][parent] ?? "",
          `definition${definition}`,
        );
        if (!objects.has(keyOf(made))) objects.set(keyOf(made), made);
      }
      return [...objects.values()];
    });

  test("a catalog does not differ from itself, in whatever order it was read", () => {
    fc.assert(fc.property(catalog, (one) => expect(diff(one, one.toReversed())).toEqual([])));
  });

  test("the other direction says the opposite", () => {
    const opposite = { missing: "unexpected", unexpected: "missing", changed: "changed" } as const;
    const keys = (expected: CatalogObject[], actual: CatalogObject[]) =>
      diff(expected, actual).map((d) => [d.change, keyOf(objectOf(d))] as const);
    fc.assert(
      fc.property(catalog, catalog, (one, other) =>
        expect(keys(one, other)).toEqual(
          keys(other, one).map(([change, key]) => [opposite[change], key]),
        ),
      ),
    );
  });

  test("undoing every difference, with all below it, gives the expected catalog", () => {
    fc.assert(
      fc.property(catalog, catalog, (expected, actual) => {
        const result = new Map(actual.map((object) => [keyOf(object), object]));
        for (const difference of diff(expected, actual)) {
          if (difference.change === "changed")
            result.set(keyOf(difference.expected), difference.expected);
          if (difference.change === "unexpected") {
            for (const object of family(difference.actual, actual))
              if (!has(expected, object)) result.delete(keyOf(object));
          }
          if (difference.change === "missing") {
            for (const object of family(difference.expected, expected))
              if (!has(actual, object)) result.set(keyOf(object), object);
          }
        }
        expect(definitions([...result.values()])).toEqual(definitions(expected));
      }),
    );
  });
});

function family(head: CatalogObject, catalog: CatalogObject[]): CatalogObject[] {
  return [
    head,
    ...catalog
      .filter(({ parent }) => parent === keyOf(head))
      .flatMap((child) => family(child, catalog)),
  ];
}

function has(catalog: CatalogObject[], object: CatalogObject): boolean {
  return catalog.some((other) => keyOf(other) === keyOf(object));
}

function definitions(catalog: CatalogObject[]): string[] {
  return catalog.map((object) => `${keyOf(object)}: ${object.definition}`).sort();
}
