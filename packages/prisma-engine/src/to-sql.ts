/**
 * schema.prisma as SQL, by the schema engine in this process. The result is what `prisma migrate diff --script` prints,
 * without the second that the CLI takes to start.
 */
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import type pg from "pg";
import { factoryOf } from "./client-adapter.ts";
import { OFFLINE_FACTORY } from "./offline.ts";
import { loadSchemaEngine } from "./wasm.ts";

export type SchemaFile = { path: string; content: string };

const NO_CHANGE = "-- This is an empty migration.";

/** The statements that make an empty database what the schema says. @throws Error when Prisma does not accept it. */
export async function schemaToSql(files: SchemaFile[]): Promise<string> {
  const Engine = await loadSchemaEngine();
  const factory = bindMigrationAwareSqlAdapterFactory(OFFLINE_FACTORY);
  const engine = await Engine.new({ datamodels: undefined }, () => {}, factory);
  const { stdout } = await engine.diff({ from: { tag: "empty" }, ...towards(files) });
  return stdout ?? "";
}

/**
 * The statements that bring a database to the schema; empty when it is that already.
 * @param schema PostgreSQL's, that names without one mean.
 * @throws Error when the engine cannot compare them.
 */
export async function changesToSql(
  client: pg.Client,
  files: SchemaFile[],
  schema: string,
): Promise<string> {
  const Engine = await loadSchemaEngine();
  const datamodels = files.map(({ path, content }): [string, string] => [path, content]);
  const engine = await Engine.new({ datamodels }, () => {}, factoryOf(client, schema));
  const from = { tag: "schemaDatasource", files, configDir: "." } as const;
  const { stdout } = await engine.diff({ from, ...towards(files) });
  const sql = (stdout ?? "").trim();
  return sql === NO_CHANGE ? "" : sql;
}

function towards(files: SchemaFile[]) {
  return {
    to: { tag: "schemaDatamodel" as const, files },
    script: true,
    exitCode: null,
    filters: { externalTables: [], externalEnums: [] },
  };
}
