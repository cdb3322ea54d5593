/** The result of a check, before it has a format. */
import type { Finding } from "../model/finding.ts";
import { isAtLeast, type Severity } from "../model/severity.ts";
import type { Compared } from "../project/compare.ts";
import type { Allowed, StaleException } from "../project/exceptions.ts";
import type { Fault } from "../project/faults.ts";
import type { ProjectFiles } from "../project/files.ts";
import type { Basis, Progress } from "../project/history.ts";
import type { Proof } from "../repair/per-finding.ts";

export type Report = {
  /** What was compared: the name of the live database, or the replayed migrations. */
  database: string;
  /** What it was compared with; the applied migrations while others are pending. */
  expected: Basis;
  findings: Finding[];
  /** Whether the statements of all findings together were proved, else why not; null when nobody asked for them. */
  repair: Proof | null;
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
  /** What is good to know, and no reason to doubt it. */
  notes: string[];
  /** True when the check says no. */
  drift: boolean;
};

/** What makes the check say no. */
export type Verdict = {
  /** Pending migrations and faults of the history are drift too; and live is compared with what is declared in any case. */
  strict: boolean;
  /** The least severity that counts as drift. */
  failOn: Severity;
};

type Parts = Omit<Compared, "actual"> & {
  database: string;
  basis: Basis;
  repair?: Proof | null;
  progress?: Progress;
  /** What the reader must know of where the expected comes from. */
  note?: string | null;
  options: Pick<ProjectFiles, "sql" | "migrations"> & Verdict;
};

/** What a comparison found, with what is known of the history of migrations. */
export function toReport({
  repair = null,
  progress,
  note = null,
  options,
  ...compared
}: Parts): Report {
  const { database, basis, findings, allowed, stale } = compared;
  const { pending = [], faults = [], warnings = [], notes = [] } = progress ?? {};
  const isBad = findings.some(({ severity }) => isAtLeast(severity, options.failOn));
  const isBehind = options.strict && pending.length + faults.length > 0;
  return {
    database,
    expected: basis,
    findings,
    repair,
    allowed,
    staleExceptions: stale,
    objects: compared.expected.length,
    warnings: [
      ...(note === null ? missingFolders(options, basis) : [note].filter(Boolean)),
      ...warnings,
      ...compared.warnings,
    ],
    notes,
    pending: pending.map(({ name }) => name),
    faults,
    drift: stale.length > 0 || isBad || isBehind,
  };
}

function missingFolders(
  { sql, migrations }: Pick<ProjectFiles, "sql" | "migrations">,
  basis: Basis,
): string[] {
  return [
    ...(sql === null && basis === "declared"
      ? ["There is no migrations-sql folder, so the Prisma schema alone is declared."]
      : []),
    ...(migrations === null
      ? ["There is no prisma/migrations folder, so nothing can be pending."]
      : []),
  ];
}
