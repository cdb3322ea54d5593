/**
 * What says in the log that the database was brought back to an older state. Without it a noted seal that is not there any
 * more looks as if somebody had cut the log off; with it that seal is one of the time that the restore took away. Only who
 * has the key can say so, since whoever cuts the log off would say it too.
 */
import { z } from "zod";
import type { Database, Transaction } from "../db/client.ts";
import { newId } from "../db/id.ts";
import type { AuditAction } from "./actions.ts";
import { isMac, type RestoreMark, restoreMac, sealKeyId, TIME } from "./chain.ts";

export const RESTORED = "database.restored" satisfies AuditAction;

/**
 * Numbers of lost seals are given to no other: of each noted one it can be told on which side of the restore it was. So they
 * go on by the minutes since 1970, which also a restore to before another restore does not bring back.
 */
const STRIDE = 1_000_000;

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));
const Mark = z.strictObject({
  seq: z.int().min(0),
  hash: hex(32).nullable(),
  next: z.int(),
  at: z.string(),
  keyId: hex(8),
  mac: hex(32),
});
export type SignedMark = z.infer<typeof Mark>;
const Details = z.looseObject({ mark: Mark });

export type Restores = {
  marks: RestoreMark[];
  /** A row that tells of a restore, and is not made by who has the key. */
  forged: { id: string; createdAt: string } | null;
};

/** @param last the last seal of the state that the database was brought back to. */
export function markRestore(
  key: Buffer,
  last: { seq: number; hash: string } | null,
  at: Date,
): SignedMark {
  const { seq, hash } = last ?? { seq: 0, hash: null };
  const minutes = Math.floor(at.getTime() / 60_000);
  const next = Math.max(minutes, Math.floor(seq / STRIDE) + 1) * STRIDE;
  const mark = { seq, hash, next, at: at.toISOString() };
  return { ...mark, keyId: sealKeyId(key), mac: restoreMac(mark)(key).toString("hex") };
}

/** By the time of the transaction, so that the row is sealed in it, with what else has no seal yet. */
export async function recordRestore(
  tx: Transaction,
  details: { mark: SignedMark } & Record<string, unknown>,
): Promise<void> {
  await tx.$executeRawUnsafe(
    `INSERT INTO audit_log (id, action, resource_type, details, created_at)
     VALUES ($1::uuid, $2, 'database', $3::jsonb, date_trunc('milliseconds', now()))`,
    ...[newId(), RESTORED, JSON.stringify(details)],
  );
}

/** Marks by a key that is not at hand count: their rows are sealed by it too, and so the log will not be called intact. */
export async function readRestores(db: Database, keys: readonly Buffer[]): Promise<Restores> {
  const atHand = new Set(keys.map(sealKeyId));
  const rows = await db.$queryRawUnsafe<{ id: string; createdAt: string; details: unknown }[]>(
    `SELECT l.id::text AS id, ${TIME("l.created_at")} AS "createdAt", l.details FROM audit_log AS l
     WHERE l.tenant_id IS NULL AND l.action = $1 ORDER BY l.created_at, l.id`,
    RESTORED,
  );
  const marks: RestoreMark[] = [];
  for (const { id, createdAt, details } of rows) {
    const { data } = Details.safeParse(details);
    if (!data) return { marks, forged: { id, createdAt } };
    const { keyId, mac, ...mark } = data.mark;
    if (atHand.has(keyId) && !isMac(keys, restoreMac(mark), mac))
      return { marks, forged: { id, createdAt } };
    marks.push(mark);
  }
  return { marks, forged: null };
}

/** Whether the numbers go from one seal to the next without a gap, or with one that a restore has left. */
export function isNext(seq: number, before: number, marks: readonly RestoreMark[]): boolean {
  return seq === before + 1 || marks.some((mark) => mark.seq === before && mark.next === seq);
}
