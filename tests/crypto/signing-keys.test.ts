import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  setSystemTime,
  spyOn,
  test,
} from "bun:test";
import { randomBytes } from "node:crypto";
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";
import pg, { type Pool } from "pg";
import { loadSigningKeys } from "../../src/crypto/signing-keys.ts";
import { createDatabase as createClient, createPool, type Database } from "../../src/db/client.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

const encryptionKey = randomBytes(32);

let database: TestDatabase;
let pool: Pool;
let db: Database;
beforeAll(async () => {
  database = await createDatabase();
  pool = createPool({
    databaseUrl: database.url,
    databasePoolSize: 10,
    databaseTimeoutSeconds: 10,
  });
  db = createClient(pool);
});
beforeEach(async () => {
  await db.signingKey.deleteMany();
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

test("instances that start at once on an empty database make one key between them", async () => {
  // Connections that are open already: else the first instance is done before the last one is connected.
  await Promise.all(Array.from({ length: 5 }, () => pool.query("SELECT pg_sleep(0.05)")));
  const instances = await Promise.all(
    Array.from({ length: 5 }, () => loadSigningKeys(db, encryptionKey)),
  );
  expect(await db.signingKey.count()).toBe(1);
  expect(new Set(instances.map((keys) => keys.current().id)).size).toBe(1);
});

test("a later start finds the key of an earlier one", async () => {
  const first = await loadSigningKeys(db, encryptionKey);
  expect((await loadSigningKeys(db, encryptionKey)).current().id).toBe(first.current().id);
});

test("a start with another SECRET_KEY says so, and says nothing secret", async () => {
  const { id } = (await loadSigningKeys(db, encryptionKey)).current();
  const error = await loadSigningKeys(db, randomBytes(32)).catch((err: Error) => err);
  expect((error as Error).message).toBe(
    `SECRET_KEY does not open the signing key ${id}: start with the SECRET_KEY that this database was used with.`,
  );
});

describe("whoever can write to the table still cannot forge tokens", () => {
  /** A key pair of the attacker's, as the column holds public keys. */
  async function foreignKey(kid?: string) {
    const pair = await generateKeyPair("ES256", { extractable: true });
    const members = await exportJWK(pair.publicKey);
    const id = kid ?? (await calculateJwkThumbprint(members));
    return { id, publicJwk: { ...members, kid: id, alg: "ES256", use: "sig" } };
  }

  test("a public part that is not that of the private one is refused", async () => {
    const { id } = (await loadSigningKeys(db, encryptionKey)).current();
    const { publicJwk } = await foreignKey(id);
    await db.signingKey.update({ where: { id }, data: { publicJwk } });
    await expect(loadSigningKeys(db, encryptionKey)).rejects.toThrow(
      `The public part of the signing key ${id} was changed`,
    );
  });

  test("a whole row with the private part of another one is refused", async () => {
    const { id } = (await loadSigningKeys(db, encryptionKey)).current();
    const row = await db.signingKey.findUniqueOrThrow({ where: { id } });
    await db.signingKey.create({
      data: { ...row, ...(await foreignKey()), publicJwk: (await foreignKey()).publicJwk },
    });
    await expect(loadSigningKeys(db, encryptionKey)).rejects.toThrow();
  });
});

test("R45: the key set shows public members only, with unique ids, use and algorithm", async () => {
  const keys = await loadSigningKeys(db, encryptionKey);
  expect(keys.jwks().keys).toEqual([
    {
      kid: keys.current().id,
      kty: "EC",
      crv: "P-256",
      alg: "ES256",
      use: "sig",
      x: expect.any(String),
      y: expect.any(String),
    },
  ]);
});

test("the private part is stored encrypted, and cannot be exported from memory", async () => {
  const { id, privateKey } = (await loadSigningKeys(db, encryptionKey)).current();
  const { privateJwk } = await db.signingKey.findUniqueOrThrow({ where: { id } });
  expect(Buffer.from(privateJwk).toString("latin1")).not.toContain('"d"');
  expect(privateKey.extractable).toBe(false);
});

test("a key that is retired no longer verifies after a start, nor is it shown", async () => {
  const { id } = (await loadSigningKeys(db, encryptionKey)).current();
  await db.signingKey.update({ where: { id }, data: { retiredAt: new Date() } });
  const keys = await loadSigningKeys(db, encryptionKey);
  expect(keys.current().id).not.toBe(id);
  expect(await keys.find(id)).toBeNull();
  expect(keys.jwks().keys).toHaveLength(1);
});

describe("a key id that is new to an instance", () => {
  const start = Date.now();
  afterEach(() => setSystemTime());

  test("is looked up, so that a key of another instance verifies", async () => {
    const keys = await loadSigningKeys(db, encryptionKey);
    await db.signingKey.updateMany({ data: { retiredAt: new Date() } });
    const { id } = (await loadSigningKeys(db, encryptionKey)).current();
    setSystemTime(start + 10_000);
    expect(await keys.find(id)).not.toBeNull();
    expect(keys.current().id).toBe(id);
  });

  test("is looked up once in a while only: forged tokens do not become queries", async () => {
    const keys = await loadSigningKeys(db, encryptionKey);
    const queries = spyOn(pg.Client.prototype, "query");
    try {
      const forgeries = () =>
        Promise.all(Array.from({ length: 1000 }, (_, n) => keys.find(`unknown-${n}`)));
      expect(new Set(await forgeries())).toEqual(new Set([null]));
      expect(queries).toHaveBeenCalledTimes(0);
      setSystemTime(start + 20_000);
      await forgeries();
      expect(queries).toHaveBeenCalledTimes(1);
    } finally {
      queries.mockRestore();
    }
  });
});
