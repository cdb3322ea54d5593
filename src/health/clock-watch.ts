/**
 * Compares the clock of this machine with the database's, which all instances share: of two whose clocks are apart each
 * refuses tokens and codes of the other, for nothing that a caller could see.
 */
import type { Log } from "../log.ts";

export type ClockWatch = {
  /** Whether tokens and codes can be relied on here, and by how many seconds this clock is ahead; null until it is known. */
  current(): { holds: boolean; aheadSeconds: number | null };
  stop(): void;
};

export type ClockWatchOptions = {
  log: Log;
  measure: () => Promise<{ seconds: number; uncertainty: number }>;
  everySeconds?: number;
};

/** From here on somebody should look. */
const NOTICED_SECONDS = 5;
/**
 * Past it no code of an authenticator app is right, and tokens lose a good part of their life. More than a minute: a step
 * of the database's clock by so much shall not take all instances away at once.
 */
export const TOLERATED_SECONDS = 90;

/** The first comparison is awaited. What else is wrong with the database is for others to say. */
export async function watchClock({
  log,
  measure,
  everySeconds = 60,
}: ClockWatchOptions): Promise<ClockWatch> {
  let timer: Timer | undefined;
  let stopped = false;
  let ahead: number | null = null;
  let isOff = false;

  async function look(): Promise<void> {
    const { seconds, uncertainty } = await measure().catch(() => ({
      seconds: 0,
      uncertainty: Infinity,
    }));
    if (Number.isFinite(uncertainty)) tell(seconds, uncertainty);
    if (!stopped) timer = setTimeout(look, everySeconds * 1000).unref();
  }

  function tell(seconds: number, uncertainty: number): void {
    ahead = Math.round(seconds * 10) / 10;
    const wasOff = isOff;
    isOff = Math.abs(seconds) - uncertainty > NOTICED_SECONDS;
    const fields = { aheadSeconds: ahead };
    if (isOff && !wasOff)
      log("warn", "the clock of this machine is not the database's", {
        ...fields,
        advice: `one time server for all machines; past ${TOLERATED_SECONDS} s it is not ready`,
      });
    if (wasOff && !isOff) log("info", "the clock of this machine is the database's again", fields);
  }

  await look();
  return {
    current: () => ({
      holds: ahead === null || Math.abs(ahead) <= TOLERATED_SECONDS,
      aheadSeconds: ahead,
    }),
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
