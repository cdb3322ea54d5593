/**
 * Archived rows in a file: gzip, NDJSON, one row a line with its hash, and a last line that counts them. The hashes make a
 * chain, so that the file can be verified by itself, for as long as the key is kept.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
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

export type FileVerification =
  | { intact: true; rows: number }
  | { intact: false; line: number; what: string; row: { id: string; createdAt: string } | null };

/** Writes the rows. @throws Error when the file is there already: an archive is never written over. */
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
  try {
    for await (const text of linesIn(path)) {
      if (ended) return fault(rows + 2, "there is more after the end");
      const parsed = parse(text);
      const end = End.safeParse(parsed);
      const line = Line.safeParse(parsed);
      if (end.success) {
        if (end.data.rows !== rows || !isMac(keys, endHash(rows, previous), end.data.hash))
          return fault(rows + 1, "rows are missing before the end");
        ended = true;
      } else if (!line.success) {
        return fault(rows + 1, "the line is none of an archive");
      } else {
        const { row, hash } = line.data;
        if (!isMac(keys, lineHash(row, previous), hash))
          return fault(rows + 1, "the row was changed or moved, or one before it is missing", row);
        previous = hash;
        rows += 1;
      }
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    return fault(rows + 1, "the file is damaged");
  }
  return ended ? { intact: true, rows } : fault(rows + 1, "the end is missing");
}

function fault(line: number, what: string, row?: AuditJson): FileVerification {
  return { intact: false, line, what, row: row ? { id: row.id, createdAt: row.createdAt } : null };
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
