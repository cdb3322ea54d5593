/**
 * schema.prisma as SQL, by Prisma's own schema engine: its WebAssembly build, in this process. The result is what
 * `prisma migrate diff --from-empty --to-schema … --script` prints, without the second that the CLI takes to start.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { ColumnTypeEnum, ok } from "@prisma/driver-adapter-utils";
import * as bindings from "@prisma/schema-engine-wasm/schema_engine_bg";
import { DriftError, messageOf } from "./errors.ts";

export type SchemaFile = { path: string; content: string };

/** The statements that make an empty database what the schema says. */
export async function prismaSchemaToSql(files: SchemaFile[]): Promise<string> {
  try {
    await startEngine();
    const engine = await bindings.SchemaEngine.new({ datamodels: undefined }, () => {}, adapter);
    const { stdout } = await engine.diff({
      from: { tag: "empty" },
      to: { tag: "schemaDatamodel", files },
      script: true,
      exitCode: null,
      filters: { externalTables: [], externalEnums: [] },
    });
    return stdout ?? "";
  } catch (error) {
    throw new DriftError(`Prisma does not accept the schema. ${messageOf(error).trim()}`, {
      cause: error,
    });
  }
}

let started: Promise<void> | undefined;

/** Once a process: a second start would take the memory from under the engines of the first. */
export function startEngine(): Promise<void> {
  started ??= instantiate();
  return started;
}

async function instantiate(): Promise<void> {
  const wasm = import.meta
    .resolve("@prisma/schema-engine-wasm/schema_engine_bg")
    .replace(/js$/, "wasm");
  const { instance } = await WebAssembly.instantiate(await readFile(fileURLToPath(wasm)), {
    "./schema_engine_bg.js": { ...bindings },
  });
  bindings.__wbg_set_wasm(instance.exports);
  (instance.exports as { __wbindgen_start(): void }).__wbindgen_start();
}

/**
 * The engine wants to know the server's version before it does anything, also where no server is concerned. This
 * adapter answers that one question, so that the schema can be turned into SQL with no database at hand.
 */
const adapterInfo = {
  provider: "postgres",
  adapterName: "offline",
  errorRegistry: { consumeError: () => undefined },
};
const adapter = {
  ...adapterInfo,
  connect: async () =>
    ok({
      ...adapterInfo,
      queryRaw: async () =>
        ok({
          columnNames: ["exists", "version", "numeric_version"],
          columnTypes: [ColumnTypeEnum.Boolean, ColumnTypeEnum.Text, ColumnTypeEnum.Int32],
          rows: [[true, "PostgreSQL 15.0", 150000]],
        }),
      dispose: async () => ok(undefined),
    }),
};
