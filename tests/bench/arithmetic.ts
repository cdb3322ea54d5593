/** What is made of many measurements: one number each, and whether they can be trusted. */

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? (upper + (sorted[middle - 1] ?? upper)) / 2 : upper;
}

/** The value that a share of all values does not exceed. @param share from 0 to 1. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** How far apart the outermost values are, as a share of their median. */
export function spread(values: readonly number[]): number {
  return values.length === 0
    ? Number.NaN
    : (Math.max(...values) - Math.min(...values)) / median(values);
}

/**
 * The median of the ratios of each round, and not the ratio of two medians: both sides of a round ran within seconds of
 * each other, so a machine that slows down slows both.
 */
export function ratioOf(ours: readonly number[], beside: readonly number[]): number {
  return median(ours.map((value, round) => value / (beside[round] ?? Number.NaN)));
}

export type Noise = {
  /** Of the machine in the minute before the first measurement, for each core. */
  loadAtStart: number;
  /** Of the bare route over all rounds: nothing of ours is in it, so it ought to be the same each time. */
  bareSpread: number;
  /** Of all cores, what others used while we measured: the median. */
  foreignShare: number;
};

const QUIET: Noise = { loadAtStart: 0.5, bareSpread: 0.25, foreignShare: 0.1 };
const WORDS: Record<keyof Noise, string> = {
  loadAtStart: "load at the start, for each core",
  bareSpread: "spread of the bare route between rounds",
  foreignShare: "share of the cores that others used",
};

/** Why the numbers are not to be trusted, in words; nothing when they are. */
export function faultsOfMachine(noise: Noise): string[] {
  const names = Object.keys(QUIET) as (keyof Noise)[];
  return names
    .filter((name) => noise[name] > QUIET[name])
    .map((name) => `${WORDS[name]}: ${noise[name].toFixed(2)} (quiet: below ${QUIET[name]})`);
}

/** The committed ratios that must not be undercut, by row; null where none is set yet. */
export type Floors = Record<string, number | null>;

/** What fell below its floor, in words. A row that was not measured is not judged. */
export function belowFloors(ratios: ReadonlyMap<string, number>, floors: Floors): string[] {
  return [...ratios].flatMap(([row, ratio]) => {
    const floor = floors[row] ?? null;
    return floor !== null && !(ratio >= floor)
      ? [`${row}: ${ratio.toFixed(3)}, and its floor is ${floor}`]
      : [];
  });
}
