/** What every command for operators has in common: --help, --json, what it is at, and how it ends. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { CannotRun } from "../operations/cannot-run.ts";
import { faultOfArguments, print, printFailure } from "./answer.ts";
import { listenForInterruption } from "./interruption.ts";
import { createProgress } from "./progress.ts";

/** `found` of what is wrong ends with 1. `text` is for people, `json` for programs. */
export type Outcome = { found: boolean; text: string; json: unknown };

type Flags = NonNullable<ParseArgsConfig["options"]>;
type Given<F extends Flags> = ReturnType<
  typeof parseArgs<{ options: F; allowPositionals: true }>
>["values"];

export type Command<F extends Flags> = {
  usage: string;
  flags: F;
  /** Whether words without a dash may follow. */
  words?: boolean;
  /** Whether it heeds the signal, and ends by itself once it has cleaned up. Others end at once: they leave nothing behind. */
  cleansUp?: boolean;
  run(given: { values: Given<F>; words: string[]; io: Io }): Promise<Outcome>;
};

export type Io = {
  env: NodeJS.ProcessEnv;
  /** What it is at. Shown when it takes long. */
  progress(step: string): void;
  /** Somebody pressed Ctrl-C, or the machine is going down: clean up and end. */
  signal: AbortSignal;
};

const EXIT = { fine: 0, found: 1, cannotRun: 2 } as const;

/** Runs a command and answers its exit code: 0 fine, 1 something was found, 2 a bad call or it cannot run. */
export async function runCommand<F extends Flags>(command: Command<F>): Promise<number> {
  const { argv, env, stdout, stderr } = process;
  const progress = createProgress(stderr);
  const { signal, asked } = listenForInterruption();
  try {
    const { values, words } = readArguments(command, argv.slice(2));
    if (values.help) {
      await print(stdout, command.usage);
      return EXIT.fine;
    }
    const io: Io = { env, progress: progress.show, signal };
    const work = command.run({ values, words, io });
    const { found, text, json } = await (command.cleansUp ? work : Promise.race([work, asked]));
    progress.clear();
    await print(stdout, `${values.json ? JSON.stringify(json, null, 2) : text}\n`);
    return found ? EXIT.found : EXIT.fine;
  } catch (thrown) {
    progress.clear();
    await printFailure(thrown, argv);
    return EXIT.cannotRun;
  }
}

function readArguments<F extends Flags>({ flags, words: mayFollow }: Command<F>, args: string[]) {
  const options = {
    ...flags,
    json: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  } as const;
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const given = values as Given<F> & { json: boolean; help: boolean };
    if (positionals.length > 0 && !mayFollow && !given.help)
      throw new Error(`Unexpected argument ${JSON.stringify(positionals[0])}.`);
    return { values: given, words: positionals };
  } catch (error) {
    throw new CannotRun(faultOfArguments(error), { cause: error });
  }
}
