#!/usr/bin/env bun
/** `bun run keys`: signing keys, and what SECRET_KEY encrypts. The only file of it that prints and exits. */
import { parseArgs } from "node:util";
import { sealKeyId } from "../audit/chain.ts";
import { keepAuditKeys, keptSince } from "../audit/keys.ts";
import { type Config, parseToolConfig } from "../config.ts";
import { type Reencryption, reencrypt } from "../crypto/reencrypt.ts";
import { deriveKeyring, type Keyring } from "../crypto/secret.ts";
import type { Database } from "../db/client.ts";
import { acrossTenants } from "../db/scope.ts";
import type { ScopedPool } from "../db/scoped-pool.ts";
import { replaceSigningKeys, rotateSigningKeys } from "../signing-keys/rotate.ts";
import { listSigningKeys, opensSigningKeys } from "../signing-keys/rows.ts";
import { faultOfArguments, print, printFailure } from "./answer.ts";
import { withDatabase } from "./database.ts";
import { listenForInterruption } from "./interruption.ts";
import { secretKeysIn } from "./old-keys.ts";

const usage = `The keys that sign access tokens, and what SECRET_KEY encrypts.

Usage: bun run keys <command>, with the environment of the server

  list           every key: its id, algorithm, state and times
  rotate         publishes the next key, which signs in ten minutes; nothing is refused meanwhile
  rotate --now   for a key that leaked: ends every key at once and makes a new one. All access tokens are refused and
                 clients have to refresh them; services that cache the key set refuse new tokens, and accept tokens of
                 the leaked key, until they fetch it again (5 minutes at most)
  reencrypt      encrypts with SECRET_KEY, the new one, what SECRET_KEY_PREVIOUS, the old one, encrypted, so that that one
                 can be removed. It needs both; it may run beside the server, be broken off, and run again
  --old-keys FILE
                 of reencrypt: SECRET_KEYs from before these two, one a line, for values that were left behind
  --json         what list and reencrypt found, in JSON
  --help

Exit codes: 0 done, 1 could not, or not everything.
`;

class KeysError extends Error {
  override name = "KeysError";
}
/** What was done is told before it. */
class LeftBehind extends KeysError {}

type Options = ReturnType<typeof parse>;
type Parts = {
  config: Config;
  keyring: Keyring;
  db: Database;
  pool: ScopedPool;
};

process.exit(await main(process.argv.slice(2)));

async function main(args: string[]): Promise<number> {
  const { asked } = listenForInterruption();
  try {
    const options = parse(args);
    if (options.help) return await say(usage);
    const work = acrossTenants(() => withParts(options, (parts) => run(options, parts)));
    return await Promise.race([work, asked]);
  } catch (error) {
    // What was left behind is told in JSON already, and rotate has none.
    const isPlain = error instanceof LeftBehind || args.includes("rotate");
    await printFailure(error, isPlain ? [] : args);
    return 1;
  }
}

async function run({ command, now, json }: Options, parts: Parts): Promise<number> {
  if (command === "list") return list(parts, json);
  if (!(await opensSigningKeys(parts.db, parts.keyring.signingKey)))
    throw new KeysError(
      "SECRET_KEY opens none of the signing keys of this database. Set the one that the server uses, and while it is being replaced the other one as SECRET_KEY_PREVIOUS: reencrypt needs both. Nothing was changed.",
    );
  if (command === "reencrypt") return renewEverything(parts, json);
  return now ? replace(parts) : rotate(parts);
}

async function list({ db, keyring }: Parts, json: boolean): Promise<number> {
  const keys = await listSigningKeys(db);
  if (json) return say(`${JSON.stringify({ secretKeys: keyring.audit.map(sealKeyId), keys })}\n`);
  const lines = keys.map(({ id, algorithm, state, activatesAt, retiredAt }) =>
    [
      id.padEnd(43),
      algorithm.padEnd(9),
      state.padEnd(9),
      activatesAt.toISOString(),
      retiredAt?.toISOString() ?? "-",
    ].join("  "),
  );
  const heading = `${"key".padEnd(43)}  algorithm  ${"state".padEnd(9)}  ${"signs from".padEnd(24)}  verifies until`;
  return say(
    lines.length > 0
      ? `${[heading, ...lines].join("\n")}\n`
      : "There is no signing key yet: the server makes the first one when it starts.\n",
  );
}

async function rotate({ db, keyring, config }: Parts): Promise<number> {
  const { made, id, activatesAt } = await rotateSigningKeys(db, keyring.signingKey, {
    algorithm: config.signingAlgorithm,
    accessTokenTtlSeconds: config.accessTokenTtlSeconds,
  });
  const what = made ? "Published the next key" : "There is a next key already";
  return say(`${what}: ${id}. It signs from ${activatesAt.toISOString()} on.\n`);
}

async function replace({ db, keyring, config }: Parts): Promise<number> {
  const { id, retired } = await replaceSigningKeys(db, keyring.signingKey, {
    algorithm: config.signingAlgorithm,
  });
  return say(
    `Ended ${retired} of the keys. ${id} signs now. Access tokens of the others are refused: clients refresh them.\n`,
  );
}

async function renewEverything({ db, pool, keyring }: Parts, json: boolean): Promise<number> {
  const [current = "", ...others] = keyring.audit.map(sealKeyId);
  // Those of now too: who replaces SECRET_KEY before anything was sealed by it keeps it for the seals all the same.
  await keepAuditKeys(db, keyring, { anew: true });
  const results = await reencrypt(pool, keyring);
  const complete = results.every(({ unreadable }) => unreadable === 0);
  if (json)
    await say(
      `${JSON.stringify({ complete, secretKey: current, otherKeys: others, values: results })}\n`,
    );
  else await say(results.map(lineOf).join(""));
  if (!complete)
    throw new LeftBehind(
      "Some values open with neither SECRET_KEY nor SECRET_KEY_PREVIOUS, and were left as they are. Name the keys that they may be of with --old-keys FILE.",
    );
  if (json) return 0;
  if (await hasOlderKey(db, current, others))
    return say(
      `Everything is encrypted with SECRET_KEY, the key ${current}, which was in use before SECRET_KEY_PREVIOUS. In step 1 of a replacement that is so, and this came too early: swap the two, and run it again.\n`,
    );
  return say(
    `Everything is encrypted with SECRET_KEY, the key ${current}. A day after the last instance has it, SECRET_KEY_PREVIOUS can be removed.\n`,
  );
}

function lineOf({ name, renewed, upToDate, unreadable }: Reencryption): string {
  const rest = unreadable > 0 ? `, ${unreadable} unreadable` : "";
  return `${name}: ${renewed} encrypted anew, ${upToDate} were up to date${rest}\n`;
}

/** Whether `current` was kept before one of the others. */
async function hasOlderKey(db: Database, current: string, others: string[]): Promise<boolean> {
  const since = await keptSince(db);
  const own = since.get(current);
  return own !== undefined && others.some((id) => (since.get(id) ?? own) > own);
}

async function withParts<T>(options: Options, work: (parts: Parts) => Promise<T>): Promise<T> {
  const config = parseToolConfig(process.env);
  const older = options["old-keys"] === undefined ? [] : await secretKeysIn(options["old-keys"]);
  const keyring = deriveKeyring(config.secretKey, config.previousSecretKey, ...older);
  return withDatabase(config, (parts) => work({ ...parts, config, keyring }));
}

async function say(text: string): Promise<number> {
  await print(process.stdout, text);
  return 0;
}

function parse(args: string[]) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        now: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        "old-keys": { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const [command = "", ...more] = positionals;
    if (values.help) return { command, ...values };
    if (!["list", "rotate", "reencrypt"].includes(command) || more.length > 0)
      throw new KeysError("Name one command: list, rotate or reencrypt.");
    if (values.now && command !== "rotate") throw new KeysError("--now belongs to rotate.");
    if (values["old-keys"] !== undefined && command !== "reencrypt")
      throw new KeysError("--old-keys belongs to reencrypt.");
    if (values.json && command === "rotate")
      throw new KeysError("--json belongs to list and reencrypt.");
    return { command, ...values };
  } catch (error) {
    throw new KeysError(faultOfArguments(error), { cause: error });
  }
}
