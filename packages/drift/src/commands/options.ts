/** What a run of the check is asked to do. The command line gives these; so can a program. */
import { existsSync } from "node:fs";
import type pg from "pg";
import type { ReplayOptions } from "../database/replay.ts";
import type { ScratchServer } from "../database/scratch.ts";
import { DriftError } from "../model/errors.ts";
import type { ProjectFiles } from "../project/files.ts";
import type { RuleFiles, SnapshotFile } from "../project/project.ts";
import type { Verdict } from "../report/report.ts";

export type Options = ProjectFiles &
  RuleFiles &
  SnapshotFile &
  ReplayOptions &
  Verdict & {
    /** The live database; null for what needs none. */
    databaseUrl: string | null;
    /** A database beside which scratch databases are made; null makes them beside the live one. */
    shadowUrl: string | null;
    /** Finds the statements that mend each finding, and tries them on a copy of the schema. */
    repair: boolean;
    signal: AbortSignal;
    /** Called when a longer step begins. */
    onProgress?: (step: string) => void;
  };

/** Results, and what is said beside them. */
export type Output = {
  result(text: string): Promise<unknown>;
  note(text: string): Promise<unknown>;
};

export function liveUrl({
  databaseUrl,
  schema,
}: {
  databaseUrl: string | null;
  schema?: string;
}): string {
  if (databaseUrl !== null) return databaseUrl;
  const elsewhere =
    schema === undefined || existsSync(schema)
      ? ""
      : ` There is no ${schema} here either: is this the project's root?`;
  throw new DriftError(
    `No database is named. Give --database-url or set DATABASE_URL.${elsewhere}`,
  );
}

/** The server of the shadow URL, else that of the live database. @param live a connection to that, if there is one. */
export function scratchServer(
  { databaseUrl, shadowUrl, signal, externals }: Options,
  live: pg.Client | null = null,
): ScratchServer {
  const url = shadowUrl ?? databaseUrl;
  const isNamed = shadowUrl !== null;
  if (url !== null) {
    const prelude = externals?.prelude ?? null;
    return { url, isNamed, client: isNamed ? null : live, signal, prelude };
  }
  throw new DriftError(
    "No server is named to make scratch databases on. Give --shadow-url or --database-url, or set DATABASE_URL.",
  );
}
