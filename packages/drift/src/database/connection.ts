/** Connections, and what to tell a person who has none. No message holds a URL, since URLs hold passwords. */
import pg from "pg";
import { codeOf, DriftError, messageOf } from "../model/errors.ts";
import { isLockTimeout, lockHolder } from "./held-locks.ts";

const OLDEST_SERVER = 150000;
const CONNECT_TIMEOUT_MS = 10_000;
const OTHERS = new Map([
  ["mysql", "MySQL"],
  ["file", "SQLite"],
  ["sqlite", "SQLite"],
  ["sqlserver", "SQL Server"],
  ["mongodb", "MongoDB"],
  ["mongodb+srv", "MongoDB"],
]);
/** What TLS says of a certificate that no known authority has signed. */
const UNKNOWN_AUTHORITY =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(_LOCALLY)?))$/;

/**
 * Runs `work` with a connection that is closed afterwards, on which no name without a schema is anybody's but PostgreSQL's.
 * What the server refuses comes back as a DriftError.
 */
export async function withConnection<T>(
  url: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connect(url);
  try {
    return await work(client);
  } catch (error) {
    if (isConnectionLoss(error)) {
      throw new DriftError(`The connection to ${serverOf(client)} was lost: ${messageOf(error)}`, {
        cause: error,
      });
    }
    if (isLockTimeout(error)) throw new DriftError(await lockHolder(client), { cause: error });
    if (error instanceof pg.DatabaseError) {
      throw new DriftError(
        `The server at ${serverOf(client)} reports: ${error.message}${adviceOn(error)}`,
        {
          cause: error,
        },
      );
    }
    throw error;
  } finally {
    await client.end().catch(() => {}); // The other side may have gone first.
  }
}

/** The same server and login, another database. */
export function withDatabase(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.href;
}

async function connect(url: string): Promise<pg.Client> {
  const client = newClient(url);
  // A connection that breaks while idle is noticed by the next query; unhandled, the event would end the process.
  client.on("error", () => {});
  try {
    await client.connect();
  } catch (error) {
    throw new DriftError(explain(error, client), { cause: error });
  }
  const { rows } = await client.query<{ number: number; version: string }>(
    "SELECT pg_catalog.current_setting('server_version_num')::int AS number, pg_catalog.current_setting('server_version') AS version",
  );
  const server = rows[0];
  if (server && server.number >= OLDEST_SERVER) {
    // Functions and operators that others have put into a schema would else be taken for PostgreSQL's own.
    await client.query("SET search_path = ''");
    return client;
  }
  await client.end();
  throw new DriftError(
    `The server runs PostgreSQL ${server?.version}; the drift check needs version 15 or later.`,
  );
}

function newClient(url: string): pg.Client {
  const scheme = /^([\w+]+):/.exec(url)?.[1] ?? "";
  if (/^prisma(\+postgres)?$/.test(scheme))
    throw new DriftError(
      `The database URL is one of ${scheme}://, behind which no SQL is spoken. Give the address of PostgreSQL itself with --database-url, or as directUrl.`,
    );
  const other = OTHERS.get(scheme);
  if (other !== undefined)
    throw new DriftError(
      `The database URL is one of ${other}, and the drift check compares PostgreSQL alone.`,
    );
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw new DriftError(
      "The database URL cannot be read. It should look like postgresql://user:password@host:5432/database, with special characters in the password percent-encoded.",
    );
  }
  return new pg.Client({
    connectionString: url,
    application_name: "drift",
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
}

function explain(error: unknown, client: pg.Client): string {
  const server = serverOf(client);
  const { host, user, database } = client;
  if (UNKNOWN_AUTHORITY.test(codeOf(error) ?? ""))
    return `The server at ${server} has a certificate of an authority that is not known here (${messageOf(error)}). Name the authority's file in the database URL with sslrootcert=/path/to/ca.pem, or in the variable NODE_EXTRA_CA_CERTS.`;
  switch (codeOf(error)) {
    case "ECONNREFUSED":
    case "ENOENT":
      return `No PostgreSQL server answers at ${server}. Is it running, and is the port right?`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `The host ${host} is unknown. Check the host name of the database URL.`;
    case "28P01":
    case "28000":
      return `The server at ${server} refuses the login of user ${user}: ${messageOf(error)}. Check user and password of the database URL.`;
    case "3D000":
      return `There is no database ${database} at ${server}. Create it, or name another in the database URL.`;
    default:
      return `Cannot connect to the database ${database} at ${server} as ${user}: ${messageOf(error)}.`;
  }
}

function serverOf({ host, port }: pg.Client): string {
  return `${host}:${port}`;
}

function adviceOn({ code }: pg.DatabaseError): string {
  if (code === "57014") return ". It is very busy, or the schema very large: try again later.";
  if (code === "53100")
    return ". Make room on its disk; a scratch database that is left goes by itself.";
  return code?.startsWith("53") ? ". It has no room for this at the moment: try again later." : "";
}

/** SQLSTATE class 57P is an operator's intervention; the driver has no codes for what it notices itself. */
export function isConnectionLoss(error: unknown): boolean {
  return (
    /^(57P|ECONN|EPIPE)/.test(codeOf(error) ?? "") ||
    /^(Connection terminated|Client has)/.test(messageOf(error))
  );
}
