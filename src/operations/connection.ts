/** A connection of a command's own, to the database of DATABASE_URL: no pool, and no scope of a tenant. */
import pg from "pg";
import { Environment } from "../config/environment.ts";
import { withFiles } from "../config/secret-files.ts";
import { CannotRun } from "./cannot-run.ts";

const CONNECT_MILLIS = 10_000;

/** For commands that need nothing else of the configuration. @throws CannotRun */
export function databaseUrlOf(given: NodeJS.ProcessEnv): string {
  const { env, faults } = withFiles(given, ["DATABASE_URL"]);
  for (const { variable, message } of faults) throw new CannotRun(`${variable}: ${message}.`);
  const { data, error } = Environment.shape.DATABASE_URL.safeParse(env.DATABASE_URL || undefined);
  if (data !== undefined) return data;
  const fault = env.DATABASE_URL ? error?.issues[0]?.message : "is required";
  throw new CannotRun(`DATABASE_URL: ${fault}`);
}

type Options = {
  /** As it is called in pg_stat_activity, behind "tenantry ". */
  name: string;
  /** How long a statement may take; 0 for as long as it needs, whatever the role is told. */
  statementMillis?: number;
  /** Ends the connection, whatever it waits for. @throws its reason */
  signal?: AbortSignal;
};

/** Runs `work` with a connection, which ends with it. */
export async function withClient<T>(
  url: string,
  { name, statementMillis = 60_000, signal }: Options,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    application_name: `tenantry ${name}`,
    connectionTimeoutMillis: CONNECT_MILLIS,
    keepAlive: true,
    // The server keeps to the same time, unless it hangs, or what is between does.
    ...(statementMillis > 0 && { query_timeout: statementMillis + 5000 }),
  });
  // The next statement tells of a connection that breaks. Unheard, the event would end the process.
  client.on("error", () => {});
  const end = () => void client.end().catch(() => {});
  signal?.throwIfAborted();
  await client.connect();
  signal?.addEventListener("abort", end);
  try {
    await client.query(`SET statement_timeout = ${statementMillis}`);
    // The role may have its own; transaction_timeout there is from PostgreSQL 17 on.
    await client.query(
      `SELECT set_config(name, '0', false) FROM pg_settings
       WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')`,
    );
    return await work(client);
  } catch (thrown) {
    signal?.throwIfAborted();
    throw thrown;
  } finally {
    signal?.removeEventListener("abort", end);
    await client.end().catch(() => {});
  }
}
