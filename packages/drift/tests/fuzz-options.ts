/** The command line of `bun run fuzz:drift`. */
import { parseArgs } from "node:util";

export type FuzzOptions = { seconds: number; seed: number; rounds: number; help: boolean };

export const HELP = `Breaks and mends random schemas with rows, until a row is harmed or the time is over.

Usage: bun run fuzz:drift [options]

  --seconds N   how long (60)
  --seed N      where it begins, to see a round again (another one each time, which is printed)
  --rounds N    no more rounds than these

Exit codes: 0 nothing was harmed, 1 something was, and the seed of the round is printed, 2 it cannot run.
`;

/** @throws Error for an option that there is not, or a number that is none. */
export function readOptions(args: string[]): FuzzOptions {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args,
    options: {
      seconds: text,
      seed: text,
      rounds: text,
      help: { type: "boolean", short: "h", default: false },
    },
  });
  return {
    seconds: numberOf("seconds", values.seconds, 60),
    seed: numberOf("seed", values.seed, Date.now() % 1_000_000_000),
    rounds: numberOf("rounds", values.rounds, Number.POSITIVE_INFINITY),
    help: values.help,
  };
}

function numberOf(name: string, text: string | undefined, standard: number): number {
  if (text === undefined) return standard;
  if (!/^\d{1,9}$/.test(text))
    throw new Error(`--${name} must be a whole number, not ${JSON.stringify(text)}.`);
  return Number(text);
}
