/** Knowing devices again. */
import { Prisma } from "../../generated/prisma/client.ts";
import { newId } from "../db/id.ts";
import { deviceName, KNOWN_DAYS } from "../device.ts";
import { networkOf } from "../network.ts";
import type { RequestOrigin } from "../principal.ts";
import { DISOWNED } from "./revoke.ts";

/** The sessions of `accounts` by which it is known where it has been used of late, as SQL. */
const RECENT = `FROM sessions WHERE sessions.account_id = accounts.id AND sessions.impersonator_id IS NULL
  AND sessions.last_used_at > now() - interval '${KNOWN_DAYS} days'`;

/** By which of these devices the account knows the client, as SQL; NULL for none. @param devices SQL: uuid[]. */
export function knownDeviceSql(devices: string): string {
  return `(SELECT min(sessions.device_id::text) ${RECENT} AND sessions.device_id = ANY (${devices}))`;
}

/** Whether an account has been used from a network, as SQL. @param network SQL: an inet, or NULL where it is not known. */
export function knownNetworkSql(network: string): string {
  return `EXISTS (SELECT ${RECENT} AND sessions.ip <<= ${network})`;
}

/**
 * Whether somebody has logged in with the account before, but never from here with a device of this name, as SQL. To be
 * asked before the log-in is written: `last_login_at` remembers also those whose sessions are long gone.
 */
export function isNewDeviceSql(accountId: string, origin: RequestOrigin): Prisma.Sql {
  const network = origin.ip === null ? null : networkOf(origin.ip);
  return Prisma.sql`(WITH recent AS (
      SELECT device_name, ip FROM sessions
      WHERE account_id = ${accountId}::uuid AND impersonator_id IS NULL AND last_used_at > now() - make_interval(days => ${KNOWN_DAYS})
        AND coalesce(revoked_reason, '') <> ALL (${DISOWNED})
    )
    SELECT (EXISTS (SELECT FROM users WHERE account_id = ${accountId}::uuid AND last_login_at IS NOT NULL)
        OR EXISTS (SELECT FROM recent)) AND NOT EXISTS (
      SELECT FROM recent
      WHERE device_name IS NOT DISTINCT FROM ${deviceName(origin)}
        AND (${network}::inet IS NULL OR ip <<= ${network}::inet)))`;
}

/**
 * The devices of a client that logs in, that of its new session first; undefined where it does not ask to be known again.
 * What it has shown counts where this account knows it by that. Else it is given a new one: a device that somebody else
 * has put there, to be known by it too, is none of this account's.
 * @param known by which of them the account knows the client.
 */
export function devicesAfterLogin(
  known: string | null,
  { devices }: RequestOrigin,
): [string, ...string[]] | undefined {
  if (devices === undefined) return undefined;
  const own = known ?? newId();
  return [own, ...devices.filter((id) => id !== own)];
}
