/** The server that is backed up or restored into. */
import { join } from "node:path";
import type pg from "pg";
import { CannotRun } from "../cannot-run.ts";

export const SNAPSHOT_FILE = join(
  import.meta.dir,
  "..",
  "..",
  "..",
  "migrations-sql",
  "drift.snapshot.json",
);

export type Server = { major: number; version: string; database: string };

export async function readServer(client: pg.Client): Promise<Server> {
  const { rows } = await client.query<Server>(
    `SELECT current_setting('server_version_num')::int / 10000 AS major, split_part(current_setting('server_version'), ' ', 1) AS version,
       current_database() AS database`,
  );
  if (!rows[0]) throw new Error("the server does not tell its version");
  return rows[0];
}

/**
 * @throws CannotRun where the policies would leave rows out, or the login may not read all tables: pg_dump would stop there
 * too, in the middle.
 */
export async function assertSeesAll(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ held: boolean; hidden: string | null }>(`
    SELECT row_security_active('users') AS held, (
      SELECT format('%I.%I', nspname, relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
      WHERE relkind = 'r' AND nspname !~ '^pg_' AND nspname <> 'information_schema' AND NOT (
        has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')) LIMIT 1) AS hidden`);
  const [seen] = rows;
  if (seen?.hidden)
    throw new CannotRun(`DATABASE_URL names a login that may not read ${seen.hidden}. ${WHO}`);
  if (seen?.held)
    throw new CannotRun(
      `DATABASE_URL names a login that row-level security holds: it sees no rows of tenants. ${WHO}`,
    );
}

const WHO = "Name a superuser, or the owner of the tables with BYPASSRLS.";
