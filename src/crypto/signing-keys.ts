/** The keys that sign access tokens: in the database, the private part encrypted, the public part served as JWKS. */
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
} from "jose";
import type { Database } from "../db/client.ts";
import { decrypt, encrypt } from "./secret.ts";

const ALGORITHM = "ES256";
/** pg_advisory_xact_lock key: instances that start together must make one key, not one each. */
const FIRST_KEY_LOCK = 7_302_001;
/** How often an unknown key id may send us to the database: forged tokens must not become queries. */
const RELOAD_MILLIS = 5_000;

export type SigningKeys = {
  /** The key that signs now. */
  current(): { id: string; algorithm: string; privateKey: CryptoKey };
  /** The public key with this id; null when there is none. Reads the database again for an id that is new to it. */
  find(id: string): Promise<CryptoKey | null>;
  /** RFC 7517 key set with public members only. */
  jwks(): { keys: JWK[] };
};

type LoadedKey = {
  id: string;
  algorithm: string;
  publicJwk: JWK;
  publicKey: CryptoKey;
  privateKey: CryptoKey;
};

/**
 * Loads the keys, making the first one.
 * @throws Error when `encryptionKey` is not the one that encrypted them.
 */
export async function loadSigningKeys(db: Database, encryptionKey: Buffer): Promise<SigningKeys> {
  await ensureKey(db, encryptionKey);
  let keys = await readKeys(db, encryptionKey);
  let readAt = Date.now();

  return {
    current() {
      const newest = keys.values().next().value;
      if (!newest) throw new Error("there is no signing key");
      return newest;
    },
    async find(id) {
      if (!keys.has(id) && Date.now() - readAt > RELOAD_MILLIS) {
        readAt = Date.now();
        keys = await readKeys(db, encryptionKey);
      }
      return keys.get(id)?.publicKey ?? null;
    },
    jwks: () => ({ keys: [...keys.values()].map((key) => key.publicJwk) }),
  };
}

async function ensureKey(db: Database, encryptionKey: Buffer): Promise<void> {
  await db.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${FIRST_KEY_LOCK}::int8)`;
    if ((await tx.signingKey.count({ where: { retiredAt: null } })) > 0) return;

    const pair = await generateKeyPair(ALGORITHM, { extractable: true });
    const publicMembers = await exportJWK(pair.publicKey);
    const id = await calculateJwkThumbprint(publicMembers);
    await tx.signingKey.create({
      data: {
        id,
        algorithm: ALGORITHM,
        publicJwk: { ...publicMembers, kid: id, alg: ALGORITHM, use: "sig" },
        privateJwk: Uint8Array.from(
          encrypt(encryptionKey, JSON.stringify(await exportJWK(pair.privateKey)), id),
        ),
      },
    });
  });
}

/** Every key that still verifies, the newest first. */
async function readKeys(db: Database, encryptionKey: Buffer): Promise<Map<string, LoadedKey>> {
  const rows = await db.signingKey.findMany({
    where: { retiredAt: null },
    orderBy: [{ createdAt: "desc" }, { id: "asc" }],
  });
  const keys = await Promise.all(
    rows.map(async ({ id, algorithm, publicJwk, privateJwk }): Promise<LoadedKey> => {
      const publicMembers = publicJwk as JWK;
      // The public part is not encrypted. Its thumbprint names the row, and the private part opens under that name only:
      // whoever can write to the table still cannot put a key of theirs in place of ours.
      if ((await calculateJwkThumbprint(publicMembers)) !== id) {
        throw new Error(
          `The public part of the signing key ${id} was changed: restore it from a backup.`,
        );
      }
      return {
        id,
        algorithm,
        publicJwk: publicMembers,
        publicKey: await importKey(publicMembers, algorithm),
        privateKey: await importKey(openPrivateKey(encryptionKey, privateJwk, id), algorithm),
      };
    }),
  );
  return new Map(keys.map((key) => [key.id, key]));
}

function openPrivateKey(encryptionKey: Buffer, sealed: Uint8Array, id: string): JWK {
  try {
    return JSON.parse(decrypt(encryptionKey, sealed, id));
  } catch (cause) {
    throw new Error(
      `SECRET_KEY does not open the signing key ${id}: start with the SECRET_KEY that this database was used with.`,
      {
        cause,
      },
    );
  }
}

async function importKey(jwk: JWK, algorithm: string): Promise<CryptoKey> {
  const key = await importJWK(jwk, algorithm);
  if (key instanceof Uint8Array) throw new Error("a signing key must be asymmetric");
  return key;
}
