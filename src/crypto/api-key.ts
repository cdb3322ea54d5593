/**
 * The form of an API key: `tnk_` and eight characters that name it in lists, `_`, 256 random bits as base64url, and six
 * characters of checksum. With the fixed beginning and the checksum a secret scanner knows a key when it sees one
 * (tnk_[a-z0-9]{8}_[A-Za-z0-9_-]{49}), and what was mistyped or made up in passing is refused without a query.
 */
import { randomInt } from "node:crypto";
import { crc32 } from "node:zlib";
import { hashToken, randomToken } from "./secret.ts";

export const API_KEY_PREFIX = "tnk_";

const NAME_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";
const CHECKSUM_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** 62 to the power of six is more than the 2^32 values of a CRC-32. */
const CHECKSUM_LENGTH = 6;
const FORM = /^tnk_[a-z0-9]{8}_[A-Za-z0-9_-]{49}$/;
const LENGTH = 62;

/** A new key, the part of it that lists show, and what is stored in its place. */
export function newApiKey(): { key: string; prefix: string; hash: Buffer } {
  const name = Array.from({ length: 8 }, () => NAME_ALPHABET[randomInt(NAME_ALPHABET.length)]);
  const prefix = `${API_KEY_PREFIX}${name.join("")}`;
  const body = `${prefix}_${randomToken()}`;
  const key = body + checksum(body);
  return { key, prefix, hash: hashToken(key) };
}

/** Whether it can be a key at all. The checksum is no secret: anybody can make one up that passes. */
export function isApiKey(text: string): boolean {
  if (text.length !== LENGTH || !FORM.test(text)) return false;
  return checksum(text.slice(0, -CHECKSUM_LENGTH)) === text.slice(-CHECKSUM_LENGTH);
}

function checksum(body: string): string {
  let rest = crc32(body);
  let digits = "";
  for (let place = 0; place < CHECKSUM_LENGTH; place += 1) {
    digits = CHECKSUM_ALPHABET[rest % 62] + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}
