/** The life of signing keys: the next one is published long before it signs, the last one verifies until its tokens end. */
import type { Prisma, SigningKey } from "../../generated/prisma/client.ts";
import type { AuditAction } from "../audit/actions.ts";
import type { Config } from "../config.ts";
import type { Deps } from "../context.ts";
import type { Keys } from "../crypto/secret.ts";
import type { Database, Transaction } from "../db/client.ts";
import { transaction } from "../db/commit.ts";
import { newId } from "../db/id.ts";
import {
  createSigningKey,
  databaseTime,
  lockSigningKeys,
  readSigningKeyRows,
  type SigningAlgorithm,
} from "./rows.ts";
import { JWKS_MAX_AGE_SECONDS } from "./signing-keys.ts";

/** What verifiers may cache, what instances that hear no notification may lag, and as much again. */
const LEAD_SECONDS = 2 * JWKS_MAX_AGE_SECONDS;
/** How far the clocks of instances and verifiers may be apart. */
const SKEW_SECONDS = 60;
/** So long `keys list` still shows a key that verifies nothing. */
const KEEP_RETIRED_DAYS = 1;
const DAY_MILLIS = 24 * 3600 * 1000;

export type RotationOptions = {
  algorithm: SigningAlgorithm;
  accessTokenTtlSeconds: number;
  /** From publication until the new key signs. */
  leadSeconds?: number;
  /** How long the old key verifies beyond the life of its last token. */
  skewSeconds?: number;
};

/** `id` is the next key, which may have been there already: then nothing was changed. */
export type Rotation = { made: boolean; id: string; activatesAt: Date };

/**
 * Publishes the next key, which signs from `leadSeconds` on, and sets the time at which the present one ends. While there
 * is a next key nothing happens, so callers need not agree on who rotates.
 */
export async function rotateSigningKeys(
  db: Database,
  encryptionKeys: Keys,
  options: RotationOptions,
): Promise<Rotation> {
  const { algorithm, accessTokenTtlSeconds } = options;
  const { leadSeconds = LEAD_SECONDS, skewSeconds = SKEW_SECONDS } = options;
  return transaction(db, async (tx) => {
    await lockSigningKeys(tx);
    const now = await databaseTime(tx);
    const rows = await readSigningKeyRows(tx);
    const next = rows.find((row) => row.activatesAt > now);
    if (next) return { made: false, id: next.id, activatesAt: next.activatesAt };

    const activatesAt = addSeconds(now, leadSeconds);
    const retiredAt = addSeconds(activatesAt, accessTokenTtlSeconds + skewSeconds);
    const id = await createSigningKey(tx, encryptionKeys, { algorithm, activatesAt });
    // The signer's end is set anew also when it had one: its successor was deleted then, and it has to serve longer.
    const ending = rows.filter((row, index) => index === 0 || row.retiredAt === null);
    const retiring = ending.map((row) => row.id);
    await tx.signingKey.updateMany({ where: { id: { in: retiring } }, data: { retiredAt } });
    await recordRotation(tx, { id, algorithm, activatesAt, retiredAt, retiring, emergency: false });
    return { made: true, id, activatesAt };
  });
}

/**
 * For a key that leaked: a new key signs at once, and every other one ends at once, one that was only published too.
 * Their tokens are refused everywhere within a second, and clients have to refresh.
 */
export function replaceSigningKeys(
  db: Database,
  encryptionKeys: Keys,
  options: Pick<RotationOptions, "algorithm">,
): Promise<{ id: string; retired: number }> {
  return transaction(db, (tx) => replaceSigningKeysWithin(tx, encryptionKeys, options));
}

/** As `replaceSigningKeys`, as a part of more. */
export async function replaceSigningKeysWithin(
  tx: Transaction,
  encryptionKeys: Keys,
  { algorithm }: Pick<RotationOptions, "algorithm">,
): Promise<{ id: string; retired: number }> {
  await lockSigningKeys(tx);
  const now = await databaseTime(tx);
  const rows = await readSigningKeyRows(tx);
  const retiring = rows.map((row) => row.id);
  // One that has not signed yet cannot have ended after it began. Nothing is lost with it.
  await tx.signingKey.deleteMany({ where: { id: { in: retiring }, activatesAt: { gt: now } } });
  await tx.signingKey.updateMany({ where: { id: { in: retiring } }, data: { retiredAt: now } });
  const id = await createSigningKey(tx, encryptionKeys, { algorithm, activatesAt: now });
  const times = { activatesAt: now, retiredAt: now };
  await recordRotation(tx, { id, algorithm, ...times, retiring, emergency: true });
  return { id, retired: retiring.length };
}

/** Whether the next run of the job will rotate. */
export async function isRotationDue({ db, config }: Pick<Deps, "db" | "config">): Promise<boolean> {
  const [newest] = await readSigningKeyRows(db);
  return !newest || isDue(newest, config, Date.now());
}

/**
 * The job of the queue `signing_keys`: rotates when the newest key is SIGNING_KEY_DAYS old, is of another algorithm than
 * SIGNING_ALGORITHM, or ends without a successor, and deletes what has long been retired. Answers whether it rotated.
 */
export async function maintainSigningKeys({
  db,
  keyring,
  config,
}: Pick<Deps, "db" | "keyring" | "config">): Promise<boolean> {
  const rotates = await isRotationDue({ db, config });
  if (rotates)
    await rotateSigningKeys(db, keyring.signingKey, {
      algorithm: config.signingAlgorithm,
      accessTokenTtlSeconds: config.accessTokenTtlSeconds,
    });
  await db.signingKey.deleteMany({
    where: { retiredAt: { lt: new Date(Date.now() - KEEP_RETIRED_DAYS * DAY_MILLIS) } },
  });
  return rotates;
}

function isDue(
  { createdAt, algorithm, retiredAt }: SigningKey,
  { signingKeyDays, signingAlgorithm }: Config,
  now: number,
): boolean {
  const isOld = signingKeyDays > 0 && now - createdAt.getTime() >= signingKeyDays * DAY_MILLIS;
  return isOld || algorithm !== signingAlgorithm || retiredAt !== null;
}

/** Nobody's request: the row has no actor, and belongs to the installation. */
async function recordRotation(tx: Transaction, details: Record<string, unknown>): Promise<void> {
  await tx.auditLog.create({
    data: {
      id: newId(),
      action: "signing_key.rotated" satisfies AuditAction,
      resourceType: "signing_key",
      details: JSON.parse(JSON.stringify(details)) as Prisma.InputJsonObject,
    },
    select: { id: true },
  });
}

function addSeconds(time: Date, seconds: number): Date {
  return new Date(time.getTime() + seconds * 1000);
}
