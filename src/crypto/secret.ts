/** Random secrets, keyed derivation and encryption. Everything here works on 256 bits. */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
} from "node:crypto";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The keys that are derived from SECRET_KEY, one a purpose, so that no key serves two algorithms. */
export type Keyring = { refreshToken: Buffer; signingKey: Buffer };

export function deriveKeyring(secretKey: Buffer): Keyring {
  const derive = (purpose: string) =>
    Buffer.from(hkdfSync("sha256", secretKey, "", `tenantry ${purpose} v1`, 32));
  return { refreshToken: derive("refresh token"), signingKey: derive("signing key") };
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

/** AES-256-GCM: nonce, tag and ciphertext in one. `context` is authenticated, so a value cannot be moved to another row. */
export function encrypt(key: Buffer, plaintext: string, context: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(context));
  const ciphertext = Buffer.concat([cipher.update(plaintext, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]);
}

/** @throws Error when the key is not the one that encrypted, or a byte was changed. */
export function decrypt(key: Buffer, sealed: Uint8Array, context: string): string {
  const bytes = Buffer.from(sealed);
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  })
    .setAAD(Buffer.from(context))
    .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  return Buffer.concat([
    decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)),
    decipher.final(),
  ]).toString("utf8");
}
