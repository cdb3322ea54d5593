/** The keys that sign access tokens, as every instance holds them: in memory, and as fresh as the database's word. */
import type { CryptoKey, JWK } from "jose";
import type { Pool } from "pg";
import type { Keys } from "../crypto/secret.ts";
import type { Database } from "../db/client.ts";
import { transaction } from "../db/commit.ts";
import {
  createSigningKey,
  databaseTime,
  isSameKey,
  lockSigningKeys,
  openSigningKey,
  readSigningKeyRows,
  readSigningKeyRowsByHand,
  type SigningAlgorithm,
  type SigningKey,
  type SigningKeyRow,
} from "./rows.ts";

/** Seconds that a verifier may keep the key set. A new key is published longer than this before it signs. */
export const JWKS_MAX_AGE_SECONDS = 300;
/** How often an unknown key id may send us to the database: forged tokens must not become queries. */
const RELOAD_MILLIS = 5_000;

export type SigningKeys = {
  /** The key that signs now. */
  current(): Pick<SigningKey, "id" | "algorithm" | "sign">;
  /** The public key with this id; null when there is none. Reads the database again for an id that is new to it. */
  find(id: string): Promise<CryptoKey | null>;
  /** True for a key that is known and not retired. Asks nobody. */
  verifies(id: string): boolean;
  /** RFC 7517 key set with public members only: every key that is not retired, the next one included. */
  jwks(): { keys: JWK[] };
  /** Reads the keys again. What changed before the call counts after it. */
  reload(): Promise<void>;
  /** Reads no more by itself. */
  stop(): void;
};

type Options = {
  /** Of the first key, when there is none yet. */
  algorithm: SigningAlgorithm;
  /** Hears of a row that was refused, and of a reading that failed, while the server runs. */
  onError: (err: unknown) => void;
  /** An instance that hears no notification still knows a new key long before that one signs. */
  everySeconds: number;
};

/**
 * Loads the keys, making the first one.
 * @throws Error when `encryptionKeys` has not the one that encrypted them, or a row was changed by hand.
 */
export async function loadSigningKeys(
  { db, pool }: { db: Database; pool: Pick<Pool, "query"> },
  encryptionKeys: Keys,
  { algorithm, onError, everySeconds }: Options,
): Promise<SigningKeys> {
  let found = await readAll();
  if (found.length === 0) {
    await ensureKey(db, encryptionKeys, algorithm);
    found = await readAll();
  }
  let keys = byId(found);
  let readAt = Date.now();
  let reading: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let timer: Timer | undefined;
  let stopped = false;
  readAgainIn(everySeconds * 1000);

  function readAgainIn(millis: number): void {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(() => reload().catch(onError), millis).unref();
  }

  async function readAll(): Promise<SigningKey[]> {
    const rows = await readSigningKeyRowsByHand(pool);
    return Promise.all(rows.map((row) => openSigningKey(encryptionKeys, row)));
  }

  /** Unlike at the start, one row that was tampered with must not stop the others, or keep retired keys alive. */
  async function read(): Promise<void> {
    readAt = Date.now();
    // Unless it succeeds: what a notification told must not wait a minute because one query failed.
    readAgainIn(RELOAD_MILLIS);
    const rows = await readSigningKeyRowsByHand(pool);
    readAgainIn(everySeconds * 1000);
    const opened = await Promise.all(rows.map(openAgain));
    keys = byId(opened.filter((key) => key !== null));
  }

  /** A key that was opened before stays good while its row says the same: SECRET_KEY may have been replaced elsewhere. */
  async function openAgain(row: SigningKeyRow): Promise<SigningKey | null> {
    try {
      return await openSigningKey(encryptionKeys, row);
    } catch (err) {
      onError(err);
      const known = keys.get(row.id);
      const { activatesAt, retiredAt } = row;
      return known && isSameKey(known, row) ? { ...known, activatesAt, retiredAt } : null;
    }
  }

  /** One reading at a time. A caller during one may know of a change that it missed, so it waits for the one after. */
  function reload(): Promise<void> {
    if (!reading) {
      reading = read().finally(() => {
        reading = undefined;
      });
      return reading;
    }
    next ??= reading
      .catch(() => {})
      .then(() => {
        next = undefined;
        return reload();
      });
    return next;
  }

  function verifying(id: string): SigningKey | undefined {
    const key = keys.get(id);
    return key && !isRetired(key) ? key : undefined;
  }

  return {
    current() {
      const usable = [...keys.values()].filter((key) => !isRetired(key));
      // On a clock that is behind, the hour of the only key may not have come yet.
      const signer = usable.find((key) => key.activatesAt.getTime() <= Date.now()) ?? usable.at(-1);
      if (!signer) throw new Error("there is no signing key");
      return signer;
    },
    async find(id) {
      if (!keys.has(id)) {
        if (reading) await reading;
        else if (Date.now() - readAt > RELOAD_MILLIS) await reload();
      }
      return verifying(id)?.publicKey ?? null;
    },
    verifies: (id) => verifying(id) !== undefined,
    jwks: () => ({
      keys: [...keys.values()].filter((key) => !isRetired(key)).map((key) => key.publicJwk),
    }),
    reload,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

function byId(keys: SigningKey[]): Map<string, SigningKey> {
  return new Map(keys.map((key) => [key.id, key]));
}

function isRetired({ retiredAt }: SigningKey): boolean {
  return retiredAt !== null && retiredAt.getTime() <= Date.now();
}

async function ensureKey(
  db: Database,
  encryptionKeys: Keys,
  algorithm: SigningAlgorithm,
): Promise<void> {
  await transaction(db, async (tx) => {
    await lockSigningKeys(tx);
    if ((await readSigningKeyRows(tx)).length > 0) return;
    await createSigningKey(tx, encryptionKeys, { algorithm, activatesAt: await databaseTime(tx) });
  });
}
