/** Naming devices. */
import Bowser from "bowser";
import type { RequestOrigin } from "./principal.ts";

/** How long a device stays known that is not used: as long as ended sessions are kept. */
export const KNOWN_DAYS = 90;

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
