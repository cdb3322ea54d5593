/** Knowing devices again. */
import type { Transaction } from "../db/client.ts";
import { deviceName } from "../device.ts";
import { networkOf } from "../network.ts";
import type { RequestOrigin } from "../principal.ts";
import type { RevocationReason } from "./revoke.ts";

/** How long a device stays known that is not used. */
const KNOWN_DAYS = 90;
/** Sessions that were ended for being somebody else's, perhaps: their device is known to nobody. */
const DISOWNED: RevocationReason[] = ["ended_by_user", "ended_by_admin", "refresh_token_reuse"];

/**
 * Whether somebody has logged in with the account before, but never from here with a device of this name. To be asked before the log-in is
 * written: `last_login_at` remembers also those whose sessions are long gone.
 */
export async function isNewDevice(
  tx: Transaction,
  { accountId }: { accountId: string },
  origin: RequestOrigin,
): Promise<boolean> {
  const network = origin.ip === null ? null : networkOf(origin.ip);
  const [user] = await tx.$queryRaw<{ isNew: boolean }[]>`
    WITH recent AS (
      SELECT device_name, ip FROM sessions
      WHERE account_id = ${accountId}::uuid AND impersonator_id IS NULL AND last_used_at > now() - make_interval(days => ${KNOWN_DAYS})
        AND coalesce(revoked_reason, '') <> ALL (${DISOWNED})
    )
    SELECT (EXISTS (SELECT FROM users WHERE account_id = ${accountId}::uuid AND last_login_at IS NOT NULL)
        OR EXISTS (SELECT FROM recent)) AND NOT EXISTS (
      SELECT FROM recent
      WHERE device_name IS NOT DISTINCT FROM ${deviceName(origin)}
        AND (${network}::inet IS NULL OR ip <<= ${network}::inet)) AS "isNew"`;
  return user?.isNew ?? false;
}
