/** What the sessions of the server have of what it asked for. */
import type { Pool } from "pg";
import { TIMEOUTS } from "./runtime-role.ts";

/**
 * What is wrong with the timeouts of a session, in words; null when nothing is. PgBouncer drops those that come with a
 * connection (ignore_startup_parameters), and then a statement waits for a lock as long as somebody holds it.
 */
export async function faultOfTimeouts(
  pool: Pick<Pool, "query">,
  timeoutSeconds: number,
): Promise<string | null> {
  const { rows } = await pool.query<{ name: string; millis: number }>(
    "SELECT name, setting::bigint::float8 AS millis FROM pg_settings WHERE name = ANY($1) ORDER BY name",
    [[...TIMEOUTS]],
  );
  const wrong = rows.filter(({ millis }) => millis === 0 || millis > timeoutSeconds * 1000);
  if (wrong.length === 0) return null;
  const found = wrong.map(
    ({ name, millis }) => `${name} is ${millis === 0 ? "off" : `${millis} ms`}`,
  );
  return `${found.join(" and ")} in the sessions of DATABASE_URL, and should be ${timeoutSeconds} s`;
}

/** By how many seconds the clock of this machine is ahead of the database's; at most so much of it is the way there. */
export async function clockAhead(
  pool: Pick<Pool, "query">,
  now: () => number = Date.now,
): Promise<{ seconds: number; uncertainty: number }> {
  const before = now();
  const begun = performance.now();
  const { rows } = await pool.query<{ millis: number }>(
    "SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS millis",
  );
  const way = performance.now() - begun;
  const seconds = (before + way / 2 - (rows[0]?.millis ?? before)) / 1000;
  return { seconds, uncertainty: way / 2000 };
}
