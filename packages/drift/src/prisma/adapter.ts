/** PostgreSQL as Prisma's engine wants to be given it: results in columns with types, and errors as values. */
import pg from "pg";

type Query = { sql: string; args: unknown[] };
export type ResultSet = { columnNames: string[]; columnTypes: number[]; rows: unknown[][] };

/** The engine's numbers of column types. */
const TYPE = { int32: 0, int64: 1, double: 3, boolean: 5, char: 6, text: 7 } as const;
const ARRAY = 64;
// The driver parses more types than its declarations name.
const TEXT_ARRAY = 1009 as Parameters<typeof pg.types.getTypeParser>[0];

/** Types of the catalog's columns by OID; the rest is text, and an unknown array one of texts. */
const TYPES = new Map<number, number>([
  [16, TYPE.boolean],
  [18, TYPE.char],
  [20, TYPE.int64],
  [21, TYPE.int32],
  [23, TYPE.int32],
  [26, TYPE.int64],
  [700, TYPE.double],
  [701, TYPE.double],
  [1000, ARRAY + TYPE.boolean],
  [1002, ARRAY + TYPE.char],
  [1003, ARRAY + TYPE.text],
  [1005, ARRAY + TYPE.int32],
  [1007, ARRAY + TYPE.int32],
  [1009, ARRAY + TYPE.text],
  [1015, ARRAY + TYPE.text],
  [1016, ARRAY + TYPE.int64],
  [1028, ARRAY + TYPE.int64],
]);

const OFFLINE_ANSWER: ResultSet = {
  columnNames: ["exists", "version", "numeric_version"],
  columnTypes: [TYPE.boolean, TYPE.text, TYPE.int32],
  rows: [[true, "PostgreSQL 18", 180000]],
};

/** For comparing files alone: it answers the one question with which the engine starts, and refuses every other. */
export const offline = factory(async ({ sql }) => {
  if (sql.includes("server_version_num")) return OFFLINE_ANSWER;
  throw new Error("This comparison was to need no database.");
}, "public");

/** Reads the database of a connection. */
export function online(client: pg.Client, schema: string) {
  return factory(async ({ sql, args }) => {
    const types = { getTypeParser: () => (text: string) => text };
    const result = await client.query({ text: sql, values: args, rowMode: "array", types });
    const columnTypes = result.fields.map(({ dataTypeID }) => TYPES.get(dataTypeID) ?? TYPE.text);
    const rows = result.rows.map((row: (string | null)[]) =>
      row.map((text, place) => (text === null ? null : typed(text, columnTypes[place] ?? 0))),
    );
    return { columnNames: result.fields.map(({ name }) => name), columnTypes, rows };
  }, schema);
}

function typed(text: string, type: number): unknown {
  if (type >= ARRAY) return arrayOf(text, type - ARRAY);
  if (type === TYPE.boolean) return text === "t";
  return type === TYPE.int32 || type === TYPE.double ? Number(text) : text;
}

function arrayOf(text: string, type: number): unknown[] {
  const parse: (text: string) => (string | null)[] = pg.types.getTypeParser(TEXT_ARRAY);
  return parse(text).map((item) => (item === null ? null : typed(item, type)));
}

function factory(query: (query: Query) => Promise<ResultSet>, schemaName: string) {
  const errorRegistry = { consumeError: () => undefined };
  const shared = { provider: "postgres", adapterName: "drift", errorRegistry };
  const refuse = async () => failed(new Error("A comparison only reads."));
  const queryRaw = (input: Query) => query(input).then(ok, failed);
  const adapter = {
    ...shared,
    queryRaw,
    executeRaw: refuse,
    executeScript: refuse,
    startTransaction: refuse,
    getConnectionInfo: () => ok({ schemaName, supportsRelationJoins: false }),
    dispose: async () => ok(undefined),
  };
  return { ...shared, connect: async () => ok(adapter), connectToShadowDb: refuse };
}

function ok(value: unknown) {
  return { ok: true, value };
}

function failed(error: Error) {
  const { message } = error;
  const details = { code: "", severity: "ERROR", detail: undefined, column: undefined };
  return { ok: false, error: { kind: "postgres", message, hint: undefined, ...details } };
}
