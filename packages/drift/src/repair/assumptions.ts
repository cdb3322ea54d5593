/** What stands for a database that the trial could not be made a whole copy of. */
import { type CatalogObject, keyOf } from "../model/object.ts";

/** Where the trial is not what it stands for: the object as it should be, or null where there should be none. */
export function assumptions(
  wanted: CatalogObject[],
  found: CatalogObject[],
): Map<string, CatalogObject | null> {
  const [target, present] = [byKey(wanted), byKey(found)];
  const isSame = (key: string) => target.get(key)?.definition === present.get(key)?.definition;
  const keys = [...new Set([...target.keys(), ...present.keys()])].filter((key) => !isSame(key));
  return new Map(keys.map((key) => [key, target.get(key) ?? null]));
}

/** The trial with what is assumed instead of what it has. */
export function overlay(
  found: CatalogObject[],
  assumed: Map<string, CatalogObject | null>,
): CatalogObject[] {
  const others = found.filter((object) => !assumed.has(keyOf(object)));
  return [...others, ...[...assumed.values()].filter((object) => object !== null)];
}

export function byKey(objects: CatalogObject[]): Map<string, CatalogObject> {
  return new Map(objects.map((object) => [keyOf(object), object]));
}
