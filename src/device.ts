/** Naming devices. */
import Bowser from "bowser";
import type { RequestOrigin } from "./principal.ts";
import { createRecent } from "./recent.ts";

/** How long a device stays known that is not used: as long as ended sessions are kept. */
export const KNOWN_DAYS = 90;

/** What the column takes. The parser hands out the beginning of a user agent as it stands, however long. */
const LONGEST_NAME = 120;

/**
 * What was read of user agents. Few are in use at a time, and to read one takes 6 µs or more: a page of the audit log spends as much on them as on
 * its rows. An entry has 1 KiB at most.
 */
const REMEMBERED_AGENTS = 1000;
const remembered = createRecent<{ browser: string; system: string }>(REMEMBERED_AGENTS);

function readAgent(userAgent: string): { browser: string; system: string } {
  const known = remembered.get(userAgent);
  if (known) return known;
  const { browser, os } = Bowser.parse(userAgent);
  const read = { browser: browser.name ?? "", system: os.name ?? "" };
  remembered.set(userAgent, read);
  return read;
}

/** What the client calls itself, else browser and system by its user agent: "Firefox on Linux". Null when neither tells. */
export function deviceName({ device, userAgent }: RequestOrigin): string | null {
  if (device !== null) return device;
  if (!userAgent) return null;
  const { browser, system } = readAgent(userAgent);
  const names = [browser, system].filter((name) => name !== "");
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
  const { browser, system } = readAgent(userAgent);
  const names = [browser, system];
  return names.every((name) => KNOWN_NAMES.has(name)) ? names.join(" on ") : null;
}
