/** What a command is at, on stderr: one line that is gone when it is done, and elsewhere than on a terminal a line now and then. */

type Stream = { isTTY?: boolean; write(text: string): unknown };
export type Progress = { show(step: string): void; clear(): void };

const CLEAR_LINE = "\r\u001b[2K";
/** Whoever gets the answer at once needs no line. */
const PATIENCE_MILLIS = 500;
/** A log that is kept wants no line a second. */
const SELDOM_MILLIS = 5000;

export function createProgress(
  stream: Stream,
  { patienceMillis = PATIENCE_MILLIS, seldomMillis = SELDOM_MILLIS } = {},
): Progress {
  const start = performance.now();
  let written = "";
  let due = start + patienceMillis;
  return {
    show(step) {
      const now = performance.now();
      if (now < due || step === written) return;
      written = step;
      due = now + (stream.isTTY ? 100 : seldomMillis);
      stream.write(stream.isTTY ? `${CLEAR_LINE}${step} …` : `${step} …\n`);
    },
    clear() {
      if (stream.isTTY && written !== "") stream.write(CLEAR_LINE);
    },
  };
}
