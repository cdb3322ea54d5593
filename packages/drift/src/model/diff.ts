/** Compares two catalogs. It knows no kind: a test reads this file and fails when one is named in it. */
import { type CatalogObject, keyOf, ONLY_IF_DECLARED } from "./object.ts";

/**
 * Seen from the expected side: missing is expected and not there, unexpected is there and not expected. Renamed is there
 * under another name, which no comparison by names finds: see pairs.ts.
 */
export type Difference =
  | NamedDifference
  | { change: "renamed"; expected: CatalogObject; actual: CatalogObject };

/** What a comparison by names finds. */
export type NamedDifference =
  | { change: "missing"; expected: CatalogObject }
  | { change: "unexpected"; actual: CatalogObject }
  | { change: "changed"; expected: CatalogObject; actual: CatalogObject };

type Catalog = Map<string, CatalogObject>;

/** All that keeps `actual` from being `expected`, sorted by key. */
export function diff(expected: CatalogObject[], actual: CatalogObject[]): NamedDifference[] {
  const wanted = byKey(expected);
  const found = byKey(actual);
  const differences: NamedDifference[] = [
    ...absent(wanted, found).map((expected) => ({ change: "missing" as const, expected })),
    ...absent(found, wanted)
      .filter(({ kind }) => !ONLY_IF_DECLARED.has(kind))
      .map((actual) => ({ change: "unexpected" as const, actual })),
    ...changed(wanted, found),
  ];
  return differences.sort((one, other) => (keyOf(objectOf(one)) < keyOf(objectOf(other)) ? -1 : 1));
}

/** The object that a difference is about, as it should be if it should be, else as it is. */
export function objectOf(difference: Difference): CatalogObject {
  return "expected" in difference ? difference.expected : difference.actual;
}

/** The keys of all that differs. */
export function differingKeys(expected: CatalogObject[], actual: CatalogObject[]): string[] {
  return diff(expected, actual).map((difference) => keyOf(objectOf(difference)));
}

/** The same, and those of what only follows its parent: all that need not be as expected yet. */
export function unlikeKeys(expected: CatalogObject[], actual: CatalogObject[]): Set<string> {
  const found = byKey(actual);
  const missing = expected.map(keyOf).filter((key) => !found.has(key));
  return new Set([...differingKeys(expected, actual), ...missing]);
}

/** Objects that are only here. What only follows its parent, because that is only here too, is left out. */
function absent(here: Catalog, there: Catalog): CatalogObject[] {
  const isOnlyHere = (key: string) => here.has(key) && !there.has(key);
  return [...here]
    .filter(([key, { parent }]) => isOnlyHere(key) && !isOnlyHere(parent))
    .map(([, object]) => object);
}

function changed(wanted: Catalog, found: Catalog): NamedDifference[] {
  return [...wanted].flatMap(([key, expected]) => {
    const actual = found.get(key);
    if (!actual || actual.definition === expected.definition) return [];
    return [{ change: "changed", expected, actual }];
  });
}

/** Two objects under one key would hide each other: that is a fault of the reader, never of the database. */
function byKey(objects: CatalogObject[]): Catalog {
  const catalog: Catalog = new Map();
  for (const object of objects) {
    const key = keyOf(object);
    if (catalog.has(key)) throw new Error(`two objects have the key "${key}"`);
    catalog.set(key, object);
  }
  return catalog;
}
