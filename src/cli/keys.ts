#!/usr/bin/env bun
/** `bun run keys`: signing keys, and what SECRET_KEY encrypts. The only file of it that prints and exits. */
import { parseArgs } from "node:util";
import { type Config, ConfigError, parseToolConfig } from "../config.ts";
import { reencrypt } from "../crypto/reencrypt.ts";
import { deriveKeyring, type Keyring } from "../crypto/secret.ts";
import { inWords } from "../db/await-database.ts";
import { createDatabase, createPool, type Database } from "../db/client.ts";
import { isMissingTable, isUnavailable } from "../db/failures.ts";
import { acrossTenants } from "../db/scope.ts";
import { replaceSigningKeys, rotateSigningKeys } from "../signing-keys/rotate.ts";
import { listSigningKeys, opensSigningKeys } from "../signing-keys/rows.ts";
import { StartFault } from "../start-fault.ts";

const usage = `The keys that sign access tokens, and what SECRET_KEY encrypts.

Usage: bun run keys <command>, with the environment of the server

  list           every key: its id, algorithm, state and times
  rotate         publishes the next key, which signs in ten minutes; nothing is refused meanwhile
  rotate --now   for a key that leaked: ends every key at once and makes a new one. All access tokens are refused and
                 clients have to refresh them; services that cache the key set refuse new tokens, and accept tokens of
                 the leaked key, until they fetch it again (5 minutes at most)
  reencrypt      encrypts with SECRET_KEY what SECRET_KEY_PREVIOUS encrypted, so that that one can be removed;
                 it may run beside the server, and twice
  --help

Exit codes: 0 done, 1 could not.
`;

class KeysError extends Error {
  override name = "KeysError";
}

type Parts = {
  config: Config;
  keyring: Keyring;
  db: Database;
  pool: ReturnType<typeof createPool>;
};

process.exit(await main(process.argv.slice(2)));

async function main(args: string[]): Promise<number> {
  try {
    const { command, now, help } = parse(args);
    if (help) {
      process.stdout.write(usage);
      return 0;
    }
    return await acrossTenants(() => withParts((parts) => run(command, now, parts)));
  } catch (error) {
    process.stderr.write(`error: ${explain(error)}\n`);
    return 1;
  }
}

async function run(command: string, now: boolean, parts: Parts): Promise<number> {
  if (command === "list") return list(parts);
  if (!(await opensSigningKeys(parts.db, parts.keyring.signingKey)))
    throw new KeysError(
      "SECRET_KEY opens none of the signing keys of this database. Set the one that the server uses, and while it is being replaced the one before as SECRET_KEY_PREVIOUS. Nothing was changed.",
    );
  if (command === "reencrypt") return renewEverything(parts);
  return now ? replace(parts) : rotate(parts);
}

async function list({ db }: Parts): Promise<number> {
  const keys = await listSigningKeys(db);
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
  process.stdout.write(
    lines.length > 0
      ? `${[heading, ...lines].join("\n")}\n`
      : "There is no signing key yet: the server makes the first one when it starts.\n",
  );
  return 0;
}

async function rotate({ db, keyring, config }: Parts): Promise<number> {
  const { made, id, activatesAt } = await rotateSigningKeys(db, keyring.signingKey, {
    algorithm: config.signingAlgorithm,
    accessTokenTtlSeconds: config.accessTokenTtlSeconds,
  });
  const what = made ? "Published the next key" : "There is a next key already";
  process.stdout.write(`${what}: ${id}. It signs from ${activatesAt.toISOString()} on.\n`);
  return 0;
}

async function replace({ db, keyring, config }: Parts): Promise<number> {
  const { id, retired } = await replaceSigningKeys(db, keyring.signingKey, {
    algorithm: config.signingAlgorithm,
  });
  process.stdout.write(
    `Ended ${retired} of the keys. ${id} signs now. Access tokens of the others are refused: clients refresh them.\n`,
  );
  return 0;
}

async function renewEverything({ pool, keyring }: Parts): Promise<number> {
  const results = await reencrypt(pool, keyring);
  for (const { name, renewed, upToDate, unreadable } of results)
    process.stdout.write(
      `${name}: ${renewed} encrypted anew, ${upToDate} were up to date${unreadable > 0 ? `, ${unreadable} unreadable` : ""}\n`,
    );
  if (results.some(({ unreadable }) => unreadable > 0))
    throw new KeysError(
      "Some values open with neither SECRET_KEY nor SECRET_KEY_PREVIOUS, and were left as they are.",
    );
  process.stdout.write(
    "Everything is encrypted with SECRET_KEY. SECRET_KEY_PREVIOUS can be removed.\n",
  );
  return 0;
}

async function withParts<T>(work: (parts: Parts) => Promise<T>): Promise<T> {
  const config = parseToolConfig(process.env);
  const pool = createPool(config);
  const db = createDatabase(pool, config.databaseTimeoutSeconds);
  try {
    return await work({
      config,
      db,
      pool,
      keyring: deriveKeyring(config.secretKey, config.previousSecretKey),
    });
  } catch (err) {
    throw await inWords(err, config.databaseUrl);
  } finally {
    await db.$disconnect();
    await pool.end();
  }
}

function parse(args: string[]) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        now: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const [command = "", ...more] = positionals;
    if (values.help) return { command, ...values };
    if (!["list", "rotate", "reencrypt"].includes(command) || more.length > 0)
      throw new KeysError("Name one command: list, rotate or reencrypt.");
    if (values.now && command !== "rotate") throw new KeysError("--now belongs to rotate.");
    return { command, ...values };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new KeysError(`${message} See --help.`, { cause: error });
  }
}

function explain(error: unknown): string {
  if (error instanceof ConfigError || error instanceof KeysError) return error.message;
  if (error instanceof StartFault) return error.message;
  if (isUnavailable(error)) return "the database does not answer. See DATABASE_URL.";
  if (isMissingTable(error))
    return "the database has no tables yet. Run: bunx prisma migrate deploy";
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
