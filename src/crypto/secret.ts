/** Random secrets, keyed derivation and encryption. Everything here works on 256 bits. */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_ID_BYTES = 4;

/** The keys of one purpose: the one in use, then those of other SECRET_KEYs, which still open and recognise. */
export type Keys = readonly [current: Buffer, ...previous: Buffer[]];

const PURPOSES = {
  refreshToken: "refresh token",
  signingKey: "signing key",
  /** Authenticator secrets, and what waits in jobs and one-time tokens. */
  data: "data",
  /** Codes of six digits, and addresses in rate-limit keys: a plain hash of either is undone by trying them all. */
  code: "code",
  rateLimit: "rate limit",
  /** By what clients are known again: device-token.ts. */
  device: "device",
  /** The seals of the audit log. */
  audit: "audit",
} as const;

/** The keys that are derived from SECRET_KEY, one a purpose, so that no key serves two algorithms. */
export type Keyring = Record<keyof typeof PURPOSES, Keys>;

/** @param others SECRET_KEY_PREVIOUS, and for an operator's tool those from before it. */
export function deriveKeyring(secretKey: Buffer, ...others: (Buffer | null)[]): Keyring {
  const secrets = [secretKey, ...others.filter((other) => other !== null)];
  const derive = (secret: Buffer, purpose: string) =>
    Buffer.from(hkdfSync("sha256", secret, "", `tenantry ${purpose} v1`, 32));
  const entries = Object.entries(PURPOSES).map(([name, purpose]) => [
    name,
    secrets.map((secret) => derive(secret, purpose)),
  ]);
  return Object.fromEntries(entries);
}

/** An opaque token of 256 random bits, as base64url. */
export function randomToken(): string {
  return randomBytes(32).toString("base64url");
}

/** What is stored of a token. Plain SHA-256 is enough for 256 random bits (ASVS 5.0, 11.4.1). */
export function hashToken(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/**
 * The refresh token that follows `token`. Derived, not drawn: a retry within the grace window is answered with the same
 * successor although only hashes are stored, and without the key nobody can walk the chain.
 */
export function successorToken(key: Buffer, token: string): string {
  return createHmac("sha256", key).update(token).digest("base64url");
}

/** A hash that only the server can compute: for secrets of so few values that a plain one is undone by trying. */
export function hashWithKey([key]: Keys, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

/** True when one of the keys made the hash: what was handed out before SECRET_KEY was replaced still counts. */
export function isHashWithKey(keys: Keys, text: string, hash: Uint8Array): boolean {
  return keys.some((key) => timingSafeEqual(hashWithKey([key], text), hash));
}

/**
 * AES-256-GCM: the key's id, nonce, tag and ciphertext in one. `context` is authenticated, so a value cannot be moved
 * to another row.
 */
export function encrypt([key]: Keys, plaintext: string, context: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(context));
  const ciphertext = Buffer.concat([cipher.update(plaintext, "utf8"), cipher.final()]);
  return Buffer.concat([keyId(key), nonce, cipher.getAuthTag(), ciphertext]);
}

/** @throws Error when none of the keys is the one that encrypted, or a byte was changed. */
export function decrypt(keys: Keys, sealed: Uint8Array, context: string): string {
  // Before there was a SECRET_KEY_PREVIOUS, values had no key id: they begin with a random nonce, which may look like
  // one, and any of the keys may be theirs, by the step that the replacement of SECRET_KEY is at.
  const text = openById(keys, sealed, context) ?? openWithAny(keys, Buffer.from(sealed), context);
  if (text === null) throw new Error("none of the keys opens this");
  return text;
}

/**
 * The value as the current key encrypts it; null when the current key has encrypted it already. That is tried, not read
 * off the id: other values may begin with the same four bytes by chance.
 * @throws Error when none of the keys opens it.
 */
export function renewEncryption(keys: Keys, sealed: Uint8Array, context: string): Buffer | null {
  if (openById([keys[0]], sealed, context) !== null) return null;
  return encrypt(keys, decrypt(keys, sealed, context), context);
}

function openById(keys: Keys, sealed: Uint8Array, context: string): string | null {
  const bytes = Buffer.from(sealed);
  const named = keys.filter((key) => keyId(key).equals(bytes.subarray(0, KEY_ID_BYTES)));
  return openWithAny(named, bytes.subarray(KEY_ID_BYTES), context);
}

function openWithAny(keys: readonly Buffer[], bytes: Buffer, context: string): string | null {
  for (const key of keys) {
    try {
      return open(key, bytes, context);
    } catch {
      // Not of this key, or changed: the tag does not tell which.
    }
  }
  return null;
}

function open(key: Buffer, bytes: Buffer, context: string): string {
  const tagEnd = NONCE_BYTES + TAG_BYTES;
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  })
    .setAAD(Buffer.from(context))
    .setAuthTag(bytes.subarray(NONCE_BYTES, tagEnd));
  return Buffer.concat([decipher.update(bytes.subarray(tagEnd)), decipher.final()]).toString(
    "utf8",
  );
}

/** Which key it is, without telling anything of it. */
function keyId(key: Buffer): Buffer {
  return createHash("sha256").update("key id").update(key).digest().subarray(0, KEY_ID_BYTES);
}
