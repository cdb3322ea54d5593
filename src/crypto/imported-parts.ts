/** What the forms of imported hashes have in common. */
import { timingSafeEqual } from "node:crypto";

export type Verifier = (password: string) => Promise<boolean>;
export type Range = readonly [min: number, max: number];
type Derive = (password: string, done: (err: Error | null, derived: Buffer) => void) => void;

export const SALT_BYTES: Range = [8, 64];
export const HASH_BYTES: Range = [16, 64];

export function comparing(hash: Buffer, derive: Derive): Verifier {
  return async (password) => {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    derive(password, (err, derived) => (err ? reject(err) : resolve(derived)));
    return timingSafeEqual(await promise, hash);
  };
}

/** What base64 holds; null unless it has so many bytes, and is the only spelling of them. Padding may be left out. */
export function bytes(text: string | undefined, range: Range): Buffer | null {
  if (text === undefined) return null;
  const decoded = Buffer.from(text, "base64");
  const written = decoded.toString("base64");
  const isCanonical = written === text || written.replace(/=+$/, "") === text;
  return isCanonical && isWithin(decoded.length, range) ? decoded : null;
}

/** A salt that the other system wrote as text, and hashed as text. */
export function textSalt(text: string | undefined): Buffer | null {
  return text !== undefined && isWithin(text.length, SALT_BYTES) ? Buffer.from(text) : null;
}

export function isWithin(value: number, [min, max]: Range): boolean {
  return value >= min && value <= max;
}
