import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from "jose";
import { encrypt } from "../../src/crypto/secret.ts";
import {
  listSigningKeys,
  readSigningKeyRows,
  readSigningKeyRowsByHand,
  type SigningKeyRow,
} from "../../src/signing-keys/rows.ts";
import { createKeysFixture, type KeysFixture } from "./fixture.ts";

let fixture: KeysFixture;
beforeAll(async () => {
  fixture = await createKeysFixture();
});
beforeEach(() => fixture.reset());
afterAll(() => fixture.close());

describe("whoever can write to the table still cannot forge tokens", () => {
  /** A key pair of the attacker's, as the column holds public keys. */
  async function foreignKey(kid?: string) {
    const pair = await generateKeyPair("ES256", { extractable: true });
    const members = await exportJWK(pair.publicKey);
    const id = kid ?? (await calculateJwkThumbprint(members));
    return { id, publicJwk: { ...members, kid: id, alg: "ES256", use: "sig" } };
  }

  test("a public part that is not that of the private one is refused", async () => {
    const { id } = (await fixture.load()).current();
    const { publicJwk } = await foreignKey(id);
    await fixture.db.signingKey.update({ where: { id }, data: { publicJwk } });
    await expect(fixture.load()).rejects.toThrow(
      `The public part of the signing key ${id} was changed`,
    );
  });

  test("a whole row with the private part of another one is refused", async () => {
    const { id } = (await fixture.load()).current();
    const row = await fixture.db.signingKey.findUniqueOrThrow({ where: { id } });
    await fixture.db.signingKey.create({ data: { ...row, ...(await foreignKey()) } });
    await expect(fixture.load()).rejects.toThrow("SECRET_KEY does not open");
  });

  test("another algorithm than the key's is refused", async () => {
    const { id } = (await fixture.load()).current();
    await fixture.db.signingKey.update({ where: { id }, data: { algorithm: "EdDSA" } });
    await expect(fixture.load()).rejects.toThrow();
  });

  test("what is written beside the public members is not published", async () => {
    const { id } = (await fixture.load()).current();
    const { publicJwk } = await fixture.db.signingKey.findUniqueOrThrow({ where: { id } });
    const more = {
      jku: "https://evil.example",
      key_ops: ["sign"],
      kid: "other",
      alg: "HS256",
      d: "x",
    };
    await fixture.db.signingKey.update({
      where: { id },
      data: { publicJwk: { ...(publicJwk as object), ...more } },
    });
    const keys = await fixture.load();
    expect(keys.jwks().keys).toEqual([publicJwk as JWK]);
    expect(keys.current().id).toBe(id);
  });

  test("a running instance refuses the row, says so, and goes on with its other keys", async () => {
    const keys = await fixture.load();
    const { id } = keys.current();
    const row = await fixture.db.signingKey.findUniqueOrThrow({ where: { id } });
    const foreign = await foreignKey();
    await fixture.db.signingKey.create({ data: { ...row, ...foreign, activatesAt: new Date() } });
    await keys.reload();
    expect(await keys.find(foreign.id)).toBeNull();
    expect(keys.current().id).toBe(id);
    expect(fixture.errors.map(String)).toEqual([expect.stringContaining(foreign.id)]);
    await fixture.db.signingKey.update({
      where: { id },
      data: { publicJwk: (await foreignKey(id)).publicJwk },
    });
    await keys.reload();
    expect(await keys.find(id)).toBeNull();
  });

  test("a running instance keeps a key whose private part it can no longer read, and hears of its end", async () => {
    const keys = await fixture.load();
    const { id } = keys.current();
    const foreign = Uint8Array.from(encrypt([randomBytes(32)], "{}", id));
    await fixture.db.signingKey.update({ where: { id }, data: { privateJwk: foreign } });
    await keys.reload();
    expect(keys.current().id).toBe(id);
    expect(await keys.find(id)).not.toBeNull();
    expect(fixture.errors.map(String)).toEqual([expect.stringContaining(id)]);
    await fixture.db.signingKey.update({
      where: { id },
      data: { activatesAt: new Date(0), retiredAt: new Date() },
    });
    await keys.reload();
    expect(await keys.find(id)).toBeNull();
  });
});

test("each row has a state by its times: one next, one current, those whose tokens live, and those that ended", async () => {
  const keys = await fixture.load();
  const row = await fixture.db.signingKey.findUniqueOrThrow({ where: { id: keys.current().id } });
  await fixture.db.signingKey.deleteMany();
  const from = (seconds: number) => new Date(Date.now() + seconds * 1000);
  const times: Record<string, [Date, Date | null]> = {
    next: [from(60), null],
    current: [from(-60), from(120)],
    verifying: [from(-120), from(60)],
    retired: [from(-180), from(-10)],
  };
  for (const [id, [activatesAt, retiredAt]] of Object.entries(times))
    await fixture.db.signingKey.create({
      data: { ...row, id, publicJwk: {}, activatesAt, retiredAt },
    });
  const states = await listSigningKeys(fixture.db);
  expect(states.map(({ id, state }) => [id, state])).toEqual(
    Object.keys(times).map((state) => [state, state]),
  );
  expect(Object.keys(states[0] ?? {}).sort()).toEqual([
    "activatesAt",
    "algorithm",
    "id",
    "retiredAt",
    "state",
  ]);
});

test("what a start reads by hand is what Prisma reads, in its order", async () => {
  const now = Date.now();
  const seconds = fc.integer({ min: -50, max: 50 });
  const row = fc.record({
    activates: seconds,
    created: seconds,
    // Far enough from now that both readings see the same side of it.
    lives: fc.option(fc.constantFrom(-3600, 3600), { nil: null }),
    algorithm: fc.constantFrom("ES256", "EdDSA"),
    publicJwk: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.stringMatching(/^[ -~é☂]*$/)),
    privateJwk: fc.uint8Array({ maxLength: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 6 }), async (drawn) => {
      await fixture.reset();
      const rows = drawn.map(({ activates, created, lives, privateJwk, ...same }) => {
        const activatesAt = new Date(now - 7200_000 + activates * 1000);
        const retiredAt = lives === null ? null : new Date(now + lives * 1000);
        const createdAt = new Date(now - 7200_000 + created * 1000);
        const id = randomBytes(8).toString("hex");
        return {
          ...same,
          id,
          activatesAt,
          retiredAt,
          createdAt,
          privateJwk: Uint8Array.from(privateJwk),
        };
      });
      await fixture.db.signingKey.createMany({ data: rows });
      const ofPrisma = await readSigningKeyRows(fixture.db);
      const byHand = await readSigningKeyRowsByHand(fixture.pool);
      expect(byHand.map(plain)).toEqual(ofPrisma.map(plain));
    }),
    { numRuns: 40 },
  );
  function plain({ privateJwk, ...row }: SigningKeyRow) {
    return { ...row, privateJwk: Buffer.from(privateJwk).toString("hex") };
  }
});
