import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { devicesIn, deviceToken } from "../../src/crypto/device-token.ts";
import { deriveKeyring } from "../../src/crypto/secret.ts";

const SECRET = randomBytes(32);
const { device: keys } = deriveKeyring(SECRET);
const Ids = fc.array(fc.uuid(), { minLength: 1, maxLength: 12 });

test("a token holds the eight newest devices, in their order", () => {
  fc.assert(
    fc.property(Ids, (ids) => {
      const token = deviceToken(keys, ids);
      expect(token).toMatch(/^[A-Za-z0-9_-]{64,214}$/);
      expect(devicesIn(keys, token)).toEqual(ids.slice(0, 8));
    }),
  );
});

test("one that was changed in any byte, cut, joined or made with another key holds none", () => {
  const { device: others } = deriveKeyring(randomBytes(32));
  fc.assert(
    fc.property(Ids, fc.nat(), fc.integer({ min: 1, max: 255 }), (ids, at, flip) => {
      const token = deviceToken(keys, ids);
      const bytes = Buffer.from(token, "base64url");
      const changed = Buffer.from(bytes);
      changed[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ flip;
      for (const wrong of [
        changed.toString("base64url"),
        bytes.subarray(16).toString("base64url"),
        bytes.subarray(0, -1).toString("base64url"),
        token + token,
        deviceToken(others, ids),
      ])
        expect(devicesIn(keys, wrong)).toEqual([]);
    }),
  );
});

test("what is no token holds none, and is no error", () => {
  for (const text of [
    "",
    "new",
    "cookie",
    "x".repeat(64),
    "x".repeat(100_000),
    "%00",
    "é".repeat(64),
  ])
    expect([text.length, devicesIn(keys, text)]).toEqual([text.length, []]);
  fc.assert(fc.property(fc.string(), (text) => expect(devicesIn(keys, text)).toEqual([])));
  // No ids, and a right MAC of none.
  expect(devicesIn(keys, deviceToken(keys, []))).toEqual([]);
});

test("one of before SECRET_KEY was replaced still counts, until the key before is left out", () => {
  const ids = ["0193a1c2-7f3e-7b44-9d52-6a1c0de5b8f7"];
  const token = deviceToken(keys, ids);
  const next = randomBytes(32);
  expect(devicesIn(deriveKeyring(next, SECRET).device, token)).toEqual(ids);
  expect(devicesIn(deriveKeyring(next).device, token)).toEqual([]);
});
