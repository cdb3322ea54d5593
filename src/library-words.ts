/** What libraries print by themselves, on the console or as a warning of the process: in the log, and in its form. */
import { format } from "node:util";
import { describeError, type Log, type LogLevel } from "./log.ts";

const LEVELS = { error: "error", warn: "warn", info: "info", log: "info", debug: "debug" } as const;
const LONGEST = 300;

/** From now on in this process. Whoever prints for people has kept the console, or writes to stdout. */
export function logLibraryWords(log: Log): void {
  const say = (level: LogLevel, words: string) =>
    log(level, "a library says", { words: short(words) });
  for (const [method, level] of Object.entries(LEVELS))
    Object.assign(console, {
      [method]: (...words: unknown[]) => say(level, format(...words.map(plain))),
    });
  // Bun prints warnings of the process whether somebody listens to them or not.
  process.emitWarning = (warning: string | Error) =>
    say("warn", String(warning).split("\n")[0] ?? "");
}

/** An error's stack would be the last lines. */
function plain(word: unknown): unknown {
  return word instanceof Error ? describeError(word) : word;
}

/** The last line: Prisma prints the arguments of a call above it, and those are personal data. */
function short(words: string): string {
  return (words.trim().split("\n").at(-1) ?? "").slice(0, LONGEST);
}
