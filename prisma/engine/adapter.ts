import { PrismaPg } from "@prisma/adapter-pg";
import {
  ColumnTypeEnum,
  DriverAdapterError,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
  type SqlResultSet,
} from "@prisma/driver-adapter-utils";
import pg from "pg";
import { type Datasource, openPool, parseUrl, schemaOf } from "./connection.ts";
import { openShadow } from "./shadow.ts";

/** The engine drops the details of an error that passes through it; the last one is kept here. */
export type Failures = { last?: unknown };

const IDENTITY = { provider: "postgres", adapterName: "@prisma/adapter-pg" } as const;

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
    ...IDENTITY,
    connect: () => (isOffline ? Promise.resolve(OFFLINE) : connect(datasource.url, failures)),
    connectToShadowDb: () => connectShadow(datasource, failures),
  };
}

async function connect(url: string | undefined, failures: Failures): Promise<SqlDriverAdapter> {
  try {
    const target = parseUrl(url);
    const pool = await openPool(target);
    return await adapt(pool, target, () => pool.end(), failures);
  } catch (err) {
    throw keep(err, failures);
  }
}

async function connectShadow(datasource: Datasource, failures: Failures): Promise<SqlDriverAdapter> {
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
  const adapter = await new PrismaPg(pool, { schema: schemaOf(url) }).connect();
  return Object.assign(adapter, {
    dispose,
    executeScript: (script: string) => runScript(pool, script, failures),
  });
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

function keep(err: unknown, failures: Failures): DriverAdapterError {
  failures.last = err;
  const message = err instanceof Error ? err.message : String(err);
  const { code = "", severity = "ERROR", detail, column, hint } = err instanceof pg.DatabaseError ? err : {};
  return new DriverAdapterError({ kind: "postgres", code, severity, message, detail, column, hint });
}

/** Answers the one question with which the engine starts; it has no others when it reads only files. */
const OFFLINE: SqlDriverAdapter = {
  ...IDENTITY,
  queryRaw: () => Promise.resolve(OFFLINE_SERVER),
  executeRaw: () => Promise.resolve(0),
  executeScript: () => Promise.resolve(),
  startTransaction: () => Promise.reject(new Error("There is no database to open a transaction in.")),
  dispose: () => Promise.resolve(),
};

const OFFLINE_SERVER: SqlResultSet = {
  columnNames: ["exists", "version", "numeric_version"],
  columnTypes: [ColumnTypeEnum.Boolean, ColumnTypeEnum.Text, ColumnTypeEnum.Int32],
  rows: [[true, "PostgreSQL 18", 180000]],
};
