/** What Prisma itself would write: the difference between a database and schema.prisma, by its schema engine. */
import { ColumnTypeEnum, ok } from "@prisma/driver-adapter-utils";
import * as bindings from "@prisma/schema-engine-wasm/schema_engine_bg";
import type pg from "pg";
import { DriftError, messageOf } from "../errors.ts";
import { type SchemaFile, startEngine } from "../prisma-schema.ts";

/** The statements that bring the database to the schema; empty when it is that already. */
export async function prismaPart(
  client: pg.Client,
  files: SchemaFile[],
  schema: string,
): Promise<string> {
  try {
    await startEngine();
    const engine = await bindings.SchemaEngine.new(
      { datamodels: files.map(({ path, content }): [string, string] => [path, content]) },
      () => {},
      adapterOf(client, schema),
    );
    const { stdout } = await engine.diff({
      from: { tag: "schemaDatasource", files, configDir: "." },
      to: { tag: "schemaDatamodel", files },
      script: true,
      exitCode: null,
      filters: { externalTables: [], externalEnums: [] },
    });
    const sql = (stdout ?? "").trim();
    return sql === "-- This is an empty migration." ? "" : sql;
  } catch (error) {
    throw new DriftError(
      `Prisma's schema engine could not compare the schema: ${messageOf(error).trim()}`,
      {
        cause: error,
      },
    );
  }
}

/** The types of the columns that the engine reads in PostgreSQL's catalogues, by OID. */
const TYPES: Record<number, number> = {
  16: ColumnTypeEnum.Boolean,
  18: ColumnTypeEnum.Character,
  20: ColumnTypeEnum.Int64,
  21: ColumnTypeEnum.Int32,
  23: ColumnTypeEnum.Int32,
  26: ColumnTypeEnum.Int64,
  700: ColumnTypeEnum.Float,
  701: ColumnTypeEnum.Double,
  1000: ColumnTypeEnum.BooleanArray,
  1002: ColumnTypeEnum.CharacterArray,
  1003: ColumnTypeEnum.TextArray,
  1005: ColumnTypeEnum.Int32Array,
  1007: ColumnTypeEnum.Int32Array,
  1009: ColumnTypeEnum.TextArray,
  1016: ColumnTypeEnum.Int64Array,
};

const identity = {
  provider: "postgres",
  adapterName: "drift",
  errorRegistry: { consumeError: () => undefined },
} as const;

function adapterOf(client: pg.Client, schema: string) {
  const connection = {
    ...identity,
    async queryRaw({ sql, args }: { sql: string; args: unknown[] }) {
      const { fields, rows } = await client.query({ text: sql, values: args, rowMode: "array" });
      return ok({
        columnNames: fields.map(({ name }) => name),
        columnTypes: fields.map(({ dataTypeID }) => TYPES[dataTypeID] ?? ColumnTypeEnum.Text),
        rows,
      });
    },
    executeScript: async (script: string) => {
      await client.query(script);
      return ok(undefined);
    },
    getConnectionInfo: () => ok({ schemaName: schema, supportsRelationJoins: true }),
    dispose: async () => ok(undefined), // The connection belongs to whoever gave it.
  };
  return {
    ...identity,
    connect: async () => ok(connection),
    connectToShadowDb: async () => ok(connection),
  };
}
