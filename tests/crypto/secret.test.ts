import { describe, expect, test } from "bun:test";
import { createCipheriv, createHash, randomBytes } from "node:crypto";
import fc from "fast-check";
import {
  decrypt,
  deriveKeyring,
  encrypt,
  hashToken,
  hashWithKey,
  isHashWithKey,
  type Keys,
  randomToken,
  renewEncryption,
  successorToken,
} from "../../src/crypto/secret.ts";

const key = randomBytes(32);
const keys: Keys = [key];
const older = randomBytes(32);
const another: Keys = [randomBytes(32)];

/** As values were before they had a key id: nonce, tag, ciphertext. */
function sealLegacy(key: Buffer, text: string, context: string, nonce = randomBytes(12)) {
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(context));
  const ciphertext = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]);
}

function keyId(key: Buffer) {
  return createHash("sha256").update("key id").update(key).digest().subarray(0, 4);
}

describe("encryption", () => {
  test("any text comes back as it was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string(), (text, context) => {
        expect(decrypt(keys, encrypt(keys, text, context), context)).toBe(text);
      }),
    );
  });

  test.each([
    ["with a key id", encrypt(keys, "secret", "row 1")],
    ["without one", sealLegacy(key, "secret", "row 1")],
  ])(
    "not one bit can be changed, wherever it stands, and nothing cut off or added: %s",
    (_layout, sealed) => {
      expect(decrypt(keys, sealed, "row 1")).toBe("secret");
      for (const tried of [keys, [key, older] as const, [older, key] as const]) {
        for (let bit = 0; bit < sealed.length * 8; bit++) {
          const changed = Buffer.from(sealed);
          changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          expect(() => decrypt(tried, changed, "row 1"), `bit ${bit}`).toThrow();
        }
        for (let length = 0; length < sealed.length; length++) {
          const cut = sealed.subarray(0, length);
          expect(() => decrypt(tried, cut, "row 1"), `${length} bytes`).toThrow();
        }
        expect(() => decrypt(tried, Buffer.concat([sealed, Buffer.of(0)]), "row 1")).toThrow();
      }
    },
  );

  test("a value cannot be moved to another row, nor opened with another key", () => {
    for (const sealed of [encrypt(keys, "secret", "row 1"), sealLegacy(key, "secret", "row 1")]) {
      expect(() => decrypt(keys, sealed, "row 2")).toThrow();
      expect(() => decrypt(keys, sealed, "")).toThrow();
      expect(() => decrypt(another, sealed, "row 1")).toThrow();
    }
  });

  test("what a wrong key gets to read says nothing of the value or the key", () => {
    const error = (() => {
      try {
        return decrypt(another, encrypt(keys, "secret", "row 1"), "row 1");
      } catch (err) {
        return err as Error;
      }
    })();
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toBe("none of the keys opens this");
  });

  test("the same text is never sealed the same way twice", () => {
    const sealed = Array.from({ length: 1000 }, () =>
      encrypt(keys, "secret", "row").toString("hex"),
    );
    expect(new Set(sealed).size).toBe(1000);
    // The nonce, after the four bytes of the key id.
    expect(new Set(sealed.map((text) => text.slice(8, 32))).size).toBe(1000);
    expect(new Set(sealed.map((text) => text.slice(0, 8))).size).toBe(1);
  });
});

describe("while SECRET_KEY is being replaced", () => {
  const oldFirst: Keys = [older, key];
  const newFirst: Keys = [key, older];

  test("instances at both steps read what either writes, and an instance with the old key alone reads the first step", () => {
    for (const writer of [oldFirst, newFirst]) {
      for (const reader of [oldFirst, newFirst])
        expect(decrypt(reader, encrypt(writer, "secret", "row"), "row")).toBe("secret");
    }
    expect(decrypt([older], encrypt(oldFirst, "secret", "row"), "row")).toBe("secret");
    expect(() => decrypt([older], encrypt(newFirst, "secret", "row"), "row")).toThrow();
  });

  test("a value without a key id opens whichever of the two keys made it", () => {
    for (const reader of [oldFirst, newFirst]) {
      expect(decrypt(reader, sealLegacy(older, "secret", "row"), "row")).toBe("secret");
      expect(decrypt(reader, sealLegacy(key, "secret", "row"), "row")).toBe("secret");
    }
  });

  test("a value without a key id opens also when its nonce begins like one", () => {
    for (const [maker, id] of [
      [key, key],
      [key, older],
      [older, key],
      [older, older],
    ] as const) {
      const nonce = Buffer.concat([keyId(id), randomBytes(8)]);
      const sealed = sealLegacy(maker, "secret", "row", nonce);
      expect(decrypt(newFirst, sealed, "row")).toBe("secret");
      const renewed = renewEncryption(newFirst, sealed, "row");
      expect(renewed && decrypt(keys, renewed, "row")).toBe("secret");
    }
  });

  test("what is renewed opens with the new key alone, and is not renewed twice", () => {
    for (const sealed of [
      encrypt([older], "secret", "row"),
      sealLegacy(older, "secret", "row"),
      sealLegacy(key, "secret", "row"),
    ]) {
      const renewed = renewEncryption(newFirst, sealed, "row");
      if (!renewed) throw new Error("not renewed");
      expect(decrypt(keys, renewed, "row")).toBe("secret");
      expect(renewEncryption(newFirst, renewed, "row")).toBeNull();
    }
    expect(renewEncryption(newFirst, encrypt(keys, "secret", "row"), "row")).toBeNull();
    expect(() => renewEncryption(newFirst, encrypt(another, "secret", "row"), "row")).toThrow();
    expect(() => renewEncryption(newFirst, encrypt(keys, "secret", "row"), "row 2")).toThrow();
  });

  test("a code that was issued before still counts, and no other", () => {
    const issued = hashWithKey([older], "id 123456");
    expect(isHashWithKey(newFirst, "id 123456", issued)).toBe(true);
    expect(isHashWithKey(oldFirst, "id 123456", issued)).toBe(true);
    expect(isHashWithKey(newFirst, "id 123457", issued)).toBe(false);
    expect(isHashWithKey(keys, "id 123456", issued)).toBe(false);
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

test("each purpose has a key of its own, the same on every instance, the current one before the previous", () => {
  const keyring = deriveKeyring(key, older);
  expect(deriveKeyring(Buffer.from(key), Buffer.from(older))).toEqual(keyring);
  expect(Object.values(deriveKeyring(key)).flat()).toEqual(
    Object.values(keyring).map(([current]) => current),
  );
  expect(Object.values(deriveKeyring(older)).flat()).toEqual(
    Object.values(keyring).flatMap(([, ...previous]) => previous),
  );
  const all = [key, older, ...Object.values(keyring).flat()];
  expect(new Set(all.map((bytes) => bytes.toString("hex"))).size).toBe(all.length);
  expect(all.every((bytes) => bytes.length === 32)).toBe(true);
});
