#!/usr/bin/env bun
/** `bun run platform`: what only whoever stands at the console may do. The only file of it that prints and exits. */
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { type Config, parseToolConfig } from "../config.ts";
import { deriveKeyring, type Keyring } from "../crypto/secret.ts";
import type { Database } from "../db/client.ts";
import { acrossTenants } from "../db/scope.ts";
import type { ScopedPool } from "../db/scoped-pool.ts";
import { createLog, type Log } from "../log.ts";
import { closeRestore, countRestorable } from "../platform/restored.ts";
import { openWayIn, WayInError } from "../platform/way-in.ts";
import { opensSigningKeys } from "../signing-keys/rows.ts";
import { faultOfArguments, print, printFailure } from "./answer.ts";
import { withDatabase } from "./database.ts";
import { listenForInterruption } from "./interruption.ts";
import { inJson, planOf, restoredInWords, wayInWords } from "./platform-words.ts";

const usage = `What only whoever stands at the console of the installation may do.

Usage: bun run platform <command>, with the environment of the server

  bootstrap   a way in for a super admin: prints a token that works once and for 15 minutes, and what to do with it.
              Of somebody who lost every factor, or the password, it sets a new password, takes the factors away and ends the
              sessions, all once it is used. With no super admin, or none who could log in, it makes one
  --email ADDRESS
              of bootstrap: which super admin, where there are several

  restored    after the database was brought back to an older state, before the server starts: ends what that made good
              again, since nobody knows any more what was ended in between. All sessions and API keys end, links and codes
              too, signing keys are replaced, and the audit log is marked, so that "audit verify" tells it from
              tampering. The second time it does nothing
  --keep-api-keys
              of restored: machines go on, also by keys that were revoked in between
  --again     of restored: although it was done before, for a copy of the files that was brought back twice
  --yes       of restored: without asking

  --json      what was done, in JSON
  --help

Exit codes: 0 done, 1 not done: somebody said no, or nobody is meant, 2 a wrong call, or it cannot run.
`;

/** All sessions end in one statement. */
const TIMEOUT_SECONDS = 300;

class UsageError extends Error {
  override name = "UsageError";
}

type Options = ReturnType<typeof parse>;
type Parts = { config: Config; pool: ScopedPool; db: Database; keyring: Keyring; log: Log };

process.exit(await main(process.argv.slice(2)));

async function main(args: string[]): Promise<number> {
  const { asked } = listenForInterruption();
  try {
    const options = parse(args);
    if (options.help) return await say(usage);
    const work = acrossTenants(() => withParts((parts) => run(options, parts)));
    return await Promise.race([work, asked]);
  } catch (error) {
    await printFailure(error, args);
    return error instanceof WayInError ? 1 : 2;
  }
}

async function run(options: Options, parts: Parts): Promise<number> {
  if (!(await opensSigningKeys(parts.db, parts.keyring.signingKey)))
    throw new UsageError(
      "SECRET_KEY opens none of the signing keys of this database. Set the one that it was used with, for a backup that of its time. Nothing was changed.",
    );
  return options.command === "bootstrap" ? bootstrap(options, parts) : restored(options, parts);
}

async function bootstrap({ email, json }: Options, parts: Parts): Promise<number> {
  const way = await openWayIn(parts, email);
  return say(json ? inJson(way) : wayInWords(way, parts.config.issuer));
}

async function restored(options: Options, parts: Parts): Promise<number> {
  const { "keep-api-keys": keepApiKeys, again, json, yes } = options;
  if (!yes && !(await agrees(planOf(await countRestorable(parts.db), { keepApiKeys }))))
    return say("Nothing was done.\n", 1);
  const result = await closeRestore(parts, { keepApiKeys, again });
  return say(json ? inJson(result) : restoredInWords(result, { keepApiKeys }));
}

/** On the terminal, and not among the results. @throws UsageError where there is nobody to ask. */
async function agrees(plan: string): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new UsageError(`${plan}\nNobody is there to be asked: --yes does it.`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // The end of the input is no answer, and so a no.
  const ended = new Promise<string>((resolve) => terminal.once("close", () => resolve("")));
  const answer = await Promise.race([terminal.question(`${plan}\nGo on? [y/N] `), ended]);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

async function withParts<T>(work: (parts: Parts) => Promise<T>): Promise<T> {
  const config = { ...parseToolConfig(process.env), databaseTimeoutSeconds: TIMEOUT_SECONDS };
  const keyring = deriveKeyring(config.secretKey, config.previousSecretKey);
  const log = createLog("silent");
  return withDatabase(config, (parts) => work({ ...parts, config, keyring, log }));
}

function parse(args: string[]) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        email: { type: "string" },
        "keep-api-keys": { type: "boolean", default: false },
        again: { type: "boolean", default: false },
        yes: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const [command = "", ...more] = positionals;
    const options = { command, ...values, email: values.email?.toLowerCase() };
    if (values.help) return options;
    if (!["bootstrap", "restored"].includes(command) || more.length > 0)
      throw new UsageError("Name one command: bootstrap or restored.");
    if (command === "restored" && values.email !== undefined)
      throw new UsageError("--email belongs to bootstrap.");
    if (command === "bootstrap" && (values["keep-api-keys"] || values.again || values.yes))
      throw new UsageError("--keep-api-keys, --again and --yes belong to restored.");
    return options;
  } catch (error) {
    throw new UsageError(faultOfArguments(error), { cause: error });
  }
}

async function say(text: string, code = 0): Promise<number> {
  await print(process.stdout, text);
  return code;
}
