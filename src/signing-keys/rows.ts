/** The rows of signing_keys: made, read and checked here alone. */
import { createPrivateKey, sign, type webcrypto } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
} from "jose";
import type { Pool } from "pg";
import type { Prisma, SigningKey as SigningKeyRow } from "../../generated/prisma/client.ts";
import type { Config } from "../config.ts";
import { decrypt, encrypt, type Keys } from "../crypto/secret.ts";
import type { Database, Transaction } from "../db/client.ts";
import { named } from "../db/statement-names.ts";

export type { SigningKeyRow };
export type SigningAlgorithm = Config["signingAlgorithm"];

export type SigningKey = {
  id: string;
  algorithm: string;
  publicJwk: JWK;
  publicKey: CryptoKey;
  /** The signature of a JWS by it. */
  sign(signed: string): Buffer;
  activatesAt: Date;
  /** Null while nothing follows it. */
  retiredAt: Date | null;
};

/** Instances that start or rotate together must make one key, not one each. */
const LOCK = 7_302_001;

const NEWEST_FIRST: Prisma.SigningKeyOrderByWithRelationInput[] = [
  { activatesAt: "desc" },
  { createdAt: "desc" },
  { id: "asc" },
];

/** Waits until no other instance is changing the keys. Ends with the transaction. */
export async function lockSigningKeys(tx: Transaction): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LOCK}::int8)`;
}

/** The clock that all instances share. */
export async function databaseTime(tx: Database): Promise<Date> {
  const [row] = await tx.$queryRaw<{ now: Date }[]>`SELECT clock_timestamp() AS now`;
  if (!row) throw new Error("the database does not tell the time");
  return row.now;
}

/** Makes a key and stores it, the private part encrypted under its id. Answers the id. */
export async function createSigningKey(
  tx: Transaction,
  encryptionKeys: Keys,
  { algorithm, activatesAt }: { algorithm: SigningAlgorithm; activatesAt: Date },
): Promise<string> {
  const pair = await generateKeyPair(algorithm, { extractable: true });
  const publicMembers = await exportJWK(pair.publicKey);
  const id = await calculateJwkThumbprint(publicMembers);
  const privateJwk = JSON.stringify(await exportJWK(pair.privateKey));
  await tx.signingKey.create({
    data: {
      id,
      algorithm,
      publicJwk: { ...publicMembers, kid: id, alg: algorithm, use: "sig" },
      privateJwk: Uint8Array.from(encrypt(encryptionKeys, privateJwk, id)),
      activatesAt,
    },
  });
  return id;
}

/**
 * Every row that still verifies, the one that signs last first. By the database's clock: what an operator ends at once
 * must not go on where the clock is behind.
 */
export async function readSigningKeyRows(db: Database): Promise<SigningKeyRow[]> {
  const rows = await db.signingKey.findMany({ orderBy: NEWEST_FIRST });
  const now = await databaseTime(db);
  return rows.filter(({ retiredAt }) => retiredAt === null || retiredAt > now);
}

const USABLE_ROWS = named(`
      SELECT id, algorithm, public_jwk AS "publicJwk", private_jwk AS "privateJwk", created_at AS "createdAt",
        activates_at AS "activatesAt", retired_at AS "retiredAt"
      FROM signing_keys WHERE retired_at IS NULL OR retired_at > clock_timestamp()
      ORDER BY activates_at DESC, created_at DESC, id`);

/** As `readSigningKeyRows`. Every start waits for it, and for Prisma's compiler it would wait longer than for all else. */
export async function readSigningKeyRowsByHand(
  pool: Pick<Pool, "query">,
): Promise<SigningKeyRow[]> {
  const { rows } = await pool.query<SigningKeyRow>({ ...USABLE_ROWS, values: [] });
  return rows;
}

/** `verifying`: another one signs, and its tokens still live. */
export type KeyState = "next" | "current" | "verifying" | "retired";

/** Every row there is, without its key. */
export async function listSigningKeys(
  db: Database,
): Promise<
  (Pick<SigningKeyRow, "id" | "algorithm" | "activatesAt" | "retiredAt"> & { state: KeyState })[]
> {
  const rows = await db.signingKey.findMany({
    orderBy: NEWEST_FIRST,
    select: { id: true, algorithm: true, activatesAt: true, retiredAt: true },
  });
  const now = await databaseTime(db);
  const current = rows.find(
    ({ activatesAt, retiredAt }) => activatesAt <= now && (retiredAt === null || retiredAt > now),
  );
  return rows.map((row) => ({ ...row, state: stateOf(row, row === current, now) }));
}

/** False when there are keys and not one of them opens: whoever wrote now would write what no instance can read. */
export async function opensSigningKeys(db: Database, encryptionKeys: Keys): Promise<boolean> {
  const rows = await readSigningKeyRows(db);
  const opened = await Promise.allSettled(rows.map((row) => openSigningKey(encryptionKeys, row)));
  return rows.length === 0 || opened.some(({ status }) => status === "fulfilled");
}

/**
 * Decrypts and checks a row. The public part is not encrypted: its thumbprint names the row, and the private part opens
 * under that name only. Whoever can write to the table still cannot put a key of theirs in place of ours.
 * @throws Error when the row was changed, or none of the keys encrypted it.
 */
export async function openSigningKey(
  encryptionKeys: Keys,
  row: SigningKeyRow,
): Promise<SigningKey> {
  const { id, algorithm, activatesAt, retiredAt } = row;
  const members = publicMembersOf(row.publicJwk as JWK);
  if ((await calculateJwkThumbprint(members)) !== id) {
    throw new Error(
      `The public part of the signing key ${id} was changed: restore it from a backup.`,
    );
  }
  return {
    id,
    algorithm,
    activatesAt,
    retiredAt,
    publicJwk: { ...members, kid: id, alg: algorithm, use: "sig" },
    publicKey: await importKey(members, algorithm),
    sign: signerOf(openPrivateKey(encryptionKeys, row), algorithm),
  };
}

/**
 * Signs by the platform itself. jose asks WebCrypto, on another thread, and makes each token anew: 34 to 41 µs of CPU, where this
 * takes 16 with the token around it. It stays for what comes from outside, which is verifying, and for the key set. The key
 * is in reach of nobody but the function.
 */
function signerOf(jwk: JWK, algorithm: string): SigningKey["sign"] {
  // RFC 7518, section 3.4: r and s one behind the other, not DER, which is the default. RFC 8032 hashes by itself.
  const key = createPrivateKey({ key: jwk as webcrypto.JsonWebKey, format: "jwk" });
  const options = { key, dsaEncoding: "ieee-p1363" } as const;
  const hash = algorithm === "ES256" ? "sha256" : null;
  return (signed) => sign(hash, Buffer.from(signed), options);
}

function stateOf(
  { activatesAt, retiredAt }: Pick<SigningKeyRow, "activatesAt" | "retiredAt">,
  isCurrent: boolean,
  now: Date,
): KeyState {
  if (retiredAt !== null && retiredAt <= now) return "retired";
  if (isCurrent) return "current";
  return activatesAt > now ? "next" : "verifying";
}

/** True when the row still holds the public part of this key. */
export function isSameKey(
  { publicJwk }: SigningKey,
  { id, algorithm, publicJwk: row }: SigningKeyRow,
): boolean {
  const members = publicMembersOf(row as JWK);
  return isDeepStrictEqual(publicJwk, { ...members, kid: id, alg: algorithm, use: "sig" });
}

/**
 * The members that the thumbprint covers (RFC 7638, section 3.2; RFC 8037, section 2). What else was written into the
 * column is neither used nor published.
 */
function publicMembersOf(jwk: JWK): JWK {
  const covered = jwk.kty === "EC" ? ["kty", "crv", "x", "y"] : ["kty", "crv", "x"];
  return Object.fromEntries(Object.entries(jwk).filter(([name]) => covered.includes(name)));
}

function openPrivateKey(encryptionKeys: Keys, { id, privateJwk }: SigningKeyRow): JWK {
  try {
    return JSON.parse(decrypt(encryptionKeys, privateJwk, id));
  } catch (cause) {
    throw new Error(
      `SECRET_KEY does not open the signing key ${id}: start with the SECRET_KEY that this database was used with.`,
      { cause },
    );
  }
}

async function importKey(jwk: JWK, algorithm: string): Promise<CryptoKey> {
  const key = await importJWK(jwk, algorithm);
  if (key instanceof Uint8Array) throw new Error("a signing key must be asymmetric");
  return key;
}
