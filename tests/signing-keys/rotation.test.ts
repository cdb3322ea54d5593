import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  setSystemTime,
  test,
} from "bun:test";
import { randomBytes } from "node:crypto";
import { parseConfig } from "../../src/config.ts";
import { deriveKeyring } from "../../src/crypto/secret.ts";
import type { Database } from "../../src/db/client.ts";
import {
  maintainSigningKeys,
  replaceSigningKeys,
  rotateSigningKeys,
} from "../../src/signing-keys/rotate.ts";
import { createKeysFixture, type KeysFixture } from "./fixture.ts";

const secretKey = randomBytes(32);
const keyring = deriveKeyring(secretKey);
const MINUTE = 60_000;
const DAY = 24 * 3600_000;

let fixture: KeysFixture;
let db: Database;
beforeAll(async () => {
  fixture = await createKeysFixture();
  db = fixture.db;
});
afterAll(() => fixture.close());
beforeEach(async () => {
  await fixture.reset();
  await load();
});
afterEach(() => {
  setSystemTime();
  expect(fixture.errors).toEqual([]);
});

function load() {
  return fixture.load({ keys: keyring.signingKey });
}

function rotate(options = {}) {
  return rotateSigningKeys(db, keyring.signingKey, {
    algorithm: "ES256",
    accessTokenTtlSeconds: 600,
    ...options,
  });
}

function maintain(env: Record<string, string> = {}) {
  const config = parseConfig({
    NODE_ENV: "test",
    DATABASE_URL: "postgresql://127.0.0.1/unused",
    SECRET_KEY: secretKey.toString("base64"),
    ...env,
  });
  return maintainSigningKeys({ db, keyring, config });
}

function rows() {
  return db.signingKey.findMany({ orderBy: { createdAt: "asc" } });
}

async function setAge(days: number) {
  const time = new Date(Date.now() - days * DAY);
  await db.signingKey.updateMany({ data: { createdAt: time, activatesAt: time } });
}

test("R45: the next key is published at once, signs ten minutes later, and the last one verifies until its tokens have ended", async () => {
  const keys = await load();
  const old = keys.current().id;
  const { made, id, activatesAt } = await rotate();
  await keys.reload();
  expect(made).toBe(true);
  expect(activatesAt.getTime() - Date.now()).toBeWithin(9.9 * MINUTE, 10.1 * MINUTE);
  expect(keys.jwks().keys.map(({ kid }) => kid)).toEqual([id, old]);
  expect(keys.current().id).toBe(old);

  setSystemTime(activatesAt.getTime() - 1);
  expect(keys.current().id).toBe(old);
  setSystemTime(activatesAt);
  expect(keys.current().id).toBe(id);
  // A token that was signed at the last moment lives for ten minutes; clocks may be a minute apart.
  setSystemTime(activatesAt.getTime() + 11 * MINUTE - 1);
  expect(keys.jwks().keys.map(({ kid }) => kid)).toEqual([id, old]);
  setSystemTime(activatesAt.getTime() + 11 * MINUTE);
  expect(keys.jwks().keys.map(({ kid }) => kid)).toEqual([id]);
});

test("of ten rotations at once one makes a key, and the others name it", async () => {
  const rotations = await Promise.all(Array.from({ length: 10 }, () => rotate()));
  expect(rotations.filter(({ made }) => made)).toHaveLength(1);
  expect(new Set(rotations.map(({ id }) => id)).size).toBe(1);
  expect(await rows()).toHaveLength(2);
});

test("a rotation is audited, without an actor and without anything of the key", async () => {
  const before = await db.auditLog.count();
  const { id } = await rotate();
  await rotate();
  expect(await db.auditLog.count()).toBe(before + 1);
  const row = await db.auditLog.findFirst({ orderBy: { id: "desc" } });
  expect(row).toMatchObject({
    action: "signing_key.rotated",
    resourceType: "signing_key",
    actorId: null,
    tenantId: null,
    details: { id, algorithm: "ES256", emergency: false },
  });
  expect(Object.keys(row?.details as object).sort()).toEqual([
    "activatesAt",
    "algorithm",
    "emergency",
    "id",
    "retiredAt",
    "retiring",
  ]);
});

describe("the job", () => {
  test("leaves a key alone that is young enough, and rotates one that is not, once", async () => {
    await setAge(29);
    await maintain();
    expect(await rows()).toHaveLength(1);
    await setAge(30);
    await maintain();
    await maintain();
    const [old, next, ...more] = await rows();
    expect(more).toEqual([]);
    expect(next?.retiredAt).toBeNull();
    expect(old?.retiredAt?.getTime()).toBe((next?.activatesAt.getTime() ?? 0) + 11 * MINUTE);
  });

  test("with SIGNING_KEY_DAYS=0 leaves a key alone whatever its age", async () => {
    await setAge(10_000);
    await maintain({ SIGNING_KEY_DAYS: "0" });
    expect(await rows()).toHaveLength(1);
  });

  test("rotates when SIGNING_ALGORITHM is another one, whatever the age", async () => {
    await maintain({ SIGNING_ALGORITHM: "EdDSA", SIGNING_KEY_DAYS: "0" });
    expect((await rows()).map(({ algorithm }) => algorithm)).toEqual(["ES256", "EdDSA"]);
    const keys = await load();
    expect(keys.jwks().keys.map(({ alg }) => alg)).toEqual(["EdDSA", "ES256"]);
  });

  test("makes a new successor when the one there was is gone, and the last key serves until that one signs", async () => {
    const { id } = await rotate({ leadSeconds: 60, accessTokenTtlSeconds: 1, skewSeconds: 0 });
    await db.signingKey.delete({ where: { id } });
    await maintain();
    const [old, next] = await rows();
    expect(next?.retiredAt).toBeNull();
    expect(old?.retiredAt?.getTime()).toBe((next?.activatesAt.getTime() ?? 0) + 11 * MINUTE);
  });

  test("deletes keys a day after their end, and not before", async () => {
    const keyOf = async (hours: number) => {
      const { id } = await rotate({ leadSeconds: -1 });
      await db.signingKey.update({
        where: { id },
        data: { activatesAt: new Date(0), retiredAt: new Date(Date.now() - hours * 3600_000) },
      });
      return id;
    };
    const [recent, old] = [await keyOf(23), await keyOf(25)];
    await maintain();
    const ids = (await rows()).map(({ id }) => id);
    expect(ids).toContain(recent);
    expect(ids).not.toContain(old);
  });
});

test("R45: for a key that leaked, one statement of the operator's ends every key there is, and a new one signs at once", async () => {
  await rotate({ leadSeconds: -1 });
  await rotate();
  const keys = await load();
  const before = keys.jwks().keys.map(({ kid }) => String(kid));
  expect(before).toHaveLength(3);
  const { id, retired } = await replaceSigningKeys(db, keyring.signingKey, { algorithm: "EdDSA" });
  await keys.reload();
  expect(retired).toBe(3);
  expect(keys.current()).toMatchObject({ id, algorithm: "EdDSA" });
  expect(keys.jwks().keys.map(({ kid }) => kid)).toEqual([id]);
  expect(await Promise.all(before.map((id) => keys.find(id)))).toEqual([null, null, null]);
  expect(await db.auditLog.findFirst({ orderBy: { id: "desc" } })).toMatchObject({
    action: "signing_key.rotated",
    details: { emergency: true, id },
  });
});
