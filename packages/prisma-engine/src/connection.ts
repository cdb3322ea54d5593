import pg from "pg";
import { connectionError, EngineError } from "./errors.ts";

export type Datasource = { url?: string; shadowDatabaseUrl?: string };

const CONNECT_TIMEOUT_SECONDS = 5;

export function parseUrl(url: string | undefined): URL {
  if (!url) throw new EngineError("P1013", "There is no database URL: set DATABASE_URL.");
  if (!/^postgres(ql)?:/.test(url) || !URL.canParse(url)) {
    throw new EngineError(
      "P1013",
      "The database URL is invalid: it must be `postgresql://user:password@host:port/database`.",
    );
  }

  return new URL(url);
}

/**
 * Opens the one connection of a database. One and no more: the migration lock belongs to the session
 * that took it.
 */
export async function openPool(url: URL): Promise<pg.Pool> {
  const timeoutSeconds = Number(url.searchParams.get("connect_timeout") ?? CONNECT_TIMEOUT_SECONDS);
  const pool = new pg.Pool({
    connectionString: url.href,
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: timeoutSeconds * 1000,
    onConnect: async (client) => {
      await client.query(sessionSettings(url));
    },
  });
  // A lost connection is reported by the next query; without a listener it would end the process.
  pool.on("error", () => undefined);

  try {
    const client = await pool.connect();
    client.release();
    return pool;
  } catch (err) {
    await pool.end();
    throw connectionError(err, new pg.Client({ connectionString: url.href }));
  }
}

export function databaseOf(url: URL): string {
  return new pg.Client({ connectionString: url.href }).database ?? "postgres";
}

export function withDatabase(url: URL, database: string): URL {
  const other = new URL(url);
  other.pathname = `/${encodeURIComponent(database)}`;
  return other;
}

export function schemaOf(url: URL): string {
  return url.searchParams.get("schema") ?? "public";
}

/** UTC, because the adapter reads and writes every timestamp as if it were. */
function sessionSettings(url: URL): string {
  return `SET TIME ZONE 'UTC'; SET search_path TO ${pg.escapeIdentifier(schemaOf(url))}`;
}
