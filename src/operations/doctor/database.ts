/** The database as an instance comes to it: version, TLS, clock, what may be written, and whether a pooler is in the way. */
import { TLSSocket } from "node:tls";
import type pg from "pg";
import type { Values } from "../../config/rules.ts";
import { namesSurvive } from "../../db/names-watch.ts";
import { faultOfRole } from "../../db/runtime-role.ts";
import { clockAhead } from "../../db/session-settings.ts";
import { withClient } from "../connection.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";

const OLDEST = 15;
const NEWEST = 18;
/** Times of tokens, of locks and of seals are compared across machines: more than this shows. */
const CLOCK_SECONDS = 5;
const HEARD_MILLIS = 2000;

export async function* checkServer(client: pg.Client, values: Values): AsyncGenerator<Finding> {
  const { rows } = await client.query<{
    version: string;
    major: number;
    name: string;
    standby: boolean;
    readOnly: string;
    most: number;
    used: number;
  }>(`
    SELECT split_part(current_setting('server_version'), ' ', 1) AS version, current_setting('server_version_num')::int / 10000 AS major,
      current_database() AS name, pg_is_in_recovery() AS standby, 
      (SELECT reset_val FROM pg_settings WHERE name = 'default_transaction_read_only') AS "readOnly",
      (SELECT setting::int FROM pg_settings WHERE name = 'max_connections')
        - (SELECT setting::int FROM pg_settings WHERE name = 'superuser_reserved_connections') AS most,
      (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS used`);
  const [server] = rows;
  if (!server) throw new Error("the database does not tell its version");
  yield server.major < OLDEST
    ? wrong("database", `PostgreSQL ${server.version}`, `${OLDEST} or newer is needed: upgrade it`)
    : server.major > NEWEST
      ? note(
          "database",
          `${server.name} on PostgreSQL ${server.version}, which is newer than any that was tried`,
        )
      : ok("database", `${server.name} on PostgreSQL ${server.version}`);
  if (server.standby || server.readOnly === "on")
    yield wrong(
      "writing",
      server.standby ? "the server is a standby" : "the database is read-only",
      "name the primary in DATABASE_URL, or take the setting back",
    );
  else yield ok("writing", "the database may be written to");
  yield tlsOf(client);
  const pool = (values.DATABASE_POOL_SIZE ?? 10) + 1;
  yield pool > server.most
    ? wrong(
        "connections",
        `an instance opens up to ${pool}, and the server has ${server.most}`,
        "a smaller DATABASE_POOL_SIZE, or more max_connections",
      )
    : ok("connections", `${server.used} of ${server.most} in use; an instance opens up to ${pool}`);
  yield await clockOf(client);
  yield await loginOf(client);
}

async function loginOf(client: pg.Client): Promise<Finding> {
  const fault = await faultOfRole(client);
  if (fault)
    return wrong(
      "login",
      `the login of DATABASE_URL ${fault}`,
      "bun run db:roles, and its login in DATABASE_URL",
    );
  const {
    rows: [lacking],
  } = await client.query<{ right: string; name: string }>(LACKING_RIGHT);
  return lacking
    ? wrong(
        "login",
        `the login of DATABASE_URL may not ${lacking.right} ${lacking.name}, and perhaps more`,
        "bun run db:roles, after each migration",
      )
    : ok("login", "is held by row-level security, and owns nothing");
}

/** What the role of the server may do here and this login may not. Where there is no such role nothing is known of it. */
const LACKING_RIGHT = `
  SELECT "right", format('%I.%I', nspname, relname) AS name
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace,
    to_regrole('tenantry_app') AS role, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS "right"
  WHERE relkind IN ('r', 'p') AND nspname !~ '^pg_' AND nspname <> 'information_schema'
    AND has_table_privilege(role::oid, c.oid, "right")
    AND NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, "right"))
  ORDER BY nspname <> 'public', relname, 1 LIMIT 1`;

/** Of the connection itself: what a pooler has behind it PostgreSQL alone knows. */
function tlsOf(client: pg.Client): Finding {
  const { stream } = (client as unknown as { connection: { stream: unknown } }).connection;
  if (client.host.startsWith("/") || isLoopback(client.host))
    return ok("tls", "not needed: the database is on this machine");
  if (!(stream instanceof TLSSocket))
    return wrong(
      "tls",
      "the connection to the database is not encrypted",
      "?sslmode=verify-full in DATABASE_URL",
    );
  return stream.authorized
    ? ok("tls", `${stream.getProtocol()}, and the certificate is the server's`)
    : wrong(
        "tls",
        `${stream.getProtocol()}, with a certificate that nobody vouches for`,
        "?sslmode=verify-full&sslrootcert=… in DATABASE_URL",
      );
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

async function clockOf(client: pg.Client): Promise<Finding> {
  const { seconds, uncertainty } = await clockAhead(client);
  return judgeClock(-seconds * 1000, uncertainty * 1000);
}

/** @param ahead of the database, in milliseconds. @param room by which the measurement may be off. */
export function judgeClock(ahead: number, room: number): Finding {
  const seconds = Math.max(0, Math.abs(ahead) - room) / 1000;
  const what = `${seconds.toFixed(1)} s apart: this machine is ${ahead > 0 ? "behind" : "ahead of"} the database`;
  if (seconds > CLOCK_SECONDS)
    return wrong("clock", what, "NTP on both, such as chrony: tokens are refused for this");
  return seconds > 1
    ? note("clock", what, "NTP on both, such as chrony")
    : ok("clock", "as the database's, within a second");
}

/** What a pooler in between may break. */
export async function* checkWay(values: Values): AsyncGenerator<Finding> {
  const { DATABASE_URL: url, LISTEN_DATABASE_URL: listenUrl = url, PREPARED_STATEMENTS } = values;
  if (url === undefined || listenUrl === undefined) return;
  if (PREPARED_STATEMENTS !== "off")
    yield (await namesSurvive(url))
      ? ok("statements", "prepared ones survive on the way")
      : wrong(
          "statements",
          "prepared statements get lost in a pooler",
          "PREPARED_STATEMENTS=off, or PgBouncer 1.21 with max_prepared_statements",
        );
  const heard = await withClient(listenUrl, { name: "doctor" }, hearsItself).catch(() => false);
  yield heard
    ? ok("notifications", "are heard")
    : wrong(
        "notifications",
        "are not heard: what is revoked on another instance would be noticed late",
        "LISTEN_DATABASE_URL past the pooler",
      );
}

/** Listens, says something, and leaves nothing. */
async function hearsItself(client: pg.Client): Promise<boolean> {
  const channel = `tenantry_doctor_${process.pid}`;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, HEARD_MILLIS, false);
  client.on("notification", () => resolve(true));
  await client.query(`LISTEN ${channel}`);
  // Apart, as the server does it: a pooler may lend another connection for each.
  await client.query("SELECT pg_notify($1, '')", [channel]);
  const heard = await promise;
  clearTimeout(timer);
  return heard;
}
