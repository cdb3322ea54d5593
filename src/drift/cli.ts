#!/usr/bin/env bun
/** `bun run drift`. The only file of the check that prints and exits: results on stdout, all else on stderr. */
import { constants } from "node:os";
import { check } from "./check.ts";
import { DriftError, messageOf } from "./errors.ts";
import { parseFlags, usage } from "./flags.ts";
import { formatJson } from "./formats/json.ts";
import { formatText } from "./formats/text.ts";

const EXIT = { noDrift: 0, failed: 1, drift: 2 } as const;

class Interrupted extends Error {
  constructor(readonly signal: "SIGINT" | "SIGTERM" | "SIGHUP") {
    super(`interrupted by ${signal}`);
  }
}

const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  // Once: who asks a second time does not want to wait for the clean-up.
  process.once(signal, () => interruption.abort(new Interrupted(signal)));
}

process.exit(await main(process.argv.slice(2)).catch(explain));

async function main(args: string[]): Promise<number> {
  const flags = parseFlags(args, process.env);
  if (flags.help) {
    await print(process.stdout, usage);
    return EXIT.noDrift;
  }
  const report = await check({ ...flags, signal: interruption.signal });
  for (const warning of report.warnings) await print(process.stderr, `warning: ${warning}\n`);
  const colour = process.stdout.isTTY && !process.env.NO_COLOR;
  await print(
    process.stdout,
    flags.format === "json" ? formatJson(report) : formatText(report, { colour }),
  );
  return report.drift ? EXIT.drift : EXIT.noDrift;
}

async function explain(error: unknown): Promise<number> {
  if (error instanceof Interrupted) return 128 + constants.signals[error.signal];
  // An error that nobody foresaw is for whoever mends the check: it keeps its stack.
  const text =
    error instanceof DriftError
      ? error.message
      : error instanceof Error
        ? error.stack
        : messageOf(error);
  await print(process.stderr, `error: ${text}\n`);
  return EXIT.failed;
}

function print(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve) => stream.write(text, () => resolve()));
}
