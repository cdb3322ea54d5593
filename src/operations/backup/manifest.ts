/** What is noted beside a backup, so that whoever restores it knows whether all of it came back. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { CannotRun } from "../cannot-run.ts";

export const Manifest = z.object({
  format: z.literal(1),
  madeAt: z.iso.datetime(),
  database: z.string(),
  serverVersion: z.string(),
  toolVersion: z.string(),
  /** Of the file, as hexadecimals. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.number(),
  /** Those that were applied. */
  migrations: z.array(z.string()),
  /** Of the schema, as the drift check sees it; `expected` is what the build that made the backup declares. */
  fingerprint: z.object({ live: z.string(), expected: z.string() }),
  /** Roles that own something or may do something: they belong to the server, and are in no backup of a database. */
  roles: z.array(z.string()),
  /** By table. */
  rows: z.record(z.string(), z.number()),
  /** The last seal of the audit log; null where nothing is sealed. */
  head: z.object({ seq: z.number(), hash: z.string() }).nullable(),
});
export type Manifest = z.infer<typeof Manifest>;

export function manifestPath(backup: string): string {
  return `${backup}.json`;
}

/** @throws CannotRun when there is none beside the backup. */
export async function readManifest(backup: string): Promise<Manifest> {
  try {
    return Manifest.parse(JSON.parse(await readFile(manifestPath(backup), "utf8")));
  } catch (cause) {
    throw new CannotRun(
      `${manifestPath(backup)} is not what db:backup writes beside a backup. Others are restored with pg_restore itself.`,
      { cause },
    );
  }
}

/** SHA-256 of a file, as hexadecimals. */
export async function hashOf(path: string, onBytes: (bytes: number) => void): Promise<string> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    hash.update(chunk);
    bytes += (chunk as Buffer).length;
    onBytes(bytes);
  }
  return hash.digest("hex");
}
