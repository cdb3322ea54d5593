#!/usr/bin/env bun
/** `bun run audit`: holding the audit log against its seals, and archiving it. The only file of it that prints and exits. */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { archiveAuditLog, BrokenLogError } from "../audit/archive.ts";
import { verifyArchive } from "../audit/archive-file.ts";
import type { Head } from "../audit/seal.ts";
import { verifyAuditLog } from "../audit/verify.ts";
import { type Config, ConfigError, parseToolConfig } from "../config.ts";
import { deriveKeyring, type Keyring } from "../crypto/secret.ts";
import { inWords } from "../db/await-database.ts";
import { createDatabase, createPool, type Database } from "../db/client.ts";
import { isMissingTable, isUnavailable } from "../db/failures.ts";
import { isId } from "../db/id.ts";
import { acrossTenants, withDeleted } from "../db/scope.ts";
import { StartFault } from "../start-fault.ts";

const usage = `The audit log: whether anybody changed it, and moving old months into files.

Usage: bun run audit <command>, with the environment of the server

  verify                 holds every row against its seal, and names the first one that was changed, removed, moved or
                         put into the past
  verify --tenant SLUG   one tenant's rows alone, by slug or id; --platform: those of no tenant. Neither sees that a chain
                         lost its end
  verify --head N:HASH   also that the seal with this number is still the one that was noted: the log of the server
                         names the last one, and so does this command
  verify --file FILE     an archive, without the database
  archive --before 2026-01 --output FILE.ndjson.gz
                         writes the months before that one, and FILE.ndjson.gz.sha256 beside it, reads the file back,
                         and then drops the months. DATABASE_URL has to name the owner of the tables for that
  --old-keys FILE        SECRET_KEYs that were in use before SECRET_KEY and SECRET_KEY_PREVIOUS, one a line
  --help

Exit codes: 0 done and intact, 1 could not, 2 the log or the file is not as it was.
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
  try {
    const options = parse(args);
    if (options.help) return say(usage);
    return await acrossTenants(() => withParts(options, (parts) => run(options, parts)));
  } catch (error) {
    process.stderr.write(`error: ${explain(error)}\n`);
    return error instanceof BrokenLogError ? 2 : 1;
  }
}

function run(options: Options, parts: Parts): Promise<number> {
  if (options.command === "archive") return archive(options, parts);
  return options.file === undefined ? verify(options, parts) : verifyFile(options.file, parts);
}

async function verify({ tenant, platform, head }: Options, { db, keys }: Parts): Promise<number> {
  const chain = platform ? null : tenant === undefined ? undefined : await tenantId(db, tenant);
  const result = await verifyAuditLog(db, keys, {
    ...(chain !== undefined && { chain }),
    ...(head && { head }),
  });
  if (!result.intact) {
    const { what, row } = result.breach;
    const where = row ? `Row ${row.id} of ${row.createdAt}: ` : "";
    return say(`Broken. ${where}${what}.\n`, 2);
  }
  const { sealed, archived, unsealed } = result;
  const last = result.head ? ` Last seal: ${result.head.seq}:${result.head.hash}` : "";
  return say(
    `Intact: ${sealed} rows here, ${archived} archived, ${unsealed} not sealed yet.${last}\n`,
  );
}

async function verifyFile(path: string, { keys }: Parts): Promise<number> {
  const result = await verifyArchive(path, keys);
  if (result.intact) return say(`Intact: ${result.rows} rows.\n`);
  const where = result.row ? `, row ${result.row.id} of ${result.row.createdAt}` : "";
  return say(`Broken. Line ${result.line}${where}: ${result.what}.\n`, 2);
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
  const keys = [...keyring.audit, ...(await olderKeys(options["old-keys"]))];
  const pool = createPool({ ...config, databaseTimeoutSeconds: TIMEOUT_SECONDS });
  const db = createDatabase(pool, TIMEOUT_SECONDS);
  try {
    return await acrossTenants(() => work({ config, keyring, db, keys }));
  } catch (err) {
    throw await inWords(err, config.databaseUrl);
  } finally {
    await db.$disconnect();
    await pool.end();
  }
}

async function olderKeys(path: string | undefined): Promise<Buffer[]> {
  if (path === undefined) return [];
  const lines = (await readFile(path, "utf8")).split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => deriveKeyring(Buffer.from(line.trim(), "base64")).audit[0]);
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
    if (command === "verify" && (values.before ?? values.output) !== undefined)
      throw new AuditError("--before and --output belong to archive.");
    return { command, ...values, head };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new AuditError(`${message} See --help.`, { cause: error });
  }
}

function parseHead(text: string): Head {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq === undefined || hash === undefined)
    throw new AuditError("--head is a number and a hash, as in 12:ab34….");
  return { seq: Number(seq), hash };
}

function say(text: string, code = 0): number {
  process.stdout.write(text);
  return code;
}

function explain(error: unknown): string {
  if (error instanceof ConfigError || error instanceof AuditError) return error.message;
  if (error instanceof StartFault) return error.message;
  if (error instanceof BrokenLogError) return error.message;
  if (isUnavailable(error)) return "the database does not answer. See DATABASE_URL.";
  if (isMissingTable(error))
    return "the database has no tables yet. Run: bunx prisma migrate deploy";
  if (error instanceof Error && /permission denied|42501/.test(error.message))
    return "DATABASE_URL names a role that may not do this. Name the owner of the tables.";
  return error instanceof Error ? error.message : String(error);
}
