#!/usr/bin/env node
/** `tenantry-drift`. The only file of the check that prints and exits: results on stdout, all else on stderr. */
import { fstatSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { createInterface } from "node:readline/promises";
import { allowLine } from "../commands/allow.ts";
import { check } from "../commands/check.ts";
import { initCommand } from "../commands/init.ts";
import { migrateCommand } from "../commands/migrate.ts";
import type { Options } from "../commands/options.ts";
import { parity } from "../commands/parity.ts";
import { repairCommand } from "../commands/repair.ts";
import { checkSnapshot, takeSnapshot } from "../commands/snapshot.ts";
import { codeOf, DriftError, explanationOf, messageOf } from "../model/errors.ts";
import { visible, visibleLine } from "../model/words.ts";
import { loadPrismaConfig } from "../prisma/config.ts";
import { writeWhole } from "../project/write.ts";
import { formats } from "../report/formats.ts";
import type { Report } from "../report/report.ts";
import { summaryLine } from "../report/text.ts";
import { visibleReport } from "../report/visible-report.ts";
import { type Flags, parseFlags } from "./flags.ts";
import { progressLine } from "./progress.ts";
import { usage } from "./usage.ts";

/** From the source and from what is built of it. */
const PACKAGE = "../../package.json";
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

// Whoever writes is told by the write itself; unhandled, the event would end the process.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

const progress = progressLine(process.stderr);

process.exit(await main(process.argv.slice(2)).catch(explain));

async function main(args: string[]): Promise<number> {
  if (args.length === 1 && args[0] === "--version")
    return print(process.stdout, `${createRequire(import.meta.url)(PACKAGE).version}\n`);
  const isHelp = args.includes("--help") || args.includes("-h");
  const config = isHelp ? null : await loadPrismaConfig(process.cwd(), process.env);
  const flags = parseFlags(args, process.env, config);
  if (flags.help) return print(process.stdout, usage);
  return run(flags, {
    ...flags.options,
    signal: interruption.signal,
    onProgress: progress.show,
  });
}

async function run(flags: Flags, options: Options): Promise<number> {
  switch (flags.command) {
    case "drift":
      return show(await check(options), flags);
    case "parity":
      return show(await parity(options), flags);
    case "snapshot":
      if (flags.check) return show(await checkSnapshot(options), flags);
      await writeWhole(options.snapshotFile, await takeSnapshot(options), { makeFolder: true });
      return print(process.stderr, `Wrote ${options.snapshotFile}.\n`);
    case "repair": {
      const isRepaired = await repairCommand({ ...options, ...flags }, output(flags));
      return isRepaired ? EXIT.noDrift : EXIT.drift;
    }
    case "migrate":
      await migrateCommand({ ...options, ...flags, confirm: asker() }, output(flags));
      return EXIT.noDrift;
    case "init":
      await initCommand(options, flags.sqlFolder, output(flags));
      return EXIT.noDrift;
    case "allow":
      return print(process.stdout, `${await allowLine(flags, options)}\n`);
  }
}

/** Results go where the flags say, and what is said beside them to stderr. */
function output(flags: Flags) {
  return {
    result: (text: string) =>
      flags.output === null
        ? print(process.stdout, isObeyed(process.stdout) ? visible(text) : text)
        : writeWhole(flags.output, text),
    note: (text: string) => print(process.stderr, visible(text)),
  };
}

/** A terminal, or the log of a runner, which takes commands out of it. Elsewhere SQL must be what it is, with its odd names. */
function isObeyed(stream: typeof process.stdout): boolean {
  const isLog = Boolean(process.env.CI) && !fstatSync(stream.fd).isFile();
  return stream.isTTY || isLog;
}

/** A question at the terminal; null where nobody sits at one. */
function asker(): ((question: string) => Promise<boolean>) | null {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return null;
  return async (question) => {
    progress.clear();
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
    } finally {
      terminal.close();
    }
  };
}

async function show(report: Report, { format, output, quiet, schemaFile }: Flags): Promise<number> {
  const colour = process.stdout.isTTY && !process.env.NO_COLOR;
  const text = formats[format](report, { colour: colour && output === null, schemaFile });
  if (output !== null) await writeWhole(output, text);
  if (!quiet) {
    for (const warning of report.warnings)
      await print(process.stderr, `warning: ${visibleLine(warning)}\n`);
    await print(
      process.stdout,
      output === null ? text : `${summaryLine(visibleReport(report), colour)}\n`,
    );
  }
  return report.drift ? EXIT.drift : EXIT.noDrift;
}

async function explain(error: unknown): Promise<number> {
  progress.clear();
  const cause = error instanceof DriftError ? error.cause : error;
  if (error !== cause || !(cause instanceof Interrupted))
    await print(process.stderr, visible(explanationOf(error)));
  return cause instanceof Interrupted ? 128 + constants.signals[cause.signal] : EXIT.failed;
}

/** @throws DriftError where a result is lost; who has stopped reading wants no more of it, and what is said beside it may go. */
function print(stream: NodeJS.WriteStream, text: string): Promise<number> {
  progress.clear();
  return new Promise((resolve, reject) =>
    stream.write(text, (error) => {
      if (error && stream === process.stdout && codeOf(error) !== "EPIPE")
        reject(new DriftError(`The result cannot be written to stdout: ${messageOf(error)}.`));
      else resolve(EXIT.noDrift);
    }),
  );
}
