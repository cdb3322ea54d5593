import { PrismaPg } from "@prisma/adapter-pg";
import {
  ColumnTypeEnum,
  DriverAdapterError,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
  type SqlQuery,
} from "@prisma/driver-adapter-utils";
import pg from "pg";
import { type Datasource, openPool, parseUrl, schemaOf } from "./connection.ts";
import { OFFLINE } from "./offline.ts";
import { openShadow } from "./shadow.ts";

/** The engine drops the details of an error that passes through it; the last one is kept here. */
export type Failures = { last?: unknown };

const CHAR_OID = 18;
const TEXT_OID = 25;

/**
 * Connects the engine. When it only compares files `isOffline` spares it the server, so that
 * `migrate diff --from-empty` works where there is none.
 */
export function createFactory(
  datasource: Datasource,
  isOffline: boolean,
  failures: Failures,
): SqlMigrationAwareDriverAdapterFactory {
  return {
    provider: OFFLINE.provider,
    adapterName: OFFLINE.adapterName,
    connect: () => (isOffline ? Promise.resolve(OFFLINE) : connect(datasource.url, failures)),
    connectToShadowDb: () => connectShadow(datasource, failures),
  };
}

/** @throws EngineError when the database cannot be reached. */
export async function connect(
  url: string | undefined,
  failures: Failures,
): Promise<SqlDriverAdapter> {
  try {
    const target = parseUrl(url);
    const pool = await openPool(target);
    return await adapt(pool, target, () => pool.end(), failures);
  } catch (err) {
    throw keep(err, failures);
  }
}

async function connectShadow(
  datasource: Datasource,
  failures: Failures,
): Promise<SqlDriverAdapter> {
  try {
    const { pool, url, close } = await openShadow(datasource);
    return await adapt(pool, url, close, failures);
  } catch (err) {
    throw keep(err, failures);
  }
}

async function adapt(
  pool: pg.Pool,
  url: URL,
  dispose: () => Promise<void>,
  failures: Failures,
): Promise<SqlDriverAdapter> {
  const charColumns = trackCharColumns(pool);
  const adapter = await new PrismaPg(pool, { schema: schemaOf(url) }).connect();
  const queryRaw = adapter.queryRaw.bind(adapter);

  return Object.assign(adapter, {
    dispose,
    queryRaw: async (query: SqlQuery) => {
      const result = await queryRaw(query);
      for (const i of charColumns.get(result.rows) ?? []) {
        result.columnTypes[i] = ColumnTypeEnum.Character;
      }
      return result;
    },
    executeScript: (script: string) => runScript(pool, script, failures),
  });
}

/**
 * The adapter refuses `"char"`, the type of some catalog columns, and the engine insists on it: such
 * a column goes past the adapter as text, and is remembered by its rows.
 */
function trackCharColumns(pool: pg.Pool): WeakMap<unknown[], number[]> {
  const charColumns = new WeakMap<unknown[], number[]>();
  const query = pool.query.bind(pool) as (config: pg.QueryConfig) => Promise<pg.QueryResult>;

  pool.query = (async (config: pg.QueryConfig) => {
    const result = await query(config);
    // A script of many statements has as many results, which nobody reads.
    const fields = Array.isArray(result) ? [] : result.fields;
    if (fields.length === 0) return result;

    charColumns.set(
      result.rows,
      [...fields.keys()].filter((i) => fields[i]?.dataTypeID === CHAR_OID),
    );
    for (const field of fields) if (field.dataTypeID === CHAR_OID) field.dataTypeID = TEXT_OID;
    return result;
  }) as typeof pool.query;

  return charColumns;
}

/**
 * The adapter's own version splits the script at every semicolon, those in function bodies included.
 * Sent whole, the server does the splitting, and the script is one transaction as with the native
 * engine.
 */
async function runScript(pool: pg.Pool, script: string, failures: Failures): Promise<void> {
  try {
    await pool.query(script);
  } catch (err) {
    // A BEGIN in the script would leave the session, and the record of the failure, in a dead transaction.
    await pool.query("ROLLBACK").catch(() => undefined);
    throw keep(err, failures);
  }
}

/** Without its SQLSTATE, for which the engine would put a vaguer message of its own. */
function keep(err: unknown, failures: Failures): DriverAdapterError {
  failures.last = err;
  const message = err instanceof Error ? err.message : String(err);
  const { severity = "ERROR", detail, column, hint } = err instanceof pg.DatabaseError ? err : {};
  return new DriverAdapterError({
    kind: "postgres",
    code: "",
    severity,
    message,
    detail,
    column,
    hint,
  });
}
