/** Reads all that the check needs of the live database, in one transaction. */
import type pg from "pg";
import { inReadTransaction } from "../catalog/catalog.ts";
import { readObjects, type Scope } from "../catalog/objects.ts";
import { readRoles } from "../catalog/roles.ts";
import type { CatalogObject } from "../model/object.ts";
import { buildingNotes } from "./building.ts";
import { betweenMigrations } from "./migration-lock.ts";
import { type History, readHistory } from "./migrations-table.ts";
import { leftNotes } from "./scratch.ts";
import { uncomparedNotes } from "./uncompared.ts";

export type Live = {
  /** Those of the database, and the roles of its server that somebody asked for. */
  objects: CatalogObject[];
  history: History;
  /** What is not compared, what others have left, and what they are doing. */
  notes: string[];
};

/** @param roles the names of the roles that are compared; null compares none. */
export async function readLive(
  client: pg.Client,
  scope: Scope,
  roles: string[] | null,
): Promise<Live> {
  return betweenMigrations(client, () =>
    inReadTransaction(client, async () => ({
      objects: [
        ...(await readObjects(client, scope)),
        ...(roles ? await readRoles(client, roles, scope.schemas) : []),
      ],
      history: await readHistory(client, scope.schemas),
      notes: [
        ...(await uncomparedNotes(client, scope.schemas)),
        ...(await leftNotes(client)),
        ...(await buildingNotes(client, scope.schemas)),
      ],
    })),
  );
}
