/** Whether the names of prepared statements survive on the way to the database: a pooler may be there. */
import { randomUUID } from "node:crypto";
import pg from "pg";
import type { Log } from "../log.ts";
import type { StatementNames } from "./statement-names.ts";

export type WatchedNames = StatementNames & {
  /** False where names are wanted and the way to the database does not keep them: then they are not in use. */
  readonly survive: boolean;
  /** Until it is known whether they survive, no name is used. */
  readonly tried: Promise<void>;
  stop(): void;
};

type Options = {
  databaseUrl: string;
  preparedStatements: boolean;
  log: Log;
  everySeconds?: number;
};

/**
 * invalid_sql_statement_name and duplicate_prepared_statement: a pooler lent the connection to somebody else in between.
 * No caller can cause one by what they send.
 */
const LOST = ["26000", "42P05"];
const PROBE_MILLIS = 2000;
const ADVICE =
  "PREPARED_STATEMENTS=off, or a pooler that knows prepared statements (PgBouncer 1.21 with max_prepared_statements above 0)";

/**
 * Finds out whether names survive on the way to the database, and goes on without them where they do not: no statement
 * fails for its name then, and none reaches another one. Later errors of requests say the same. The probe is made again
 * as long as they do not survive.
 */
export function watchNames({
  databaseUrl,
  preparedStatements,
  log,
  everySeconds = 60,
}: Options): WatchedNames {
  let survive = true;
  let isTried = false;
  let timer: Timer | undefined;
  let stopped = false;

  function lose(): void {
    if (!survive || stopped) return;
    survive = false;
    log("error", "prepared statements do not survive on DATABASE_URL", { set: ADVICE });
    timer = setTimeout(look, everySeconds * 1000);
    timer.unref();
  }

  async function look(): Promise<void> {
    const found = await namesSurvive(databaseUrl).catch(() => false);
    if (stopped) return;
    survive = found;
    if (found) log("info", "prepared statements survive again");
    else timer = setTimeout(look, everySeconds * 1000).unref();
  }

  async function tryFirst(): Promise<void> {
    // What else is wrong with the database is for others to say.
    if (preparedStatements && !(await namesSurvive(databaseUrl).catch(() => true))) lose();
    isTried = true;
  }

  return {
    tried: tryFirst(),
    get inUse() {
      return preparedStatements && survive && isTried;
    },
    get survive() {
      return survive;
    },
    heard(code) {
      if (preparedStatements && code !== undefined && LOST.includes(code)) lose();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/**
 * Uses named statements as a server does, on two connections. A pooler in transaction mode has its own connections to
 * PostgreSQL: in two ways one is made to give a client another one than before. @throws Error when it cannot be tried.
 */
export async function namesSurvive(databaseUrl: string): Promise<boolean> {
  const clients = [0, 1].map(
    () =>
      new pg.Client({
        connectionString: databaseUrl,
        connectionTimeoutMillis: PROBE_MILLIS,
        query_timeout: PROBE_MILLIS,
        application_name: "tenantry probe",
      }),
  );
  const [first, second] = clients as [pg.Client, pg.Client];
  for (const client of clients) client.on("error", () => {});
  try {
    await Promise.all(clients.map((client) => client.connect()));
    const [shared, own] = [probe(), probe()];
    await first.query(shared);
    // Where both were given the same one, this name is there already.
    await second.query(shared);
    for (let round = 0; round < 3; round += 1) {
      await first.query(own);
      // And where the other holds the one that this had, the name is not there.
      await second.query("BEGIN");
      await first.query(own);
      await second.query("COMMIT");
      await first.query(own);
    }
    return true;
  } catch (err) {
    if (err instanceof pg.DatabaseError && LOST.includes(err.code ?? "")) return false;
    throw err;
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => {})));
  }
}

/** A statement that nobody has prepared before. */
function probe(): { name: string; text: string } {
  const id = randomUUID();
  return { name: `probe_${id}`, text: `SELECT '${id}'` };
}
