/** Naming devices, and knowing them again. */
import Bowser from "bowser";
import type { Transaction } from "../db/client.ts";
import { networkOf } from "../network.ts";
import type { RequestOrigin } from "../principal.ts";
import type { RevocationReason } from "./revoke.ts";

/** How long a device stays known that is not used. */
const KNOWN_DAYS = 90;
/** Sessions that were ended for being somebody else's, perhaps: their device is known to nobody. */
const DISOWNED: RevocationReason[] = ["ended_by_user", "ended_by_admin", "refresh_token_reuse"];
/** What the column takes. The parser hands out the beginning of a user agent as it stands, however long. */
const LONGEST_NAME = 120;

/** What the client calls itself, else browser and system by its user agent: "Firefox on Linux". Null when neither tells. */
export function deviceName({ device, userAgent }: RequestOrigin): string | null {
  if (device !== null) return device;
  if (!userAgent) return null;
  const { browser, os } = Bowser.parse(userAgent);
  const names = [browser.name, os.name].filter((name) => name !== undefined && name !== "");
  // What is no browser begins with its own name: TenantryApp/1.0, curl/8.5.
  const name = names.join(" on ") || (/^[^/ ]+/.exec(userAgent)?.[0] ?? "");
  return name.trim().slice(0, LONGEST_NAME) || null;
}

const KNOWN_NAMES = new Set([
  ...Object.values(Bowser.BROWSER_MAP),
  ...Object.values(Bowser.OS_MAP),
]);

/**
 * Browser and system, where both are on the list that comes with the parser; null for any other. For where no word may
 * be the caller's own: the parser hands out the beginning of a user agent that it does not know, and a client may call
 * itself what it likes.
 */
export function knownDevice({ userAgent }: Pick<RequestOrigin, "userAgent">): string | null {
  if (!userAgent) return null;
  const { browser, os } = Bowser.parse(userAgent);
  const names = [browser.name ?? "", os.name ?? ""];
  return names.every((name) => KNOWN_NAMES.has(name)) ? names.join(" on ") : null;
}

/**
 * Whether the user has logged in before, but never from here with a device of this name. To be asked before the log-in is
 * written: `last_login_at` remembers also those whose sessions are long gone.
 */
export async function isNewDevice(
  tx: Transaction,
  { id, tenantId }: { id: string; tenantId: string | null },
  origin: RequestOrigin,
): Promise<boolean> {
  const network = origin.ip === null ? null : networkOf(origin.ip);
  const [user] = await tx.$queryRaw<{ isNew: boolean }[]>`
    WITH recent AS (
      SELECT device_name, ip FROM sessions
      WHERE user_id = ${id}::uuid AND impersonator_id IS NULL AND last_used_at > now() - make_interval(days => ${KNOWN_DAYS})
        AND coalesce(revoked_reason, '') <> ALL (${DISOWNED})
    )
    SELECT (users.last_login_at IS NOT NULL OR EXISTS (SELECT FROM recent)) AND NOT EXISTS (
      SELECT FROM recent
      WHERE device_name IS NOT DISTINCT FROM ${deviceName(origin)}
        AND (${network}::inet IS NULL OR ip <<= ${network}::inet)) AS "isNew"
    FROM users WHERE users.id = ${id}::uuid AND users.tenant_id IS NOT DISTINCT FROM ${tenantId}::uuid`;
  return user?.isNew ?? false;
}
