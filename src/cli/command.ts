/** What every command for operators has in common: --help, --json, what it is at, and how it ends. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { ConfigError } from "../config.ts";
import { isMissingTable, isUnavailable } from "../db/failures.ts";
import { CannotRun } from "../operations/cannot-run.ts";
import { createProgress } from "./progress.ts";
import { withoutSecrets } from "./secrets.ts";

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
  const interruption = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => interruption.abort(new CannotRun(`ended by ${signal}.`)));
  try {
    const { values, words } = readArguments(command, argv.slice(2));
    if (values.help) return await print(stdout, command.usage, EXIT.fine);
    const io: Io = { env, progress: progress.show, signal: interruption.signal };
    const { found, text, json } = await command.run({ values, words, io });
    progress.clear();
    const answer = values.json ? JSON.stringify(json, null, 2) : text;
    return await print(stdout, `${answer}\n`, found ? EXIT.found : EXIT.fine);
  } catch (thrown) {
    progress.clear();
    return print(stderr, `error: ${withoutSecrets(explain(thrown), env)}\n`, EXIT.cannotRun);
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
    const message = error instanceof Error ? error.message : String(error);
    throw new CannotRun(`${message} See --help.`, { cause: error });
  }
}

/** One message and no stack: what goes wrong here is for the operator to mend. */
function explain(thrown: unknown): string {
  if (thrown instanceof CannotRun || thrown instanceof ConfigError) return thrown.message;
  if (isUnavailable(thrown)) return "the database does not answer. See DATABASE_URL.";
  if (isMissingTable(thrown))
    return "the database has no tables yet. Run: bunx prisma migrate deploy";
  return thrown instanceof Error ? thrown.message.trim() : String(thrown);
}

/** Awaited: what is still on its way into a pipe would be lost at the end. */
function print(stream: NodeJS.WriteStream, text: string, code: number): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  stream.write(text, () => resolve(code));
  return promise;
}
