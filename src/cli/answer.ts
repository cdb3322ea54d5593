/** What every command says, and how it says that it failed: one sentence for people, and with --json one object for programs. */
import { withFiles } from "../config/secret-files.ts";
import { ConfigError } from "../config.ts";
import { inWords } from "../db/await-database.ts";
import { codeOf, isMissingColumn, isMissingTable, isUnavailable } from "../db/failures.ts";
import { CannotRun } from "../operations/cannot-run.ts";
import { StartFault } from "../start-fault.ts";
import { withoutSecrets } from "./secrets.ts";

/** Made for whoever runs it, and right as they are. */
const FOR_OPERATORS = [CannotRun, ConfigError, StartFault];

type Stream = Pick<NodeJS.WriteStream, "write">;

/**
 * Awaited: what is still on its way into a pipe would be lost at the end. Whoever closed it, as `head` does, has enough.
 * @throws CannotRun where it cannot be written: on a full disk half of it would pass for all.
 */
export function print(stream: Stream, text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  stream.write(text, (error) => {
    const code = error && "code" in error ? error.code : undefined;
    if (!error || code === "EPIPE") resolve();
    else reject(new CannotRun(`the answer cannot be written (${code ?? error.message}).`));
  });
  return promise;
}

/** No stack: what goes wrong here is for the operator to mend. With --json stdout has `{"error": …}`. */
export async function printFailure(thrown: unknown, args: readonly string[]): Promise<void> {
  const { env, stdout, stderr } = process;
  const error = withoutSecrets(await explain(thrown, env), env);
  await print(stderr, `error: ${error}\n`).catch(() => {});
  if (args.includes("--json"))
    await print(stdout, `${JSON.stringify({ error }, null, 2)}\n`).catch(() => {});
}

async function explain(thrown: unknown, env: NodeJS.ProcessEnv): Promise<string> {
  if (FOR_OPERATORS.some((kind) => thrown instanceof kind)) return messageOf(thrown).trim();
  const { DATABASE_URL: url } = withFiles(env, ["DATABASE_URL"]).env;
  const found = url !== undefined && URL.canParse(url) ? await inWords(thrown, url) : thrown;
  if (isUnavailable(found))
    return "the database ended the connection, or had no room or time for it. Once it is well again: the same once more.";
  if (isMissingTable(found))
    return "the database has no tables yet. Run: bunx prisma migrate deploy";
  if (isMissingColumn(found))
    return "the database has another schema than this build: bun run doctor says which migrations are missing.";
  if (codeOf(found) === "42501" || /permission denied/.test(messageOf(found)))
    return "DATABASE_URL names a role that may not do this. Name the owner of the tables, or the one that --help says.";
  return messageOf(found).trim();
}

/** Prisma's own quote the caller's source, and say what happened in the last line. */
function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const isPrismas = thrown.name.startsWith("Prisma");
  return isPrismas ? (thrown.message.trim().split("\n").at(-1) ?? "") : thrown.message;
}

/** Of an error of parseArgs, without its advice on words that begin with a dash. */
export function faultOfArguments(error: unknown): string {
  const [first = ""] = messageOf(error).split(/\. To specify |\.?\n/);
  return `${first.replace(/\.?$/, ".")} See --help.`;
}
