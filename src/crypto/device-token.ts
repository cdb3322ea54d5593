/**
 * What a client shows to be known again: the ids of the devices that it has been to accounts, and a MAC that only we can
 * make. Who copies the sessions' rows cannot make one, and who makes one up costs no question to the database.
 */
import { hashWithKey, isHashWithKey, type Keys } from "./secret.ts";

/** One browser, perhaps, has log-ins of several people; of more, those go that were here first. */
const MOST = 8;
const ID_BYTES = 16;
const MAC_BYTES = 32;

/** @param ids UUIDs, the newest first. */
export function deviceToken(keys: Keys, ids: readonly string[]): string {
  const kept = ids.slice(0, MOST);
  const bytes = kept.map((id) => Buffer.from(id.replaceAll("-", ""), "hex"));
  return Buffer.concat([...bytes, hashWithKey(keys, kept.join())]).toString("base64url");
}

/** The ids of a token of ours; none for any other text. */
export function devicesIn(keys: Keys, token: string): string[] {
  const bytes = Buffer.from(token.slice(0, 256), "base64url");
  const length = bytes.length - MAC_BYTES;
  if (length <= 0 || length % ID_BYTES !== 0) return [];
  const ids = Array.from({ length: length / ID_BYTES }, (_, at) =>
    toUuid(bytes.subarray(at * ID_BYTES, (at + 1) * ID_BYTES)),
  );
  return isHashWithKey(keys, ids.join(), bytes.subarray(length)) ? ids : [];
}

function toUuid(bytes: Buffer): string {
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
