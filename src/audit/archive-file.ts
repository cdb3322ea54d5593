/**
 * Archived rows in a file: gzip, NDJSON, one row a line with its hash, and a last line that counts them. The hashes make a
 * chain, so that the file can be verified by itself, for as long as the key is kept.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { lstat, open, rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { z } from "zod";
import type { Keys } from "../crypto/secret.ts";
import { type AuditJson, currentMac, endHash, isMac, lineHash } from "./chain.ts";

const Hash = z.string().regex(/^[0-9a-f]{64}$/);
const Line = z.strictObject({
  row: z.looseObject({ id: z.string(), createdAt: z.string(), tenantId: z.string().nullable() }),
  hash: Hash,
});
const End = z.strictObject({ rows: z.int(), hash: Hash });

type Fault = {
  intact: false;
  state: "broken";
  line: number;
  what: string;
  row: { id: string; createdAt: string } | null;
};
/** `key_missing`: not one of its lines was made by a key at hand. */
export type FileVerification =
  | { intact: true; state: "intact"; rows: number }
  | Fault
  | { intact: false; state: "key_missing"; rows: number };

/** Writes the rows. @throws Error when the file is there already. */
export async function writeArchive(
  path: string,
  keys: Keys,
  rows: AsyncIterable<AuditJson>,
): Promise<void> {
  await pipeline(
    Readable.from(linesOf(keys, rows)),
    createGzip(),
    createWriteStream(path, { flags: "wx", mode: 0o600, flush: true }),
  );
}

/** Where an archive is written: under its own name it is whole, or not there. */
export function partialOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.partial`);
}

/** @throws Error when there is something of this name: an archive replaces no other one. */
export async function assertFree(path: string): Promise<void> {
  for (const name of [path, hashPath(path)])
    if (await lstat(name).catch(() => null))
      throw new Error(`${name} is there already (EEXIST). An archive replaces no other one.`);
}

function hashPath(path: string): string {
  return `${path}.sha256`;
}

/**
 * Gives an archive its name, and its hash beside it first, and has both on the disk: what was archived is dropped after it.
 * @throws Error as `assertFree` does.
 */
export async function settleArchive(path: string, sha256: string): Promise<void> {
  await assertFree(path);
  const line = `${sha256}  ${basename(path)}\n`;
  await writeFile(hashPath(path), line, { flag: "wx", mode: 0o600, flush: true });
  await rename(partialOf(path), path);
  const folder = await open(dirname(path), "r");
  await folder.sync().finally(() => folder.close());
}

async function* linesOf(keys: Keys, rows: AsyncIterable<AuditJson>): AsyncGenerator<string> {
  let previous: string | null = null;
  let count = 0;
  for await (const row of rows) {
    previous = currentMac(keys, lineHash(row, previous));
    count += 1;
    yield `${JSON.stringify({ row, hash: previous })}\n`;
  }
  yield `${JSON.stringify({ rows: count, hash: currentMac(keys, endHash(count, previous)) })}\n`;
}

/**
 * Reads the file through, and stops at the first line that is not as it was written.
 * @throws Error when it cannot be read.
 */
export async function verifyArchive(
  path: string,
  keys: readonly Buffer[],
): Promise<FileVerification> {
  let previous: string | null = null;
  let rows = 0;
  let ended = false;
  /** Of the first line. Where another one is right in its place it was changed, else the key is another one. */
  let first: Fault | null = null;
  try {
    for await (const text of linesIn(path)) {
      if (ended) return fault(rows + 2, "there is more after the end");
      const parsed = parse(text);
      const end = End.safeParse(parsed);
      const line = Line.safeParse(parsed);
      if (end.success) {
        const isRight = isMac(keys, endHash(rows, previous), end.data.hash);
        if (first && isRight) return first;
        const missing = fault(rows + 1, "rows are missing before the end");
        if (end.data.rows !== rows) return missing;
        if (!isRight && rows > 0 && !first) return missing;
        if (!isRight) first ??= missing;
        ended = true;
      } else if (!line.success) {
        return fault(rows + 1, "the line is none of an archive");
      } else {
        const { row, hash } = line.data;
        const isRight = isMac(keys, lineHash(row, previous), hash);
        if (first && isRight) return first;
        const changed = "the row was changed or moved, or one before it is missing";
        if (!isRight && rows > 0 && !first) return fault(rows + 1, changed, row);
        if (!isRight) first ??= fault(1, changed, row);
        previous = hash;
        rows += 1;
      }
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    return fault(rows + 1, "the file is damaged");
  }
  if (!ended) return fault(rows + 1, "the end is missing");
  return first
    ? { intact: false, state: "key_missing", rows }
    : { intact: true, state: "intact", rows };
}

function fault(line: number, what: string, row?: AuditJson): Fault {
  const place = row ? { id: row.id, createdAt: row.createdAt } : null;
  return { intact: false, state: "broken", line, what, row: place };
}

async function* linesIn(path: string): AsyncGenerator<string> {
  const source = createReadStream(path);
  const unzip = createGunzip();
  // A pipe hands errors on to nobody.
  source.once("error", (error) => unzip.destroy(error));
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of source.pipe(unzip)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

/** What zlib says of bytes that are no gzip, or not all of it. */
function isDamage(error: unknown): boolean {
  return (
    error instanceof Error && "code" in error && /^Z_(DATA|BUF)_ERROR$/.test(String(error.code))
  );
}

/** The SHA-256 of a file, in hex. */
export async function fileHash(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
