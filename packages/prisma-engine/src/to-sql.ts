/**
 * schema.prisma as SQL, by the schema engine in this process. The result is what `prisma migrate diff --script` prints,
 * without the second that the CLI takes to start.
 */
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlMigrationAwareDriverAdapterFactory,
} from "@prisma/driver-adapter-utils";
import type { DiffTarget } from "@prisma/schema-engine-wasm";
import { OFFLINE_FACTORY } from "./offline.ts";
import { loadSchemaEngine } from "./wasm.ts";

export type SchemaFile = { path: string; content: string };

const NO_CHANGE = "-- This is an empty migration.";

/** The statements that make an empty database what the schema says. @throws Error when Prisma does not accept it. */
export function schemaToSql(files: SchemaFile[]): Promise<string> {
  return diff({ tag: "empty" }, files, OFFLINE_FACTORY);
}

/**
 * The statements that bring a database to the schema; empty when it is that already.
 * @param schema PostgreSQL's, that names without one mean.
 * @throws Error when the engine cannot compare them.
 */
export async function changesToSql(
  url: string,
  files: SchemaFile[],
  schema: string,
): Promise<string> {
  const target = new URL(url);
  target.searchParams.set("schema", schema);
  // Who only reads files does not wait until this is loaded.
  const { connect } = await import("./adapter.ts");
  const adapter = await connect(target.href, {});
  try {
    const factory = { ...OFFLINE_FACTORY, connect: () => Promise.resolve(adapter) };
    const from = { tag: "schemaDatasource", files, configDir: "." } as const;
    const sql = (await diff(from, files, factory)).trim();
    return sql === NO_CHANGE ? "" : sql;
  } finally {
    await adapter.dispose().catch(() => undefined); // The engine may have done it.
  }
}

async function diff(
  from: DiffTarget,
  files: SchemaFile[],
  factory: SqlMigrationAwareDriverAdapterFactory,
): Promise<string> {
  const Engine = await loadSchemaEngine();
  const datamodels = files.map(({ path, content }): [string, string] => [path, content]);
  const adapter = bindMigrationAwareSqlAdapterFactory(factory);
  const engine = await Engine.new({ datamodels }, () => undefined, adapter);
  const { stdout } = await engine.diff({
    from,
    to: { tag: "schemaDatamodel", files },
    script: true,
    exitCode: null,
    filters: { externalTables: [], externalEnums: [] },
  });
  return stdout ?? "";
}
