/** How slowly a client may send: what has come is held in memory until the rest is there. */
import type { Config } from "../config.ts";

/** The least, on the average of what has come so far. */
export const BYTES_PER_SECOND = 4096;
/** However evenly it comes. */
const LONGEST_MILLIS = 180_000;

/**
 * How long so many bytes may take, in milliseconds: CLIENT_TIMEOUT_SECONDS to begin with, a second more for every 4 KiB,
 * and three minutes at most.
 */
export function millisFor(bytes: number, { clientTimeoutSeconds }: Config): number {
  return Math.min(LONGEST_MILLIS, (clientTimeoutSeconds + bytes / BYTES_PER_SECOND) * 1000);
}
