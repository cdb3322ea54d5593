/** Reads all that the check needs of the live database, in one transaction. */
import type pg from "pg";
import { inSnapshot } from "../catalog/catalog.ts";
import { readObjects, type Scope } from "../catalog/objects.ts";
import { DriftError } from "../model/errors.ts";
import type { CatalogObject } from "../model/object.ts";
import { type History, readHistory } from "../project/history.ts";
import { type RolesManifest, readRoles } from "../project/roles.ts";
import { codeOf } from "./connection.ts";

export type Live = {
  objects: CatalogObject[];
  /** The roles of the server that the manifest is about; none without a manifest. */
  roles: CatalogObject[];
  history: History;
};

/** The lock that Prisma holds while it migrates. */
export const PRISMA_LOCK = 72707369;

export async function readLive(
  client: pg.Client,
  scope: Scope,
  manifest: RolesManifest | null = null,
): Promise<Live> {
  return betweenMigrations(client, () =>
    inSnapshot(client, async () => ({
      objects: await readObjects(client, scope),
      roles: manifest ? await readRoles(client, manifest, scope.schemas) : [],
      history: await readHistory(client, scope.schemas),
    })),
  );
}

/**
 * A deploy in progress would be taken for drift. The lock comes before the snapshot: one taken within it would wait for
 * a deploy and then see the database as it was before.
 */
async function betweenMigrations<T>(client: pg.Client, read: () => Promise<T>): Promise<T> {
  try {
    await client.query(
      `SET lock_timeout = '10s'; SELECT pg_advisory_lock_shared(${PRISMA_LOCK}); RESET lock_timeout`,
    );
  } catch (error) {
    if (codeOf(error) !== "55P03") throw error;
    throw new DriftError(
      "A migration is running on the database. Run the check again when it has ended.",
      {
        cause: error,
      },
    );
  }
  const result = await read();
  await client.query(`SELECT pg_advisory_unlock_shared(${PRISMA_LOCK})`);
  return result;
}
