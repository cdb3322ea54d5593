/** What Prisma says it has applied to the database, against the migrations of the project. */

import type { History } from "../database/migrations-table.ts";
import { DriftError } from "../model/errors.ts";
import type { CatalogObject } from "../model/object.ts";
import { type Fault, faultsOf } from "./faults.ts";
import type { Migration } from "./files.ts";

export type Progress = {
  applied: Migration[];
  pending: Migration[];
  faults: Fault[];
  warnings: string[];
  notes: string[];
};

/**
 * Tells apart which migrations the database has had and which it has yet to get. Where nothing tells that, live has to
 * be what is declared: there is nothing in between to compare with.
 */
export function progressOf(
  migrations: Migration[],
  {
    history,
    objects,
    notes = [],
  }: { history: History; objects: CatalogObject[]; notes?: string[] },
): Progress {
  const isEmpty = objects.every(({ kind }) => kind !== "table");
  if (typeof history === "string" && !(history === "none" && isEmpty))
    return { applied: [], pending: [], faults: [], warnings: [UNKNOWN[history]], notes };

  const rows = typeof history === "string" ? [] : history;
  const applied = new Set(
    rows.filter(({ outcome }) => outcome === "applied").map(({ name }) => name),
  );
  return {
    applied: migrations.filter(({ name }) => applied.has(name)),
    pending: migrations.filter(({ name }) => !applied.has(name)),
    faults: faultsOf(migrations, rows),
    warnings: [],
    notes,
  };
}

const UNKNOWN = {
  none: "The database has no _prisma_migrations table, so nothing is known of what was applied to it.",
  unreadable:
    "The login may not read _prisma_migrations, so nothing is known of what was applied. Allow it with GRANT SELECT ON _prisma_migrations.",
};

/** What the live database has to be. */
export type Basis = "declared" | "applied migrations" | "snapshot";

/** What is pending is not there yet and need not be: then live has to be what the applied migrations made of it. */
export function basisOf(
  { pending }: Progress,
  { useSnapshot, strict }: { useSnapshot: boolean; strict: boolean },
): Basis {
  const isComplete = pending.length === 0 || strict;
  if (!useSnapshot) return isComplete ? "declared" : "applied migrations";
  if (isComplete) return "snapshot";
  throw new DriftError(
    `The snapshot says what the database is after all migrations, and ${pending.length} of them are pending, such as ${pending[0]?.name}. Apply them first, take the snapshot of the release that is deployed, or run the check without --snapshot.`,
  );
}
