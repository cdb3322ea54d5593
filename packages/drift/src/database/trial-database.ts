/**
 * A scratch database for trying repairs in. The copy of the live schema has its code: functions that CHECKs, indexes and
 * triggers call, which whoever may create a table has written. It runs as a role that owns this database and may do nothing
 * else, made for the trial and dropped after it.
 */
import { randomBytes } from "node:crypto";
import pg from "pg";
import { codeOf, DriftError } from "../model/errors.ts";
import { withConnection } from "./connection.ts";
import { type ScratchServer, withScratchDatabase } from "./scratch.ts";

/** An extension that the trial shall find, as CREATE EXTENSION has it. */
export type Extension = { name: string; definition: string };

/** Of objects that run code: what somebody owns who is neither this login nor a superuser could do as this login what that may. */
const STRANGERS = `
SELECT count(*)::int AS count FROM (
  SELECT relowner AS owner, relnamespace AS schema FROM pg_class
  UNION ALL SELECT proowner, pronamespace FROM pg_proc
  UNION ALL SELECT typowner, typnamespace FROM pg_type
  UNION ALL SELECT nspowner, oid FROM pg_namespace WHERE nspname <> 'public'
) AS objects
JOIN pg_roles r ON r.oid = owner JOIN pg_namespace n ON n.oid = schema
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND r.rolname <> current_user AND NOT r.rolsuper`;

/**
 * Runs `work` in an empty database whose owner may do nothing else. On a server that was named for scratch databases it is
 * the login's.
 * @throws DriftError where no such role can be had and the schema has objects of others.
 */
export async function withTrialDatabase<T>(
  named: ScratchServer,
  extensions: Extension[],
  work: (scratch: pg.Client) => Promise<T>,
): Promise<T> {
  const server = { ...named, prelude: null };
  if (server.isNamed) return withScratchDatabase(server, work);
  let role: string | null = null;
  try {
    return await withScratchDatabase(server, async (scratch, url) => {
      const password = randomBytes(24).toString("hex");
      role = await createOwner(scratch, password);
      if (role === null) {
        await refuseStrangers(server);
        return work(scratch);
      }
      for (const extension of extensions) await install(scratch, extension, role);
      const own = new URL(url);
      own.username = role;
      own.password = password;
      return withConnection(own.href, work);
    });
  } finally {
    // One that is left, since the server has gone, is dropped by the next check; what came first is told.
    if (role !== null) await dropRole(server, role).catch(() => {});
  }
}

/** The role, named as the database is; null where the login may make none. */
async function createOwner(scratch: pg.Client, password: string): Promise<string | null> {
  const { rows } = await scratch.query<{ database: string; superuser: boolean }>(
    "SELECT current_database() AS database, rolsuper AS superuser FROM pg_roles WHERE rolname = current_user",
  );
  const { database = "", superuser = false } = rows[0] ?? {};
  // Rows that policies hide are compared too; here are none but those of the trial.
  const sees = superuser ? "BYPASSRLS" : "";
  try {
    await scratch.query(
      `CREATE ROLE ${database} LOGIN PASSWORD '${password}' VALID UNTIL 'tomorrow' ${sees}`,
    );
  } catch (error) {
    if (codeOf(error) === "42501") return null;
    throw error;
  }
  if (!superuser) await scratch.query(`GRANT ${database} TO CURRENT_USER`);
  await scratch.query(`ALTER DATABASE ${database} OWNER TO ${database}`);
  return database;
}

/** Those that a database's owner may not create. One that cannot be is found missing by the trial. */
async function install(
  scratch: pg.Client,
  { name, definition }: Extension,
  role: string,
): Promise<void> {
  const { rows } = await scratch.query<{ trusted: boolean }>(
    "SELECT bool_or(trusted) AS trusted FROM pg_available_extension_versions WHERE quote_ident(name) = $1",
    [name],
  );
  if (rows[0]?.trusted !== false) return;
  const [, schema] = /SCHEMA (.*)$/.exec(definition) ?? [];
  const before = schema ? `CREATE SCHEMA IF NOT EXISTS ${schema} AUTHORIZATION ${role};` : "";
  await scratch
    .query(`${before} CREATE EXTENSION ${name} WITH ${definition} CASCADE`)
    .catch(() => {});
}

async function refuseStrangers(server: ScratchServer): Promise<void> {
  const count = (client: pg.Client) =>
    client.query<{ count: number }>(STRANGERS).then(({ rows }) => rows[0]?.count ?? 0);
  const found = await (server.client ? count(server.client) : withConnection(server.url, count));
  if (found === 0) return;
  throw new DriftError(
    `the schema has ${found} objects of other roles, whose code would run with the rights of this login. Let the login create roles, which are dropped again (CREATEROLE), or name a server for the trial with --shadow-url`,
  );
}

async function dropRole({ client, url }: ScratchServer, role: string): Promise<void> {
  const statement = `DROP ROLE IF EXISTS ${pg.escapeIdentifier(role)}`;
  await (client?.query(statement) ?? withConnection(url, (own) => own.query(statement))).catch(
    () => withConnection(url, (own) => own.query(statement)), // The first connection may have died meanwhile.
  );
}
