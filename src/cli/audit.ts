#!/usr/bin/env bun
/** `bun run audit`: holding the audit log against its seals, and archiving it. The only file of it that prints and exits. */
import { rm } from "node:fs/promises";
import { parseArgs } from "node:util";
import { archiveAuditLog, BrokenLogError, MissingKeyError } from "../audit/archive.ts";
import { partialOf, verifyArchive } from "../audit/archive-file.ts";
import { sealKeyId } from "../audit/chain.ts";
import { readAuditKeys } from "../audit/keys.ts";
import type { Head } from "../audit/seal.ts";
import { verifyAuditLog } from "../audit/verify.ts";
import { type Config, parseToolConfig } from "../config.ts";
import { deriveKeyring, type Keyring } from "../crypto/secret.ts";
import type { Database } from "../db/client.ts";
import { isId } from "../db/id.ts";
import { acrossTenants, withDeleted } from "../db/scope.ts";
import { faultOfArguments, print, printFailure } from "./answer.ts";
import { EXIT, type Report, reportOf, reportOfFile } from "./audit-report.ts";
import { withDatabase } from "./database.ts";
import { listenForInterruption } from "./interruption.ts";
import { secretKeysIn } from "./old-keys.ts";

const usage = `The audit log: whether anybody changed it, and moving old months into files.

Usage: bun run audit <command>, with the environment of the server

  verify                 holds every row against its seal, and names the first one that was changed, removed, moved or
                         put into the past
  verify --tenant SLUG   one tenant's rows alone, by slug or id; --platform: those of no tenant. Neither sees that a chain
                         lost its end
  verify --head N:HASH   also that the seal with this number is still the one that was noted, so that the log did not lose
                         its end: the log of the server names the last one, and so does this command
  verify --file FILE     an archive, without the database
  archive --before 2026-01 --output FILE.ndjson.gz
                         writes the months before that one, and FILE.ndjson.gz.sha256 beside it, reads the file back,
                         and then drops the months, all or none. DATABASE_URL has to name the owner of the tables for
                         that. Broken off before FILE is there it has done nothing; after that, the same once more with
                         another FILE tells whether the months are dropped
  --old-keys FILE        SECRET_KEYs of before that "keys reencrypt" did not carry over, one a line
  --json                 of verify: {"state": "intact" | "broken" | "key_missing" | "restored", …}
  --help

Exit codes: 0 done and intact, 1 could not, 2 broken: the log or the file is not as it was, 3 cannot tell: a key that
sealed is not at hand, 4 restored: what is there is intact, and the noted seal was lost by a restore that was declared.
`;

/** Longer than a request may take: whole months are read at once. */
const TIMEOUT_SECONDS = 300;

class AuditError extends Error {
  override name = "AuditError";
}

type Options = ReturnType<typeof parse>;
type Parts = { config: Config; keyring: Keyring; db: Database; keys: readonly Buffer[] };

process.exit(await main(process.argv.slice(2)));

async function main(args: string[]): Promise<number> {
  const { asked, signal } = listenForInterruption();
  let output: string | undefined;
  try {
    const options = parse(args);
    ({ output } = options);
    if (options.help) return await say(usage);
    const work = acrossTenants(() => withParts(options, (parts) => run(options, parts)));
    return await Promise.race([work, asked]);
  } catch (error) {
    // It may still be written to.
    if (signal.aborted && output !== undefined) await rm(partialOf(output), { force: true });
    // Of verify alone.
    await printFailure(error, args.includes("archive") ? [] : args);
    if (error instanceof BrokenLogError) return EXIT.broken;
    return error instanceof MissingKeyError ? EXIT.key_missing : EXIT.failed;
  }
}

function run(options: Options, parts: Parts): Promise<number> {
  if (options.command === "archive") return archive(options, parts);
  return options.file === undefined
    ? verify(options, parts)
    : verifyFile(options.file, options, parts);
}

async function verify(options: Options, { db, keyring, keys }: Parts): Promise<number> {
  const { tenant, platform, head } = options;
  const chain = platform ? null : tenant === undefined ? undefined : await tenantId(db, tenant);
  const result = await verifyAuditLog(db, keys, {
    ...(chain !== undefined && { chain }),
    ...(head && { head }),
  });
  return show(reportOf(result, sealKeyId(keyring.audit[0])), options);
}

async function verifyFile(path: string, options: Options, parts: Parts): Promise<number> {
  const { db, keyring, keys } = parts;
  const result = await verifyArchive(path, keys);
  if (result.state !== "key_missing") return show(reportOfFile(result), options);
  // Made before SECRET_KEY was replaced, perhaps: only then the database is asked.
  const kept = await readAuditKeys(db, keyring).catch(() => null);
  return show(reportOfFile(kept ? await verifyArchive(path, kept.keys) : result), options);
}

function show({ text, code, json }: Report, options: Options): Promise<number> {
  return say(options.json ? `${JSON.stringify(json)}\n` : text, code);
}

async function archive({ before, output }: Options, parts: Parts): Promise<number> {
  if (before === undefined || output === undefined)
    throw new AuditError("archive needs --before and --output. See --help.");
  if (before > new Date().toISOString().slice(0, 7))
    throw new AuditError("--before names a month to come. Only months that are over are archived.");
  const archived = await archiveAuditLog(parts, { before, path: output, olderKeys: parts.keys });
  if (archived === null) return say(`There is no month before ${before}. Nothing was done.\n`);
  const lines = archived.months.map(({ month, rows }) => `${month}: ${rows} rows\n`);
  return say(`${lines.join("")}Archived to ${output}, SHA-256 ${archived.sha256}, and dropped.\n`);
}

/** Also by id: the rows of a tenant that was purged stay. */
async function tenantId(db: Database, slug: string): Promise<string> {
  if (isId(slug)) return slug;
  const tenant = await withDeleted(() =>
    db.tenant.findFirst({ where: { slug }, select: { id: true } }),
  );
  if (!tenant) throw new AuditError(`there is no tenant ${JSON.stringify(slug)}.`);
  return tenant.id;
}

async function withParts<T>(options: Options, work: (parts: Parts) => Promise<T>): Promise<T> {
  const config = parseToolConfig(process.env);
  const keyring = deriveKeyring(config.secretKey, config.previousSecretKey);
  const given = options["old-keys"] === undefined ? [] : await secretKeysIn(options["old-keys"]);
  const atHand = [...keyring.audit, ...given.map((secret) => deriveKeyring(secret).audit[0])];
  return withDatabase({ ...config, databaseTimeoutSeconds: TIMEOUT_SECONDS }, ({ db }) =>
    acrossTenants(async () => {
      const kept = options.file === undefined ? (await readAuditKeys(db, keyring)).keys : [];
      return work({ config, keyring, db, keys: [...atHand, ...kept] });
    }),
  );
}

function parse(args: string[]) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        tenant: { type: "string" },
        platform: { type: "boolean", default: false },
        head: { type: "string" },
        file: { type: "string" },
        before: { type: "string" },
        output: { type: "string" },
        "old-keys": { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const [command = "", ...more] = positionals;
    const head = values.head === undefined ? undefined : parseHead(values.head);
    if (values.help) return { command, ...values, head };
    if (!["verify", "archive"].includes(command) || more.length > 0)
      throw new AuditError("Name one command: verify or archive.");
    const chosen = [values.tenant, values.platform || undefined, values.head, values.file];
    if (chosen.filter((value) => value !== undefined).length > (command === "verify" ? 1 : 0))
      throw new AuditError(
        "--tenant, --platform, --head and --file belong to verify, one at a time.",
      );
    if (values.before !== undefined && !/^\d{4}-(0[1-9]|1[0-2])$/.test(values.before))
      throw new AuditError("--before is a month, such as 2026-01.");
    if (values.json && command !== "verify") throw new AuditError("--json belongs to verify.");
    if (command === "verify" && (values.before ?? values.output) !== undefined)
      throw new AuditError("--before and --output belong to archive.");
    return { command, ...values, head };
  } catch (error) {
    throw new AuditError(faultOfArguments(error), { cause: error });
  }
}

function parseHead(text: string): Head {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq === undefined || hash === undefined)
    throw new AuditError("--head is a number and a hash, as in 12:ab34….");
  return { seq: Number(seq), hash };
}

async function say(text: string, code = 0): Promise<number> {
  await print(process.stdout, text);
  return code;
}
