/** The result of a check, before it has a format. */

import type { Options } from "../commands/options.ts";
import { type Difference, objectOf } from "../model/diff.ts";
import { keyOf } from "../model/object.ts";
import { type Severity, severityOf } from "../model/severity.ts";
import type { Compared } from "../project/compare.ts";
import type { Allowed, StaleException } from "../project/exceptions.ts";
import type { Fault } from "../project/faults.ts";
import type { Progress } from "../project/history.ts";
import type { Place } from "../project/provenance.ts";

export type Finding = {
  change: Difference["change"];
  severity: Severity;
  kind: string;
  schema: string;
  name: string;
  /** Key of the object that this one belongs to, or empty. */
  parent: string;
  expected: string | null;
  actual: string | null;
  /** The file that declares the object; null when no file does. */
  declaredIn: string | null;
  /** The line in that file, from 1; null when it is not known for sure. */
  line: number | null;
  /** The statements that mend it, in order; none where they were not asked for or not found. */
  repair: string[];
  /** What they lose for good, in words. */
  destroys: string | null;
  /** Why it, or a part of it, has none. */
  unrepaired: string | null;
};

export type Report = {
  /** What was compared: the name of the live database, or the replayed migrations. */
  database: string;
  /** What it was compared with; the applied migrations while others are pending. */
  expected: "declared" | "applied migrations" | "snapshot";
  findings: Finding[];
  /** Whether the statements of all findings together were proved, else why not; null when nobody asked for them. */
  repair: { proved: boolean; doubt: string | null } | null;
  /** Findings that an exception allows. */
  allowed: Allowed[];
  /** Exceptions that have expired or that nothing needs. */
  staleExceptions: StaleException[];
  /** Migrations of the folder that are not applied yet. */
  pending: string[];
  /** What is wrong with the history of migrations, apart from what it made. */
  faults: Fault[];
  /** Number of objects that were expected. */
  objects: number;
  /** What the reader must know to trust the result. */
  warnings: string[];
  /** True when the check says no. */
  drift: boolean;
};

/** What a comparison found, with what is known of the history of migrations. */
export function toReport({ database, expected, compared, progress, options }: Parts): Report {
  const { pending = [], faults = [], warnings = [] } = progress ?? {};
  return {
    ...compared,
    database,
    expected,
    pending: pending.map(({ name }) => name),
    faults,
    warnings: [...missingFolders(options), ...warnings, ...compared.warnings],
    drift: compared.drift || (options.strict && pending.length + faults.length > 0),
  };
}

type Parts = Pick<Report, "database" | "expected"> & {
  compared: Compared;
  progress?: Progress;
  options: Pick<Options, "sql" | "migrations" | "strict">;
};

function missingFolders({ sql, migrations }: Pick<Options, "sql" | "migrations">): string[] {
  return [
    ...(sql === null
      ? ["There is no migrations-sql folder, so the Prisma schema alone is declared."]
      : []),
    ...(migrations === null
      ? ["There is no prisma/migrations folder, so nothing can be pending."]
      : []),
  ];
}

/** A difference with all that the formats show of it. */
export function toFinding(difference: Difference, places: Map<string, Place>): Finding {
  const { kind, schema, name, parent } = objectOf(difference);
  const place = places.get(keyOf({ kind, schema, name }));
  return {
    change: difference.change,
    severity: severityOf(difference),
    kind,
    schema,
    name,
    parent,
    expected: "expected" in difference ? difference.expected.definition : null,
    actual: "actual" in difference ? difference.actual.definition : null,
    declaredIn: place?.path ?? null,
    line: place?.line ?? null,
    repair: [],
    destroys: null,
    unrepaired: null,
  };
}
