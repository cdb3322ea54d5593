/** Live against what the project says it should be. */
import type pg from "pg";
import { withConnection } from "./connection.ts";
import type { Unmodelled } from "./coverage.ts";
import { diff } from "./diff.ts";
import { type Migration, readMigrations, readSchema, readSqlFiles } from "./files.ts";
import { type Progress, progressOf } from "./history.ts";
import { withoutIgnored } from "./ignore.ts";
import { unlessAborted } from "./interruption.ts";
import { type Live, readLive } from "./live.ts";
import { prismaSchemaToSql } from "./prisma-schema.ts";
import { replay, type Script } from "./replay.ts";
import { type Report, toFinding } from "./report.ts";
import { withScratchDatabase } from "./scratch.ts";

export type CheckOptions = {
  databaseUrl: string;
  /** Path of schema.prisma, or of a folder of .prisma files. */
  schema: string;
  migrations: string;
  sql: string;
  /** The PostgreSQL schemas that are compared. */
  schemas: string[];
  /** Compares with the declared schema also while migrations are pending, and counts those as drift. */
  strict: boolean;
  signal: AbortSignal;
};

/** Compares the live database with the expected one. Throws a DriftError when that cannot be done. */
export async function check(options: CheckOptions): Promise<Report> {
  return withConnection(options.databaseUrl, async (client) => {
    const [live, declared, migrations] = await unlessAborted(options.signal, () =>
      Promise.all([
        readLive(client, options.schemas),
        declaredScripts(options),
        readMigrations(options.migrations),
      ]),
    );
    const { applied, pending, warnings } = progress(migrations, live);
    // What is pending is not there yet and need not be: then live has to be what the applied migrations made of it.
    const expectsDeclared = pending.length === 0 || options.strict;
    const expected = await build(client, expectsDeclared ? declared : applied, options);
    const objects = withoutIgnored(expected.objects);
    const findings = diff(objects, withoutIgnored(live.objects)).map((difference) =>
      toFinding(difference, expected.declaredIn),
    );
    return {
      database: client.database ?? "",
      expected: expectsDeclared ? "declared" : "applied migrations",
      findings,
      pending: pending.map(({ name }) => name),
      objects: objects.length,
      warnings: [...warnings, ...live.unmodelled.map(unmodelledWarning)],
      drift: findings.length > 0 || (options.strict && pending.length > 0),
    };
  });
}

/** The declared schema as scripts: Prisma's part first, since the hand-written part builds on its tables. */
async function declaredScripts({ schema, sql }: CheckOptions): Promise<Script[]> {
  const [files, scripts] = await Promise.all([readSchema(schema), readSqlFiles(sql)]);
  return [{ path: schema, sql: await prismaSchemaToSql(files), generated: true }, ...scripts];
}

function build(
  live: pg.Client,
  scripts: Script[],
  { databaseUrl: url, schemas, signal }: CheckOptions,
) {
  // As for Prisma, names without a schema mean the one in the URL.
  const defaultSchema = new URL(url).searchParams.get("schema");
  return withScratchDatabase({ live, url, signal }, (scratch) =>
    replay(scratch, scripts, { schemas, defaultSchema }),
  );
}

/** Where nothing tells what was applied, live has to be what is declared: there is no state in between to compare with. */
function progress(migrations: Migration[], { history, objects }: Live): Progress {
  const isEmpty = objects.every(({ parent }) => parent === "");
  if (history !== null || isEmpty) return progressOf(migrations, history ?? []);
  const warning =
    "The database has no _prisma_migrations table, so nothing is known of what was applied to it.";
  return { applied: [], pending: [], warnings: [warning] };
}

function unmodelledWarning({ kind, names }: Unmodelled): string {
  const shown =
    names.slice(0, 3).join(", ") + (names.length > 3 ? `, and ${names.length - 3} more` : "");
  return `Not compared: ${kind} (${shown}). The check does not know this kind of object yet.`;
}
