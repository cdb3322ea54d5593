/** A database that exists for the length of a check, on the server that is checked or on another one. */
import { randomBytes } from "node:crypto";
import type pg from "pg";
import { codeOf, DriftError, messageOf } from "../model/errors.ts";
import { fewOf } from "../model/words.ts";
import { isConnectionLoss, withConnection, withDatabase } from "./connection.ts";
import { runScript } from "./hold.ts";
import { unlessAborted } from "./work.ts";

/** The server that scratch databases are made on. */
export type ScratchServer = {
  /** Of the database beside which they are made, and whose encoding and locale they get. */
  url: string;
  /** It was named for scratch databases, and not found beside the live one. */
  isNamed?: boolean;
  /** A connection to that database. Without one each scratch database brings its own. */
  client: pg.Client | null;
  /** Ends the work and drops the database, as on Ctrl-C. */
  signal: AbortSignal;
  /** What Prisma runs first in a database that its migrations are replayed in. */
  prelude?: string | null;
};

/** Text compares and sorts as in the live database, or definitions that name a collation could not even be made. */
const LOCALE = `
SELECT concat_ws(' ',
  format('ENCODING %L LC_COLLATE %L LC_CTYPE %L', pg_encoding_to_char(d.encoding), d.datcollate, d.datctype),
  CASE d.datlocprovider
    WHEN 'i' THEN format('LOCALE_PROVIDER icu ICU_LOCALE %L', coalesce(row->>'datlocale', row->>'daticulocale'))
    WHEN 'b' THEN format('LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', row->>'datlocale')
    ELSE 'LOCALE_PROVIDER libc' END,
  'ICU_RULES ' || quote_literal(row->>'daticurules')) AS locale
FROM pg_database d, to_jsonb(d) row WHERE d.datname = current_database()`;

/**
 * Names carry the time and the process of the connection that makes them, so that those of a check that was killed are known:
 * by their age, or since nobody has that connection any more. A pooler may have given it to somebody else meanwhile, or closed it:
 * hence the seconds.
 */
const PREFIX = "drift_scratch_";
const staleBy = (name: string) => `(${name} ~ '^${PREFIX}[0-9]{10}_' AND (
  substring(${name} FROM '^${PREFIX}([0-9]{10})')::bigint < extract(epoch FROM now()) - 3600
  OR ${name} ~ '^${PREFIX}[0-9]{10}_[0-9]{1,9}_' AND substring(${name} FROM '^${PREFIX}([0-9]{10})')::bigint < extract(epoch FROM now()) - 10
    AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = substring(${name} FROM '^${PREFIX}[0-9]{10}_([0-9]{1,9})_')::int)))`;
const STALE = `
SELECT datname AS name FROM pg_database d
WHERE ${staleBy("d.datname")} AND pg_has_role(datdba, 'MEMBER')
  AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid)`;

/** Owners of databases for trials, that are named as these are. */
const STALE_ROLES = `
SELECT rolname AS name FROM pg_roles r WHERE ${staleBy("r.rolname")}`;

/** Of those that a check of another login has left, which this one may not drop. */
const OTHERS = `
SELECT format('DROP DATABASE %I;', d.datname) || coalesce((SELECT format(' DROP ROLE %I;', r.rolname) FROM pg_roles r WHERE r.rolname = d.datname), '') AS sql
FROM pg_database d
WHERE ${staleBy("d.datname")} AND NOT pg_has_role(d.datdba, 'MEMBER')
  AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid)
ORDER BY d.datname`;

/** What to run with another login. Nothing where this one can drop all that killed checks have left. */
export async function leftNotes(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ sql: string }>(OTHERS);
  if (rows.length === 0) return [];
  return [
    `A killed check of another login has left what this one may not drop. Its owner or a superuser may: ${fewOf(rows.map(({ sql }) => sql))}`,
  ];
}

/** Runs `work` in an empty database that is dropped afterwards, whatever happens. */
export async function withScratchDatabase<T>(
  { client, ...server }: ScratchServer,
  work: (scratch: pg.Client, url: string) => Promise<T>,
): Promise<T> {
  const { url, signal, prelude = null, isNamed = false } = server;
  if (client === null)
    return withConnection(url, (own) => withScratchDatabase({ ...server, client: own }, work));
  const name = await newName(client);
  const created = create(client, name);
  let result: T;
  try {
    result = await unlessAborted(signal, async () => {
      await created;
      const own = withDatabase(url, name);
      return withConnection(own, async (scratch) => {
        if (prelude !== null) await runPrelude(scratch, prelude, isNamed);
        return work(scratch, own);
      });
    });
  } catch (error) {
    await created.catch(() => {}); // It cannot be dropped while it is being made.
    await drop(client, url, name).catch(() => {}); // What came first is told; the next check drops what this one has left.
    throw error;
  }
  await drop(client, url, name);
  return result;
}

async function runPrelude(scratch: pg.Client, sql: string, mayReach: boolean): Promise<void> {
  await runScript(scratch, "SET lock_timeout = '10s'", sql, mayReach).catch((error) => {
    if (isConnectionLoss(error)) throw error;
    throw new DriftError(
      `What prisma.config has as migrations.initShadowDb could not be run: ${messageOf(error)}`,
      { cause: error },
    );
  });
}

async function newName(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  const seconds = Math.floor(Date.now() / 1000);
  return `${PREFIX}${seconds}_${rows[0]?.pid}_${randomBytes(8).toString("hex")}`;
}

async function create(client: pg.Client, name: string): Promise<void> {
  await sweep(client);
  const { rows } = await client.query<{ locale: string }>(LOCALE);
  try {
    await client.query(`CREATE DATABASE ${name} TEMPLATE template0 ${rows[0]?.locale}`);
  } catch (error) {
    if (isConnectionLoss(error)) throw error;
    const reason =
      codeOf(error) === "42501"
        ? `the user ${client.user} may not create databases. Allow it with ALTER ROLE "${client.user}" CREATEDB, name a server where that is allowed with --shadow-url, or compare with the committed snapshot (--snapshot), which needs no scratch database`
        : messageOf(error);
    throw new DriftError(
      `The check builds the expected schema in a scratch database, but ${reason}.`,
      { cause: error },
    );
  }
}

async function drop(client: pg.Client, url: string, name: string): Promise<void> {
  const statement = `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`;
  try {
    await client.query(statement);
  } catch {
    await withConnection(url, (other) => other.query(statement)); // The first connection may have died meanwhile.
  }
}

/** Drops what checks that were killed have left. That one cannot be dropped is no reason to fail this one. */
async function sweep(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(STALE);
  for (const { name } of rows)
    await client.query(`DROP DATABASE IF EXISTS ${name}`).catch(() => {});
  const { rows: roles } = await client.query<{ name: string }>(STALE_ROLES);
  for (const { name } of roles) await client.query(`DROP ROLE IF EXISTS ${name}`).catch(() => {});
}
