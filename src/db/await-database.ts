/** Before anything else of a start: the database answers, and takes changes. */
import pg from "pg";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import { StartFault } from "../start-fault.ts";
import { type ConnectionFault, connectionFault } from "./connection-fault.ts";
import { codeOf, isUnavailable } from "./failures.ts";

/** Between two attempts, twice as long each time, up to the longest. */
const FIRST_MILLIS = 250;
const LONGEST_MILLIS = 5000;

/** What has just failed is not waited for again. */
const LOOK_SECONDS = 2;

type Options = Pick<Config, "databaseUrl" | "databaseTimeoutSeconds" | "databaseWaitSeconds">;

/**
 * Waits for DATABASE_WAIT_SECONDS at most where that may help: in a cluster everything starts at once, and a failover takes
 * its time. @throws StartFault with what is wrong, at once where no waiting mends it.
 */
export async function awaitDatabase(
  { databaseUrl, databaseTimeoutSeconds, databaseWaitSeconds }: Options,
  log: Log,
): Promise<void> {
  const begun = performance.now();
  let told = "";
  for (let attempt = 0; ; attempt += 1) {
    const fault = await faultOfDatabase(databaseUrl, databaseTimeoutSeconds);
    const waited = (performance.now() - begun) / 1000;
    if (fault === null) {
      if (attempt > 0) log("info", "the database is there", { afterSeconds: Math.round(waited) });
      return;
    }
    const left = databaseWaitSeconds - waited;
    if (!fault.passes || left <= 0) throw new StartFault(`Tenantry cannot start: ${fault.words}`);
    if (fault.words !== told)
      log("warn", "waiting for the database", {
        reason: fault.words,
        atMostSeconds: Math.round(left),
      });
    told = fault.words;
    const pause = Math.min(FIRST_MILLIS * 2 ** attempt, LONGEST_MILLIS);
    await Bun.sleep(Math.min(pause, left * 1000));
  }
}

/** What keeps a server from working with this database, or null. It changes nothing there. */
export async function faultOfDatabase(
  databaseUrl: string,
  timeoutSeconds: number,
): Promise<ConnectionFault | null> {
  let client: pg.Client | undefined;
  try {
    // It reads the files of certificates that the URL names.
    client = new pg.Client({
      connectionString: databaseUrl,
      connectionTimeoutMillis: timeoutSeconds * 1000,
      query_timeout: timeoutSeconds * 1000,
      application_name: "tenantry start",
    });
    client.on("error", () => {});
    await client.connect();
    const { rows } = await client.query<{ standby: boolean; readOnly: boolean }>(
      `SELECT pg_is_in_recovery() AS standby, current_setting('transaction_read_only')::bool AS "readOnly"`,
    );
    const reason = readOnlyReason(rows[0]);
    const host = new URL(databaseUrl).host;
    return reason
      ? { words: `the database at ${host} takes no changes: ${reason}.`, passes: true }
      : null;
  } catch (err) {
    return connectionFault(err, databaseUrl);
  } finally {
    // It may never have begun.
    await client?.end().catch(() => {});
  }
}

/**
 * For whoever has failed with the database: what was thrown, in words where it is about the connection. Prisma does not say
 * what was wrong with one, so another is tried.
 */
export async function inWords(thrown: unknown, databaseUrl: string): Promise<unknown> {
  const isLogin = /^(28|3D)/.test(codeOf(thrown) ?? "");
  if (!isLogin && !isUnavailable(thrown)) return thrown;
  const fault = await faultOfDatabase(databaseUrl, LOOK_SECONDS);
  return fault ? new StartFault(fault.words) : thrown;
}

/** Why a session can change nothing, or null. */
export function readOnlyReason(
  session: { standby: boolean; readOnly: boolean } | undefined,
): string | null {
  if (session?.standby) return "it is a standby (pg_is_in_recovery)";
  return session?.readOnly ? "default_transaction_read_only is on" : null;
}
