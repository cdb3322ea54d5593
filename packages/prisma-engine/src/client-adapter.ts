/** Lends the engine a connection that is open already, and that stays with whoever gave it. */
import { ColumnTypeEnum, ok } from "@prisma/driver-adapter-utils";
import type pg from "pg";

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
  adapterName: "open-connection",
  errorRegistry: { consumeError: () => undefined },
} as const;

export function factoryOf(client: pg.Client, schema: string) {
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
    dispose: async () => ok(undefined),
  };
  return {
    ...identity,
    connect: async () => ok(connection),
    connectToShadowDb: async () => ok(connection),
  };
}
