import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import {
  decrypt,
  deriveKeyring,
  encrypt,
  hashToken,
  randomToken,
  successorToken,
} from "../../src/crypto/secret.ts";

const key = randomBytes(32);

describe("encryption", () => {
  test("any text comes back as it was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string(), (text, context) => {
        expect(decrypt(key, encrypt(key, text, context), context)).toBe(text);
      }),
    );
  });

  test("not one bit can be changed, whether of the nonce, the tag or the text", () => {
    const sealed = encrypt(key, "secret", "row 1");
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => decrypt(key, changed, "row 1"), `bit ${bit}`).toThrow();
    }
  });

  test("nothing can be cut off", () => {
    const sealed = encrypt(key, "secret", "row 1");
    for (let length = 0; length < sealed.length; length++) {
      expect(() => decrypt(key, sealed.subarray(0, length), "row 1"), `${length} bytes`).toThrow();
    }
  });

  test("a value cannot be moved to another row, nor opened with another key", () => {
    const sealed = encrypt(key, "secret", "row 1");
    expect(() => decrypt(key, sealed, "row 2")).toThrow();
    expect(() => decrypt(randomBytes(32), sealed, "row 1")).toThrow();
  });

  test("the same text is never sealed the same way twice", () => {
    const sealed = Array.from({ length: 1000 }, () =>
      encrypt(key, "secret", "row").toString("hex"),
    );
    expect(new Set(sealed).size).toBe(1000);
    expect(new Set(sealed.map((text) => text.slice(0, 24))).size).toBe(1000);
  });
});

describe("tokens", () => {
  test("R32: a token is 256 random bits, and no two are alike", () => {
    const tokens = Array.from({ length: 1000 }, randomToken);
    expect(new Set(tokens).size).toBe(1000);
    for (const token of tokens) expect(Buffer.from(token, "base64url")).toHaveLength(32);
  });

  test("what is stored is the SHA-256 of the token", () => {
    expect(hashToken("abc").toString("hex")).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
  });

  test("a successor is the same each time, as long as a token, and another with another key", () => {
    const token = randomToken();
    expect(successorToken(key, token)).toBe(successorToken(key, token));
    expect(Buffer.from(successorToken(key, token), "base64url")).toHaveLength(32);
    expect(successorToken(randomBytes(32), token)).not.toBe(successorToken(key, token));
    expect(successorToken(key, randomToken())).not.toBe(successorToken(key, token));
  });
});

test("each purpose has a key of its own, the same on every instance", () => {
  const keyring = deriveKeyring(key);
  expect(deriveKeyring(Buffer.from(key))).toEqual(keyring);
  const keys = [key, ...Object.values(keyring)].map((bytes) => bytes.toString("hex"));
  expect(new Set(keys).size).toBe(3);
  expect(Object.values(keyring).every((bytes) => bytes.length === 32)).toBe(true);
});
