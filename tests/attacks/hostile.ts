/** Text that makes patterns slow, and how long something takes over it. */

export const SIZE = 256 * 1024;

/** What repeats in a text that a pattern can lose its way in, and what stands before and behind it. */
const UNITS = [
  "a",
  "a.",
  "a@",
  "a@a.",
  ".",
  "..",
  "@",
  " ",
  "-",
  "a-",
  "'",
  '"',
  "\\",
  "(",
  "[",
  "%",
  "%41",
  ",",
  ";",
  ":",
  "1",
  "1.",
  "\t",
  "é",
  "a=1&",
  "/",
];
const FRAMES: [string, string][] = [
  ["", ""],
  ["a@", "!"],
  ["a@", ".example"],
];

/** Hostile texts of this many characters. */
export function hostileTexts(size: number): string[] {
  return UNITS.flatMap((unit) =>
    FRAMES.map(([before, after]) => {
      const room = Math.max(0, size - before.length - after.length);
      return before + unit.repeat(Math.ceil(room / unit.length)).slice(0, room) + after;
    }),
  );
}

/** Milliseconds of this process's own time, the least of a few runs: others on the machine take none of it. */
export async function millisOf(run: () => unknown, enough = 0): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 8 && least > enough; turn++) {
    const start = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(start);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

/** What takes less has no proportions: collecting garbage alone takes as much now and then. */
const NEXT_TO_NOTHING = 15;

/**
 * @throws Error when the work on 256 KiB takes longer than `most` milliseconds, or more than 24 times as long as that on
 * an eighth of it: eight times would be linear, and 64 times quadratic.
 */
export async function assertLinear(
  name: string,
  run: (size: number) => () => unknown,
  most = 45,
): Promise<void> {
  const whole = await millisOf(run(SIZE), NEXT_TO_NOTHING);
  if (whole <= NEXT_TO_NOTHING) return;
  const eighth = await millisOf(run(SIZE / 8));
  if (whole > most || whole > 24 * eighth)
    throw new Error(
      `${name}: ${eighth.toFixed(1)} ms for an eighth, ${whole.toFixed(1)} ms for all`,
    );
}
