/** Sealing the audit log: what is not sealed yet gets its link in the chain of its tenant. */

import type { Database, Transaction } from "../db/client.ts";
import { transaction } from "../db/commit.ts";
import {
  type AuditJson,
  currentMac,
  ROW_JSON,
  rowDigest,
  type Seal,
  sealHash,
  sealKeyId,
  TIME,
} from "./chain.ts";
import { type AuditKeyring, keepAuditKeys } from "./keys.ts";

const BATCH = 5000;
/**
 * How long after its time a row may still turn up: longer than any transaction lasts, and than the clocks of instances
 * are apart. What turns up later was put into the past by somebody, is never sealed, and is found for that.
 */
export const LATENESS_MINUTES = 15;

/** The newest time that is sealed, less the lateness: whatever is older has its seal, or was not there. */
export const SETTLED_UNTIL = `(SELECT max(created_at) FROM audit_seals) - interval '${LATENESS_MINUTES} minutes'`;

const IS_UNSEALED =
  "NOT EXISTS (SELECT FROM audit_seals AS s WHERE s.created_at = l.created_at AND s.audit_id = l.id)";

/** Rows that committed late come as well: they are found by what is sealed, not by when. */
const UNSEALED = `
  SELECT ${ROW_JSON} AS row FROM audit_log AS l
  WHERE l.created_at >= coalesce($1::timestamptz, '-infinity') AND l.created_at <= now()
    AND ${IS_UNSEALED}
  ORDER BY l.created_at, l.id LIMIT $2`;

const HEADS = `
  SELECT heads."tenantId", encode(heads.hash, 'hex') AS hash, encode(heads.key_id, 'hex') AS "keyId" FROM (
    SELECT tenants.id::text AS "tenantId", head.hash, head.key_id FROM unnest($1::uuid[]) AS tenants (id), LATERAL (
      SELECT hash, key_id FROM audit_seals WHERE tenant_id = tenants.id ORDER BY seq DESC LIMIT 1) AS head
    UNION ALL
    (SELECT NULL, hash, key_id FROM audit_seals WHERE tenant_id IS NULL ORDER BY seq DESC LIMIT 1)
  ) AS heads`;

const INSERT = `
  INSERT INTO audit_seals (seq, tenant_id, audit_id, created_at, digest, hash, key_id)
  SELECT seq, "tenantId", "auditId", "createdAt", decode(digest, 'hex'), decode(hash, 'hex'), decode("keyId", 'hex')
  FROM json_to_recordset($1::json) AS seals (
    seq bigint, "tenantId" uuid, "auditId" uuid, "createdAt" timestamptz, digest text, hash text, "keyId" text)`;

/** How many rows the next run will seal. */
export async function countUnsealed(db: Database): Promise<number> {
  const [row] = await db.$queryRawUnsafe<{ count: number }[]>(`
    SELECT count(*)::float8 AS count FROM audit_log AS l
    WHERE l.created_at >= coalesce(${SETTLED_UNTIL}, '-infinity') AND l.created_at <= now() AND ${IS_UNSEALED}`);
  return row?.count ?? 0;
}

export type Head = { seq: number; hash: string };

type Link = Pick<Seal, "tenantId" | "hash" | "keyId">;
type Batch = { from: Date | null; batch: number; startAt?: number };

/**
 * Seals every row that is not sealed. Of many instances at once each row is sealed by one: they take turns.
 * @returns how many, and the last seal of all, which whoever keeps it elsewhere can hold against the log later.
 */
export async function sealAuditLog(
  { db, keyring }: { db: Database; keyring: AuditKeyring },
  { batch = BATCH, onBatch = (_sealed: number): void => {} } = {},
): Promise<{ sealed: number; head: Head | null }> {
  const seal = (step: Batch) => transaction(db, (tx) => sealBatch(tx, keyring, step));
  return sealInBatches(db, { batch, onBatch }, seal);
}

/** As `sealAuditLog`, within a transaction, and with this number for the first seal. */
export async function sealFrom(
  tx: Transaction,
  keyring: AuditKeyring,
  startAt: number,
): Promise<{ sealed: number; head: Head | null }> {
  return sealInBatches(tx, { batch: BATCH }, (step) =>
    sealBatch(tx, keyring, { ...step, startAt }),
  );
}

async function sealInBatches(
  db: Database,
  { batch, onBatch }: { batch: number; onBatch?: (sealed: number) => void },
  seal: (step: Batch) => ReturnType<typeof sealBatch>,
): Promise<{ sealed: number; head: Head | null }> {
  // Before the first batch: rows that came late for the last run would be too late by the time that this one reaches.
  const [settled] = await db.$queryRawUnsafe<{ from: Date | null }[]>(
    `SELECT ${SETTLED_UNTIL} AS "from"`,
  );
  let from = settled?.from ?? null;
  for (let sealed = 0; ; ) {
    const { count, until, head } = await seal({ from, batch });
    sealed += count;
    from = until;
    if (count < batch) return { sealed, head };
    onBatch?.(sealed);
  }
}

/** Nobody seals meanwhile. Ends with the transaction. @returns the last seal of all. */
export async function lockSeals(tx: Transaction): Promise<Head | null> {
  await tx.$executeRawUnsafe(
    "SELECT pg_advisory_xact_lock(hashtextextended('tenantry audit seals', 0))",
  );
  return lastSeal(tx);
}

async function sealBatch(
  tx: Transaction,
  keyring: AuditKeyring,
  { from, batch, startAt = 1 }: Batch,
): Promise<{ count: number; until: Date | null; head: Head | null }> {
  const keys = keyring.audit;
  const last = await lockSeals(tx);
  const found = await tx.$queryRawUnsafe<{ row: string }[]>(UNSEALED, from, batch);
  const rows = found.map(({ row }) => JSON.parse(row) as AuditJson);
  if (rows.length === 0) return { count: 0, until: from, head: last };

  await keepAuditKeys(tx, keyring);
  const keyId = sealKeyId(keys[0]);
  const first = Math.max((last?.seq ?? 0) + 1, startAt);
  const chains = await readHeads(tx, rows);
  const seals = rows.map((row, index): Seal => {
    const { id: auditId, createdAt, tenantId } = row;
    const digest = currentMac(keys, rowDigest(row));
    const seal = { seq: first + index, tenantId, auditId, createdAt, digest, keyId };
    const hash = currentMac(keys, sealHash(seal, chains.get(tenantId) ?? null));
    chains.set(tenantId, { tenantId, hash, keyId });
    return { ...seal, hash };
  });
  await tx.$executeRawUnsafe(INSERT, JSON.stringify(seals));
  const newest = seals.at(-1);
  return {
    count: rows.length,
    until: newest ? new Date(newest.createdAt) : from,
    head: newest ? { seq: newest.seq, hash: newest.hash } : last,
  };
}

async function readHeads(tx: Transaction, rows: AuditJson[]): Promise<Map<string | null, Link>> {
  const tenants = [...new Set(rows.map(({ tenantId }) => tenantId))].filter((id) => id !== null);
  const heads = await tx.$queryRawUnsafe<Link[]>(HEADS, tenants);
  return new Map(heads.map((head) => [head.tenantId, head]));
}

/** The seal with the highest number, of whatever chain. */
async function lastSeal(tx: Transaction): Promise<Head | null> {
  const [last] = await tx.$queryRawUnsafe<Head[]>(
    "SELECT seq::float8 AS seq, encode(hash, 'hex') AS hash FROM audit_seals ORDER BY audit_seals.seq DESC LIMIT 1",
  );
  return last ?? null;
}

/** The columns of `audit_seals AS s` as `Seal` has them. */
export const SEAL_COLUMNS = `
  s.seq::float8 AS seq, s.tenant_id::text AS "tenantId", s.audit_id::text AS "auditId", ${TIME("s.created_at")} AS "createdAt",
  encode(s.digest, 'hex') AS digest, encode(s.hash, 'hex') AS hash, encode(s.key_id, 'hex') AS "keyId"`;
