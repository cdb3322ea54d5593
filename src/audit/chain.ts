/**
 * What seals the audit log: every row has a digest, and every digest is linked to the one before it in the chain of its
 * tenant. Both are HMAC-SHA-256 with a key that is not in the database, so whoever can write there alone cannot mend a
 * chain that they broke (ASVS 5.0, 16.4.2).
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Keys } from "../crypto/secret.ts";

/** A row in JSON, as `ROW_JSON` reads it: also how a line of an archive holds it. */
export type AuditJson = { id: string; createdAt: string; tenantId: string | null } & Record<
  string,
  unknown
>;
/** What of a seal the database holds; hashes in hex. */
export type Seal = {
  seq: number;
  tenantId: string | null;
  auditId: string;
  createdAt: string;
  digest: string;
  hash: string;
  /** Which key made both; null of seals from before they said so. */
  keyId: string | null;
};
/** That the database was brought back to when `seq` was the last seal. The numbers go on at `next`. */
export type RestoreMark = { seq: number; hash: string | null; next: number; at: string };

const KEY_ID_BYTES = 8;

/** A moment as in AuditJson: UTC, in milliseconds, whatever the server is set to. */
export const TIME = (column: string) =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Every column of `audit_log AS l`; a test holds that there is no other. */
export const ROW_COLUMNS = {
  id: "l.id",
  tenantId: "l.tenant_id",
  actorId: "l.actor_id",
  impersonatorId: "l.impersonator_id",
  sessionId: "l.session_id",
  action: "l.action",
  resourceType: "l.resource_type",
  resourceId: "l.resource_id",
  outcome: "l.outcome",
  details: "l.details",
  ip: "l.ip",
  userAgent: "l.user_agent",
  requestId: "l.request_id",
  createdAt: TIME("l.created_at"),
} as const;

export const ROW_JSON = `json_build_object(${Object.entries(ROW_COLUMNS)
  .map(([name, column]) => `'${name}', ${column}`)
  .join(", ")})::text`;

export type Mac = (key: Buffer) => Buffer;

/** The digest of a row. Columns that are NULL are left out, so that a column which comes later breaks no old digest. */
export function rowDigest(row: AuditJson): Mac {
  const given = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
  return mac("row", given);
}

/**
 * The hash of a seal on top of the one before it in its chain; null for the first. It holds the names of both keys: a seal
 * that is put down to a key which nobody has, so that it cannot be judged, gives itself away at the next one.
 */
export function sealHash(
  seal: Omit<Seal, "hash">,
  previous: Pick<Seal, "hash" | "keyId"> | null,
): Mac {
  const { seq, tenantId, auditId, createdAt, digest, keyId } = seal;
  const content = [seq, tenantId, auditId, createdAt, digest, previous?.hash ?? null];
  // As it was before seals named their key.
  if (keyId === null) return mac("seal", content);
  return mac("seal", [...content, keyId, previous?.keyId ?? null]);
}

/** What only who has the key can say of a restore: without it a log that was cut off would be called restored. */
export function restoreMac({ seq, hash, next, at }: RestoreMark): Mac {
  return mac("restore", [seq, hash, next, at]);
}

/** Which key it is, in hex, without telling anything of it. */
export function sealKeyId(key: Buffer): string {
  const hash = createHash("sha256").update("audit key id").update(key).digest();
  return hash.subarray(0, KEY_ID_BYTES).toString("hex");
}

/** The hash of a line of an archive on top of that of the line before it; null for the first. */
export function lineHash(row: AuditJson, previous: string | null): Mac {
  return mac("line", [row, previous]);
}

/** The hash of the last line: with it an archive cannot lose its end. */
export function endHash(rows: number, previous: string | null): Mac {
  return mac("end", [rows, previous]);
}

/** What says that a month was archived and not deleted. `sha256` of the file, in hex. */
export function archiveMac(archive: { month: string; rowCount: number; sha256: string }): Mac {
  const { month, rowCount, sha256 } = archive;
  return mac("archive", [month, rowCount, sha256]);
}

/** True when one of the keys made it: what was sealed before SECRET_KEY was replaced stays sealed. */
export function isMac(keys: readonly Buffer[], compute: Mac, given: string): boolean {
  const bytes = Buffer.from(given, "hex");
  return keys.some((key) => {
    const expected = compute(key);
    return expected.length === bytes.length && timingSafeEqual(expected, bytes);
  });
}

export function currentMac([key]: Keys, compute: Mac): string {
  return compute(key).toString("hex");
}

/** JSON with the members of objects in the order of their names, and nothing between them (as RFC 8785 writes it). */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`);
  return `{${members.join(",")}}`;
}

/** What is sealed names its kind, so that nothing passes for something else. */
function mac(kind: string, content: unknown): Mac {
  const text = canonical([kind, content]);
  return (key) => createHmac("sha256", key).update(text).digest();
}
