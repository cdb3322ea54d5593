import pg from "pg";
import { type Datasource, databaseOf, openPool, parseUrl, withDatabase } from "./connection.ts";
import { EngineError } from "./errors.ts";

const COMMANDS: Record<string, (url: URL) => Promise<void>> = {
  "can-connect-to-database": canConnect,
  "create-database": (url) => maintain(url, "CREATE DATABASE"),
  "drop-database": (url) => maintain(url, "DROP DATABASE"),
};

/** Runs `schema-engine cli <name>` and gives the exit code. */
export async function runCommand(name: string, { url }: Datasource): Promise<number> {
  try {
    const command = COMMANDS[name];
    if (!command) throw new Error(`Unknown command: ${name}`);

    await command(parseUrl(url));
    return 0;
  } catch (err) {
    const { message, code } =
      err instanceof EngineError ? err : { message: String(err), code: undefined };
    // The Prisma CLI skips the first line.
    process.stderr.write(`${logLine("INFO", `Ran ${name}`)}\n${logLine("ERROR", message, code)}`);
    return 1;
  }
}

async function canConnect(url: URL): Promise<void> {
  const pool = await openPool(url);
  await pool.end();
}

async function maintain(url: URL, statement: string): Promise<void> {
  const pool = await openMaintenance(url);
  try {
    await pool.query(`${statement} ${pg.escapeIdentifier(databaseOf(url))}`);
  } finally {
    await pool.end();
  }
}

/** A database cannot be made, or dropped, from within: another one of the server must serve. */
async function openMaintenance(url: URL): Promise<pg.Pool> {
  try {
    return await openPool(withDatabase(url, "postgres"));
  } catch (err) {
    if (err instanceof EngineError && err.code === "P1003")
      return openPool(withDatabase(url, "template1"));
    throw err;
  }
}

function logLine(level: string, message: string, code?: string): string {
  return JSON.stringify({
    level,
    target: "schema_engine::logger",
    fields: { message, error_code: code },
  });
}
