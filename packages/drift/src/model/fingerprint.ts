/** One hash of a whole catalog: two databases have the same one when nothing tells them apart. */
import { createHash } from "node:crypto";
import { type CatalogObject, keyOf } from "./object.ts";

export function fingerprintOf(objects: CatalogObject[]): string {
  const hash = createHash("sha256");
  for (const object of sorted(objects)) hash.update(`${canonical(object)}\n`);
  return hash.digest("hex");
}

/** By key, in an order that depends on no locale. */
export function sorted<T extends CatalogObject>(objects: T[]): T[] {
  const keyed = objects.map((object) => [keyOf(object), object] as const);
  return keyed.sort(([one], [other]) => (one < other ? -1 : 1)).map(([, object]) => object);
}

/** The object as one line, with its fields in one order. */
export function canonical({ kind, schema, name, parent, definition }: CatalogObject): string {
  return JSON.stringify({ kind, schema, name, parent, definition });
}
