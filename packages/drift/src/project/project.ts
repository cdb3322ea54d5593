/** The two states that a project keeps in files: what it declares, and its history of migrations. */
import { schemaToSql } from "@tenantry/prisma-engine/to-sql";
import type pg from "pg";
import type { Options } from "../commands/options.ts";
import { withConnection } from "../database/connection.ts";
import {
  build,
  type Replayed,
  type ReplayOptions,
  replay,
  type Script,
} from "../database/replay.ts";
import {
  type ScratchOptions,
  sweepScratchDatabases,
  withScratchDatabase,
} from "../database/scratch.ts";
import { DriftError, messageOf } from "../model/errors.ts";
import type { State } from "./compare.ts";
import { readSchema, readSqlFiles } from "./files.ts";
import { placesOf } from "./provenance.ts";

/** The declared schema as scripts: Prisma's part first, since the hand-written part builds on its tables. */
export async function declaredScripts(options: Pick<Options, "schema" | "sql">): Promise<Script[]> {
  const [prisma, ...written] = await declaredSources(options);
  if (!prisma) return written;
  const sql = await schemaToSql(prisma.sources ?? []).catch((error) => {
    throw new DriftError(`Prisma does not accept the schema. ${messageOf(error).trim()}`, {
      cause: error,
    });
  });
  return [{ ...prisma, sql }, ...written];
}

/** The same files as they are written: enough to find a line, and nothing that could be applied. */
export async function declaredSources({
  schema,
  sql,
}: Pick<Options, "schema" | "sql">): Promise<Script[]> {
  const [sources, written] = await Promise.all([readSchema(schema), readSqlFiles(sql)]);
  return [{ path: schema, sql: "", sources }, ...written];
}

/** Gives the server that scratch databases are made on: that of the shadow URL, else the live one. */
export async function withServer<T>(
  options: Options,
  live: pg.Client | null,
  work: (server: ScratchOptions) => Promise<T>,
): Promise<T> {
  const url = options.shadowUrl ?? options.databaseUrl;
  if (url === null)
    throw new DriftError(
      "No server is named to make scratch databases on. Give --shadow-url or --database-url, or set DATABASE_URL.",
    );
  const start = async (client: pg.Client) => {
    await sweepScratchDatabases(client);
    return work({ live: client, url, signal: options.signal });
  };
  return live && options.shadowUrl === null ? start(live) : withConnection(url, start);
}

/** The state that scripts make. Which of them declares what is found out by a second replay, when somebody asks. */
export async function stateOf(
  server: ScratchOptions,
  scripts: Script[] | Promise<Script[]>,
  options: Options,
): Promise<State> {
  options.onProgress?.("replaying the files in a scratch database");
  const built = await withScratchDatabase(server, async (scratch) =>
    build(scratch, await scripts, replayOptions(options)),
  );
  return {
    objects: built,
    async places(objects) {
      const { declaredIn } = await provenance(server, await scripts, options);
      return placesOf(objects, declaredIn, await scripts);
    },
  };
}

export function provenance(
  server: ScratchOptions,
  scripts: Script[],
  options: Options,
): Promise<Replayed> {
  options.onProgress?.("finding out where objects are declared");
  return withScratchDatabase(server, (scratch) => replay(scratch, scripts, replayOptions(options)));
}

/** As for Prisma, names without a schema mean the one in the URL. */
export function replayOptions(options: Options): ReplayOptions {
  const url = options.databaseUrl ?? options.shadowUrl ?? "";
  const schema = URL.canParse(url) ? new URL(url).searchParams.get("schema") : null;
  return { scope: options, defaultSchema: schema };
}
