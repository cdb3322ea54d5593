/**
 * Takes the last applied migration back. Its rollback.sql and the end of its row in Prisma's history are one
 * transaction, under the lock that Prisma holds while it migrates.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { withConnection } from "../database/connection.ts";
import { beginInsteadOfMigration, MIGRATION_LOCK } from "../database/migration-lock.ts";
import { NO_CODE, rowsOf } from "../database/migrations-table.ts";
import { codeOf, DriftError, messageOf } from "../model/errors.ts";
import { liveUrl } from "./options.ts";

export type RollbackOptions = {
  databaseUrl: string | null;
  migrations: string;
  /** The migration that is meant; it has to be the last. Null takes whichever is. */
  name: string | null;
};

type Row = { id: string; name: string; failed: boolean };

/** Gives the name of the migration that was taken back. Throws a DriftError, and then nothing has changed. */
export async function rollback({
  databaseUrl,
  migrations,
  name,
}: RollbackOptions): Promise<string> {
  const url = liveUrl({ databaseUrl });
  return withConnection(url, async (client) => {
    const schema = new URL(url).searchParams.get("schema");
    const path = schema === null ? "DEFAULT" : pg.escapeIdentifier(schema);
    const table = await historyTable(client, path);
    try {
      await beginInsteadOfMigration(client);
      const last = await lastApplied(client, table);
      refuseUnlessLast(last, name);
      const sql = await readRollback(migrations, last.name);
      await run(client, { sql, path, name: last.name, table });
      await client.query(`DELETE FROM ${table} WHERE id::text = $1::text`, [last.id]);
      await client.query("COMMIT");
      return last.name;
    } catch (error) {
      await client.query("ROLLBACK").catch(() => {}); // On a dead connection there is nothing left to end.
      throw error;
    }
  });
}

/** As for Prisma, the schema of the URL has the table, and is what names without one mean. */
async function historyTable(client: pg.Client, path: string): Promise<string> {
  await client.query(`SET search_path = ${path}`);
  const found = await client.query<{ oid: string | null }>(
    "SELECT pg_catalog.to_regclass('_prisma_migrations')::pg_catalog.oid AS oid",
  );
  await client.query("SET search_path = ''");
  const { rows } = await client.query<{ schema: string | null }>(
    "SELECT quote_ident(n.nspname) AS schema FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1 AND c.relkind = 'r'",
    [found.rows[0]?.oid],
  );
  if (rows[0]?.schema) return `${rows[0].schema}._prisma_migrations`;
  throw new DriftError(
    `The database ${client.database} has no _prisma_migrations table: no migration was ever applied to it.`,
  );
}

/** By name, as that is the order in which Prisma applies them, whatever the clocks have said. */
async function lastApplied(client: pg.Client, table: string): Promise<Row> {
  await client.query(NO_CODE);
  const { rows } = await client.query<Row>(
    `SELECT id, migration_name AS name, finished_at IS NULL AS failed FROM ${rowsOf(table)}
     WHERE rolled_back_at IS NULL ORDER BY migration_name DESC, started_at DESC LIMIT 1`,
  );
  await client.query("RESET row_security");
  if (rows[0]) return rows[0];
  throw new DriftError("No migration is applied to the database, so there is none to take back.");
}

function refuseUnlessLast(last: Row, name: string | null): void {
  if (last.failed)
    throw new DriftError(
      `Migration ${last.name} has failed, so that nobody knows which of its statements to take back. See what it has left with \`tenantry-drift\`, mend that by hand, and run \`npx prisma migrate resolve --rolled-back ${last.name}\`.`,
    );
  if (name !== null && name !== last.name)
    throw new DriftError(
      `${name} is not the last applied migration; ${last.name} is. Migrations are taken back one by one, the last first.`,
    );
}

async function readRollback(migrations: string, name: string): Promise<string> {
  const path = join(migrations, name, "rollback.sql");
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new DriftError(
      codeOf(error) === "ENOENT"
        ? `${path} does not exist, so nothing says how to take ${name} back. Write it, or write a new migration that undoes the old one.`
        : `${path} cannot be read: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

type Rollback = { sql: string; path: string; name: string; table: string };

async function run(client: pg.Client, { sql, path, name, table }: Rollback): Promise<void> {
  try {
    await client.query(`SET search_path = ${path}`);
    await client.query(sql);
    await client.query("SET search_path = ''");
  } catch (error) {
    throw new DriftError(
      `rollback.sql of ${name} failed, and the database is as it was. ${messageOf(error)}`,
      { cause: error },
    );
  }
  // A COMMIT in the file would have ended the transaction, and let go of the lock.
  const { rows } = await client.query<{ intact: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = ${MIGRATION_LOCK} AND pid = pg_backend_pid()) AS intact`,
  );
  if (rows[0]?.intact) return;
  throw new DriftError(
    `rollback.sql of ${name} ends the transaction itself, so that it is not one with the history any more. It was run; its row is still in ${table}. Take COMMIT out of the file, and delete the row by hand.`,
  );
}
