/** All that is known of one database: the objects that are compared, and the names of those that cannot be. */
import type pg from "pg";
import type { CatalogObject } from "../model/object.ts";
import { fewOf } from "../model/words.ts";
import { readCatalog } from "./catalog.ts";
import { readUnmodelled } from "./coverage.ts";

/** What of a database is compared. */
export type Scope = {
  /** The PostgreSQL schemas. */
  schemas: string[];
  /** Who owns what; in a scratch database that is whoever runs the check. */
  owners: boolean;
  /** What other roles than the owner may do. */
  grants: boolean;
};

/** Stands for the definition of an object whose kind the check does not know: that it is there is compared, no more. */
const UNKNOWN_DEFINITION = "(the check does not know this kind of object)";

/** To be called within `inReadTransaction`. @param prepare as of readCatalog. */
export async function readObjects(
  client: pg.Client,
  scope: Scope,
  prepare = false,
): Promise<CatalogObject[]> {
  const objects = await readCatalog(client, scope.schemas, { ...scope, prepare });
  const unmodelled = await readUnmodelled(client, scope.schemas);
  const named = unmodelled.flatMap(({ kind, names }) =>
    names.map((name) => ({ kind, schema: "", name, parent: "", definition: UNKNOWN_DEFINITION })),
  );
  return [...objects, ...named];
}

/** What the reader must know of the objects whose definitions are not compared. */
export function unmodelledWarnings(objects: CatalogObject[]): string[] {
  const unknown = objects.filter(({ definition }) => definition === UNKNOWN_DEFINITION);
  return [...new Set(unknown.map(({ kind }) => kind))].map((kind) => {
    const found = unknown.filter((object) => object.kind === kind);
    const shown = fewOf(found.map(({ name }) => name));
    return `Only the name is compared: ${kind} (${shown}). The check does not know this kind of object yet.`;
  });
}
