/** One line on a terminal that says what takes so long, and is gone when it is done. */

const PATIENCE_MS = 400;
const CLEAR_LINE = "\r\u001b[2K";

export type ProgressLine = { show(step: string): void; clear(): void };

export function progressLine(stream: NodeJS.WriteStream): ProgressLine {
  if (!stream.isTTY) return { show: () => {}, clear: () => {} };
  let step = "";
  let isShown = false;
  const write = () => {
    isShown = true;
    stream.write(`${CLEAR_LINE}${step} …`);
  };
  const timer = setTimeout(write, PATIENCE_MS);
  return {
    show(next) {
      step = next;
      if (isShown) write();
    },
    clear() {
      clearTimeout(timer);
      if (isShown) stream.write(CLEAR_LINE);
    },
  };
}
