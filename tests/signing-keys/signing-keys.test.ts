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
import { inspect } from "node:util";
import pg from "pg";
import { createKeysFixture, type KeysFixture } from "./fixture.ts";

let fixture: KeysFixture;
beforeAll(async () => {
  fixture = await createKeysFixture();
});
beforeEach(() => fixture.reset());
afterAll(() => fixture.close());

test("instances that start at once on an empty database make one key between them", async () => {
  // Connections that are open already: else the first instance is done before the last one is connected.
  await Promise.all(Array.from({ length: 5 }, () => fixture.pool.query("SELECT pg_sleep(0.05)")));
  const instances = await Promise.all(Array.from({ length: 5 }, () => fixture.load()));
  expect(await fixture.db.signingKey.count()).toBe(1);
  expect(new Set(instances.map((keys) => keys.current().id)).size).toBe(1);
});

test("a later start finds the key of an earlier one", async () => {
  const first = await fixture.load();
  expect((await fixture.load()).current().id).toBe(first.current().id);
});

test("a start with another SECRET_KEY says so, and says nothing secret", async () => {
  const { id } = (await fixture.load()).current();
  const error = await fixture.load({ keys: [randomBytes(32)] }).catch((err: Error) => err);
  expect((error as Error).message).toBe(
    `SECRET_KEY does not open the signing key ${id}: start with the SECRET_KEY that this database was used with.`,
  );
});

test("R45: the key set shows public members only, with unique ids, use and algorithm", async () => {
  const keys = await fixture.load();
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

test("R45: with EdDSA the first key is one on Ed25519", async () => {
  const keys = await fixture.load({ algorithm: "EdDSA" });
  expect(keys.current().algorithm).toBe("EdDSA");
  expect(keys.jwks().keys).toEqual([
    {
      kid: keys.current().id,
      kty: "OKP",
      crv: "Ed25519",
      alg: "EdDSA",
      use: "sig",
      x: expect.any(String),
    },
  ]);
});

test("the private part is stored encrypted, and whoever signs by it cannot reach it", async () => {
  const key = (await fixture.load()).current();
  const { privateJwk } = await fixture.db.signingKey.findUniqueOrThrow({ where: { id: key.id } });
  expect(Buffer.from(privateJwk).toString("latin1")).not.toContain('"d"');
  expect(inspect(key, { depth: null, showHidden: true })).not.toMatch(/private|secret/i);
});

describe("a key that is retired", () => {
  const retire = (id: string, at: Date) =>
    fixture.db.signingKey.update({
      where: { id },
      data: { activatesAt: new Date(at.getTime() - 1000), retiredAt: at },
    });
  afterEach(() => setSystemTime());

  test("no longer verifies after a start, nor is it shown", async () => {
    const { id } = (await fixture.load()).current();
    await retire(id, new Date());
    const keys = await fixture.load();
    expect(keys.current().id).not.toBe(id);
    expect(await keys.find(id)).toBeNull();
    expect(keys.jwks().keys).toHaveLength(1);
  });

  test("R45: verifies until its time and not beyond, also when nothing is read in between", async () => {
    const keys = await fixture.load();
    const { id } = keys.current();
    const end = Date.now() + 60_000;
    await retire(id, new Date(end));
    await keys.reload();
    setSystemTime(end - 1);
    expect([await keys.find(id), keys.verifies(id)]).toEqual([expect.anything(), true]);
    expect(keys.jwks().keys).toHaveLength(1);
    setSystemTime(end);
    expect([await keys.find(id), keys.verifies(id)]).toEqual([null, false]);
    expect(keys.jwks().keys).toEqual([]);
    expect(() => keys.current()).toThrow("there is no signing key");
  });

  test("goes by the database's clock when it is read, however far behind ours is", async () => {
    const keys = await fixture.load();
    const { id } = keys.current();
    await retire(id, new Date());
    setSystemTime(Date.now() - 3600_000);
    await keys.reload();
    expect([await keys.find(id), keys.verifies(id)]).toEqual([null, false]);
  });
});

test("a call to reload during a reading sees what was changed before the call", async () => {
  const keys = await fixture.load();
  const { id } = keys.current();
  const first = keys.reload();
  await fixture.db.signingKey.update({
    where: { id },
    data: { activatesAt: new Date(0), retiredAt: new Date() },
  });
  await Promise.all([keys.reload(), keys.reload(), first]);
  expect(keys.verifies(id)).toBe(false);
});

test("a hundred notifications at once become two readings", async () => {
  const keys = await fixture.load();
  const queries = spyOn(pg.Client.prototype, "query");
  try {
    await Promise.all(Array.from({ length: 100 }, () => keys.reload()));
    expect(queries).toHaveBeenCalledTimes(2);
  } finally {
    queries.mockRestore();
  }
});

test("R45: an instance that hears nothing reads the keys again by itself", async () => {
  const keys = await fixture.load({ everySeconds: 0.05 });
  const { id } = keys.current();
  await fixture.db.signingKey.update({
    where: { id },
    data: { activatesAt: new Date(0), retiredAt: new Date() },
  });
  const end = Date.now() + 30_000;
  while (keys.verifies(id) && Date.now() < end) await Bun.sleep(5);
  expect(keys.verifies(id)).toBe(false);
});

describe("a key id that is new to an instance", () => {
  afterEach(() => setSystemTime());

  test("is looked up, so that a key of another instance verifies", async () => {
    const keys = await fixture.load();
    await fixture.db.signingKey.updateMany({ data: { retiredAt: new Date() } });
    const { id } = (await fixture.load()).current();
    setSystemTime(Date.now() + 10_000);
    expect(await keys.find(id)).not.toBeNull();
    expect(keys.current().id).toBe(id);
  });

  test("is looked up once for all who ask at once, and each is answered with it", async () => {
    const keys = await fixture.load();
    await fixture.db.signingKey.updateMany({ data: { retiredAt: new Date() } });
    const { id } = (await fixture.load()).current();
    setSystemTime(Date.now() + 10_000);
    const found = await Promise.all(Array.from({ length: 20 }, () => keys.find(id)));
    expect(found.filter((key) => key === null)).toEqual([]);
  });

  test("is looked up once in a while only: forged tokens do not become queries", async () => {
    const keys = await fixture.load();
    const queries = spyOn(pg.Client.prototype, "query");
    try {
      const forgeries = () =>
        Promise.all(Array.from({ length: 1000 }, (_, n) => keys.find(`unknown-${n}`)));
      expect(new Set(await forgeries())).toEqual(new Set([null]));
      expect(queries).toHaveBeenCalledTimes(0);
      setSystemTime(Date.now() + 20_000);
      await forgeries();
      expect(queries).toHaveBeenCalledTimes(1);
    } finally {
      queries.mockRestore();
    }
  });
});
