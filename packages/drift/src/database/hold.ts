/**
 * A script is applied to a scratch database, but roles, settings of other databases and rights on them belong to the whole
 * server. Where a script changes those, its transaction stays open until the database is dropped, and so comes to nothing.
 */
import pg from "pg";
import { DriftError } from "../model/errors.ts";
import { withoutComments } from "./comments.ts";

/** Connections whose transaction stays open. */
const held = new WeakSet<pg.Client>();

export function isHeld(client: pg.Client): boolean {
  return held.has(client);
}

/** Settings of roles and of other databases. */
const SETTINGS = `
SELECT md5(string_agg(s::text, ' ' ORDER BY s.setdatabase, s.setrole)) AS settings FROM pg_db_role_setting s
WHERE s.setdatabase <> (SELECT oid FROM pg_database WHERE datname = current_database())`;

/** Shared catalogs that a transaction writes are locked until its end, but for that of databases, whose row tells. */
const REACHES_SERVER = `
WITH mine AS (SELECT pg_current_xact_id_if_assigned()::text::bigint AS top)
SELECT EXISTS (
    SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND database = 0 AND mode = 'RowExclusiveLock'
      AND relation IN ('pg_authid'::regclass, 'pg_auth_members'::regclass, 'pg_tablespace'::regclass))
  OR EXISTS (SELECT FROM pg_database d, mine WHERE datname <> current_database() AND ${writtenBy("d.xmin")}) AS reaches,
  EXISTS (
    SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND database = 0 AND mode = 'RowExclusiveLock'
      AND relation = 'pg_db_role_setting'::regclass) AS sets,
  (${SETTINGS}) AS settings`;

/** Rows are visible that others have committed, and those of this transaction and of its savepoints. */
function writtenBy(xmin: string): string {
  return `CASE WHEN ${xmin}::text::bigint >= top & 4294967295
    THEN pg_xact_status(((top >> 32 << 32) + ${xmin}::text::bigint)::text::xid8) = 'in progress' ELSE false END`;
}

/** Statements that a transaction of ours could not hold back, in a script that ends transactions itself. */
const ENDS_TRANSACTION = /\b((?<!\bON\s)COMMIT|ROLLBACK|END\s+TRANSACTION|END\s+WORK)\b/i;
const OF_THE_SERVER =
  /\b(CREATE|ALTER|DROP)\s+(ROLE|USER(?!\s+MAPPING)|GROUP|DATABASE|TABLESPACE)\b|\bALTER\s+SYSTEM\b|\bON\s+(DATABASE|TABLESPACE|PARAMETER)\b|\bGRANT\s+"?\w+"?(\s*,\s*"?\w+"?)*\s+TO\b/i;
/** Programs and files of the server's machine, which no transaction takes back. */
const OF_THE_MACHINE = /\bCOPY\b[^;]*?\b((FROM|TO)\s+PROGRAM|TO\s+')|\blo_export\s*\(/i;

/**
 * Runs a script in a transaction, which ends with it if nothing but this database has changed.
 * @param mayReach the server was named for this: the script does there what it does.
 * @throws DriftError for a script that would reach the server whatever is done.
 */
export async function runScript(
  client: pg.Client,
  prepare: string,
  sql: string,
  mayReach: boolean,
): Promise<void> {
  const code = withoutComments(sql);
  if (!mayReach && OF_THE_MACHINE.test(code))
    throw new DriftError(
      "it runs programs or writes files of the server's machine, which nothing takes back. Name a server for that with --shadow-url.",
    );
  if (held.has(client)) return runInside(client, prepare, sql);
  await client.query(`DISCARD ALL`); // What one script sets must not reach the next.
  if (mayReach || ENDS_TRANSACTION.test(code)) return runAlone(client, prepare, sql, mayReach);
  await client.query(`BEGIN; ${local(prepare)}`);
  try {
    const before = await client.query<{ settings: string | null }>(SETTINGS);
    await client.query(sql);
    const { rows } = await client.query<Reach>(REACHES_SERVER);
    if (rows[0] && reachesServer(rows[0], before.rows[0]?.settings ?? null)) held.add(client);
    else await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {}); // On a dead connection there is nothing left to end.
    // Such as CREATE INDEX CONCURRENTLY, which is alone in its file.
    if (!(error instanceof pg.DatabaseError) || error.code !== "25001") throw error;
    await runAlone(client, prepare, sql, mayReach);
  }
}

type Reach = { reaches: boolean; sets: boolean; settings: string | null };

function reachesServer({ reaches, sets, settings }: Reach, before: string | null): boolean {
  return reaches || (sets && settings !== before);
}

function local(prepare: string): string {
  return prepare.replaceAll("SET ", "SET LOCAL ");
}

/** The transactions are the script's own. */
async function runAlone(
  client: pg.Client,
  prepare: string,
  sql: string,
  mayReach: boolean,
): Promise<void> {
  if (!mayReach && OF_THE_SERVER.test(withoutComments(sql)))
    throw new DriftError(
      "it ends its transaction itself and is about roles or databases, which would reach the whole server. Name a server for that with --shadow-url.",
    );
  await client.query(prepare);
  await client.query(sql);
}

async function runInside(client: pg.Client, prepare: string, sql: string): Promise<void> {
  if (ENDS_TRANSACTION.test(withoutComments(sql)))
    throw new DriftError(
      "it ends its transaction itself, and one before it is about roles or databases, which would then reach the whole server. Name a server for that with --shadow-url.",
    );
  await client.query(`SAVEPOINT script; RESET ALL; RESET ROLE; ${local(prepare)}`);
  try {
    await client.query(sql);
    await client.query("RELEASE script");
  } catch (error) {
    await client.query("ROLLBACK TO script; RELEASE script").catch(() => {});
    throw error;
  }
}

/** @throws DriftError where what was applied will not last. */
export function requireLasting(client: pg.Client): void {
  if (!held.has(client)) return;
  throw new DriftError(
    "The files make roles, or change other databases, which must not reach the live server. Name a server for that with --shadow-url.",
  );
}
