/** What a run of the check is asked to do. The command line gives these; so can a program. */

import type { Scope } from "../catalog/objects.ts";
import type { Severity } from "../model/severity.ts";

export type Options = Scope & {
  /** The live database; null for what needs none. */
  databaseUrl: string | null;
  /** A database beside which scratch databases are made; null makes them beside the live one. */
  shadowUrl: string | null;
  /** Path of schema.prisma, or of a folder of .prisma files. */
  schema: string;
  /** Null when the project has no such folder. */
  migrations: string | null;
  sql: string | null;
  /** Compares the live database with the committed snapshot. */
  useSnapshot: boolean;
  snapshotFile: string;
  /** Null when the project has no such file. */
  ignoreFile: string | null;
  allowFile: string | null;
  rolesFile: string | null;
  /** Patterns of objects to leave out, besides those of the file. */
  ignore: string[];
  /** Compares with the declared schema also while migrations are pending, and counts those and history faults as drift. */
  strict: boolean;
  /** The least severity that counts as drift. */
  failOn: Severity;
  /** Finds the statements that mend each finding, and tries them on a copy of the schema. */
  repair: boolean;
  signal: AbortSignal;
  /** Called when a longer step begins. */
  onProgress?: (step: string) => void;
};
