/** Objects that are left out of the comparison. */
import { type CatalogObject, keyOf } from "./object.ts";

/** Prisma's own bookkeeping is in every live database and in no declared one. */
const IGNORED = /^table .+\._prisma_migrations$/;

/** The objects without those that are ignored, and without all that belongs to them. */
export function withoutIgnored(objects: CatalogObject[]): CatalogObject[] {
  const parentOf = new Map(objects.map((object) => [keyOf(object), object.parent]));
  const isIgnored = (key: string): boolean =>
    key !== "" && (IGNORED.test(key) || isIgnored(parentOf.get(key) ?? ""));
  return objects.filter((object) => !isIgnored(keyOf(object)));
}
