/** Slow statements, by pg_stat_statements, which may be in another database: in Tenantry's it would be drift. */
import type pg from "pg";
import { withClient } from "../connection.ts";
import { STATEMENTS, STATEMENTS_SCHEMA } from "./sql.ts";
import { masked } from "./text.ts";

/** In milliseconds on average: longer is slow for what somebody waits for. */
export const SLOW_MILLIS = 100;
const SHOWN = 5;
/** Where the page on operations says to create it. */
const BESIDE = "postgres";

type Statement = {
  query: string;
  calls: number;
  rows: number;
  meanMillis: number;
  totalSeconds: number;
};
/** `busiest`: by all the time that they took together. */
export type Statements =
  | { kept: true; slow: Statement[]; busiest: Statement[] }
  | { kept: false; why: string };

const NOT_THERE =
  "pg_stat_statements is not set up: shared_preload_libraries = 'pg_stat_statements', a restart, and CREATE EXTENSION pg_stat_statements in the database postgres.";

export async function readStatements(
  client: pg.Client,
  url: string,
  database: string,
): Promise<Statements> {
  const own = await readFrom(client, database).catch(whyNot);
  if (own !== null) return own;
  const beside = new URL(url);
  beside.pathname = `/${BESIDE}`;
  const other = await withClient(beside.href, { name: "stats" }, (there) =>
    readFrom(there, database),
  ).catch(whyNot);
  return other ?? { kept: false, why: NOT_THERE };
}

/** Null where the extension is not in this database. */
async function readFrom(client: pg.Client, database: string): Promise<Statements | null> {
  const { rows } = await client.query<{ schema: string }>(STATEMENTS_SCHEMA);
  if (!rows[0]) return null;
  const schema = client.escapeIdentifier(rows[0].schema);
  const read = async (order: Parameters<typeof STATEMENTS>[1], least: number) => {
    const text = STATEMENTS(schema, order);
    const { rows: found } = await client.query<Statement>(text, [database, least, SHOWN]);
    return found.map((each) => ({ ...each, query: masked(each.query) }));
  };
  return {
    kept: true,
    slow: await read("mean_exec_time", SLOW_MILLIS),
    busiest: await read("total_exec_time", 0),
  };
}

function whyNot(error: unknown): Statements | null {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  // The extension is there and the library is not loaded.
  if (code === "55000") return { kept: false, why: NOT_THERE };
  return { kept: false, why: `Statements cannot be read: the login may not connect to ${BESIDE}.` };
}
