/** Moving whole months of the audit log out of the database, into a file. */
import { rm } from "node:fs/promises";
import type { Database } from "../db/client.ts";
import { transaction } from "../db/commit.ts";
import { newId } from "../db/id.ts";
import type { AuditAction } from "./actions.ts";
import {
  assertFree,
  fileHash,
  partialOf,
  settleArchive,
  verifyArchive,
  writeArchive,
} from "./archive-file.ts";
import {
  type AuditJson,
  archiveMac,
  currentMac,
  isMac,
  ROW_JSON,
  rowDigest,
  sealKeyId,
  TIME,
} from "./chain.ts";
import { type AuditKeyring, keepAuditKeys } from "./keys.ts";
import { monthsBefore, preparePartitions } from "./partitions.ts";
import { sealAuditLog } from "./seal.ts";

const BATCH = 5000;

export type ArchiveParts = { db: Database; keyring: AuditKeyring };
export type ArchiveOptions = {
  /** YYYY-MM: every month before it. */
  before: string;
  path: string;
  /** Besides those of the keyring: what may have sealed the rows. */
  olderKeys?: readonly Buffer[];
};
export type Archived = { months: { month: string; rows: number }[]; sha256: string };

/** A row of the log is not as it was sealed, so nothing was archived: the evidence stays where it is. */
export class BrokenLogError extends Error {
  override name = "BrokenLogError";
}

/** A row was sealed by a key that is not at hand, so nothing was archived: it might have been changed. */
export class MissingKeyError extends Error {
  override name = "MissingKeyError";
}

type Found = {
  row: string;
  digest: string | null;
  keyId: string | null;
  id: string;
  createdAt: string;
};

const ROWS = `
  SELECT ${ROW_JSON} AS row, encode(s.digest, 'hex') AS digest, encode(s.key_id, 'hex') AS "keyId",
    l.id::text AS id, ${TIME("l.created_at")} AS "createdAt"
  FROM audit_log AS l LEFT JOIN audit_seals AS s ON s.created_at = l.created_at AND s.audit_id = l.id
  WHERE l.created_at >= $1::timestamptz AND l.created_at < $2::timestamptz
    AND (l.created_at, l.id) > ($3::timestamptz, $4::uuid)
  ORDER BY l.created_at, l.id LIMIT ${BATCH}`;

/**
 * Writes every month before `before` to `path`, reads it back, and only then drops the months, all or none of them. Only
 * rows that are as they were sealed are archived. Null when there is no such month.
 * @throws BrokenLogError, MissingKeyError; Error when the file is there already, or rows came while it was written: then nothing is dropped.
 */
export async function archiveAuditLog(
  { db, keyring }: ArchiveParts,
  { before, path, olderKeys = [] }: ArchiveOptions,
): Promise<Archived | null> {
  await assertFree(path);
  await preparePartitions(db);
  await sealAuditLog({ db, keyring });
  const months = (await monthsBefore(db, before)).map((month) => ({ month, rows: 0 }));
  if (months.length === 0) return null;

  const keys = [...keyring.audit, ...olderKeys];
  const partial = partialOf(path);
  let sha256: string;
  try {
    await writeArchive(partial, keyring.audit, rowsOf(db, months, keys));
    const written = await verifyArchive(partial, keyring.audit);
    const total = months.reduce((sum, { rows }) => sum + rows, 0);
    if (!written.intact || written.rows !== total)
      throw new Error(`${path} was not written as it should be. Nothing was dropped.`);
    sha256 = await fileHash(partial);
    await settleArchive(path, sha256);
  } finally {
    await rm(partial, { force: true });
  }
  await dropMonths({ db, keyring }, { months, sha256 });
  return { months, sha256 };
}

/** The rows in their order, each checked against its seal, and counted in its month. */
async function* rowsOf(
  db: Database,
  months: { month: string; rows: number }[],
  keys: readonly Buffer[],
): AsyncGenerator<AuditJson> {
  for (const counted of months) {
    const [from, to] = [startOf(counted.month), startOf(counted.month, 1)];
    let last = { createdAt: from, id: "00000000-0000-0000-0000-000000000000" };
    for (;;) {
      const found = await db.$queryRawUnsafe<Found[]>(ROWS, from, to, last.createdAt, last.id);
      for (const { row: text, digest, keyId, id, createdAt } of found) {
        const row = JSON.parse(text) as AuditJson;
        if (keyId !== null && !keys.some((key) => sealKeyId(key) === keyId))
          throw new MissingKeyError(
            `The row ${id} of ${createdAt} was sealed with the key ${keyId}, which is not at hand. Run: bun run audit verify`,
          );
        if (digest === null || !isMac(keys, rowDigest(row), digest))
          throw new BrokenLogError(
            `The row ${id} of ${createdAt} is not as it was sealed. Run: bun run audit verify`,
          );
        last = { createdAt, id };
        counted.rows += 1;
        yield row;
      }
      if (found.length < BATCH) break;
    }
  }
}

async function dropMonths(
  { db, keyring }: ArchiveParts,
  { months, sha256 }: Archived,
): Promise<void> {
  await transaction(db, async (tx) => {
    await keepAuditKeys(tx, keyring);
    for (const { month, rows } of months) {
      const mac = currentMac(keyring.audit, archiveMac({ month, rowCount: rows, sha256 }));
      await tx.$queryRawUnsafe(
        "SELECT drop_audit_partition($1, $2::int, decode($3, 'hex'), decode($4, 'hex'))::text",
        ...[month, rows, sha256, mac],
      );
    }
    // An operator at the command line: the row has no actor, and belongs to the installation.
    await tx.auditLog.create({
      data: {
        id: newId(),
        action: "audit_log.archived" satisfies AuditAction,
        resourceType: "audit_log",
        details: { months, sha256 },
      },
      select: { id: true },
    });
  });
}

function startOf(month: string, later = 0): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 + later)).toISOString();
}
