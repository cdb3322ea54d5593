/** What is remembered of keys, what is not, and what a flood of made-up ones costs. */
import { beforeAll, beforeEach, expect, test } from "bun:test";
import type { Pool } from "pg";
import { createApiKeyStore } from "../../src/api-keys/store.ts";
import { newApiKey } from "../../src/crypto/api-key.ts";
import { createGrantStore } from "../../src/roles/grants.ts";
import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import { type Account, registerOwner, testApp } from "../support/app.ts";
import { createKey, type Key } from "./keys.ts";

const app = testApp();
let owner: Account;
let key: Key;
beforeAll(async () => {
  owner = await registerOwner(app);
});
beforeEach(async () => {
  key = await createKey(app, owner);
});

type Query = { text: string };

/** A store on a pool that counts what is asked of it, whose answers can be held back and whose writes can fail. */
function createStore(healthy = true, limit?: number) {
  const pool = { lookUps: 0, writes: 0, answer: Promise.resolve(), broken: false };
  const query = async (config: Query) => {
    const isLookUp = config.text.includes("key_hash = $1");
    const isWrite = /^\s*UPDATE api_keys\b/.test(config.text);
    if (isLookUp) pool.lookUps += 1;
    if (isWrite) pool.writes += 1;
    if (isWrite && pool.broken) throw new Error("no such luck");
    const answer = await app.deps.pool.query(config as unknown as string);
    if (isLookUp) await pool.answer;
    return answer;
  };
  const logged: unknown[][] = [];
  const given = { query } as unknown as Pool;
  const grants = createGrantStore(given);
  const store = createApiKeyStore(given, grants, (...line) => logged.push(line), limit);
  const listener = { healthy };
  store.watch(listener);
  grants.watch(listener);
  return { store, grants, pool, listener, logged };
}

test("a key is looked up once, and again when something has changed", async () => {
  const { store, pool } = createStore();
  const first = await store.principalOf(key.key);
  expect(first).toEqual({
    userId: owner.id,
    accountId: null,
    tenantId: owner.tenantId,
    sessionId: null,
    apiKeyId: key.id,
    impersonatorId: null,
    amr: [],
    authenticatedAt: 0,
    roles: [],
    permissions: new Set(["tenant:read", "user:read"]),
  });
  for (let n = 0; n < 100; n += 1) expect(await store.principalOf(key.key)).toBe(first);
  expect(pool.lookUps).toBe(1);
  store.forget();
  expect(await store.principalOf(key.key)).toEqual(first);
  expect(pool.lookUps).toBe(2);
});

test("what a key may do is computed again when its user's grants are other ones, and not before", async () => {
  const { store, grants, pool } = createStore();
  const ofOwner = `role_id = '${SYSTEM_ROLES.owner}' AND permission_key = 'user:read'`;
  const first = await store.principalOf(key.key);
  grants.forget(owner.id);
  expect(await store.principalOf(key.key)).toBe(first);
  await app.deps.pool.query(`DELETE FROM role_permissions WHERE ${ofOwner}`);
  grants.forget(owner.id);
  const second = await store.principalOf(key.key);
  expect(second?.permissions).toEqual(new Set(["tenant:read"]));
  expect(await store.principalOf(key.key)).toBe(second);
  await app.deps.pool.query(
    "INSERT INTO role_permissions (role_id, permission_key) VALUES ($1, $2)",
    [SYSTEM_ROLES.owner, "user:read"],
  );
  grants.forget(owner.id);
  expect(await store.principalOf(key.key)).toEqual(first);
  expect(pool.lookUps).toBe(1);
});

test("an answer that was under way while a key was revoked is not kept", async () => {
  const { store, pool } = createStore();
  const gate = Promise.withResolvers<void>();
  pool.answer = gate.promise;
  const underWay = store.principalOf(key.key);
  store.forget();
  gate.resolve();
  await underWay;
  await store.principalOf(key.key);
  expect(pool.lookUps).toBe(2);
});

test("while changes may be missed the database is asked each time, and nothing is kept for later", async () => {
  const { store, pool, listener } = createStore(false);
  await store.principalOf(key.key);
  await store.principalOf(key.key);
  expect(pool.lookUps).toBe(2);
  listener.healthy = true;
  await store.principalOf(key.key);
  expect(pool.lookUps).toBe(3);
  listener.healthy = false;
  await store.principalOf(key.key);
  expect(pool.lookUps).toBe(4);
});

test("a thousand made-up keys with a right checksum cost a query each, and push no real one out of memory", async () => {
  const { store, pool } = createStore(true, 10);
  await store.principalOf(key.key);
  const madeUp = Array.from({ length: 1000 }, () => newApiKey().key);
  expect(await Promise.all(madeUp.map(store.principalOf))).toEqual(Array(1000).fill(null));
  expect(pool.lookUps).toBe(1001);
  await store.principalOf(madeUp[0] ?? "");
  expect(pool.lookUps).toBe(1002);
  await store.principalOf(key.key);
  expect(pool.lookUps).toBe(1002);
});

test("of more keys than are remembered the oldest is looked up again", async () => {
  const { store, pool } = createStore(true, 2);
  const [second, third] = [await createKey(app, owner), await createKey(app, owner)];
  for (const { key: text } of [key, second, third, second, third]) await store.principalOf(text);
  expect(pool.lookUps).toBe(3);
  expect(await store.principalOf(key.key)).toMatchObject({ apiKeyId: key.id });
  expect(pool.lookUps).toBe(4);
});

test("what cannot be a key costs no query at all", async () => {
  const { store, pool } = createStore();
  for (const text of ["", "tnk_", key.prefix, `${key.key}x`, `${key.key.slice(0, -1)}!`])
    expect(await store.principalOf(text)).toBeNull();
  expect(pool.lookUps).toBe(0);
});

async function lastUsed(): Promise<Date | null> {
  return (await app.deps.db.apiKey.findUniqueOrThrow({ where: { id: key.id } })).lastUsedAt;
}

/** The write is not awaited by whoever uses the key, so the test waits for it. */
async function written(after = new Date(0)): Promise<Date> {
  for (;;) {
    const moment = await lastUsed();
    if (moment && moment > after) return moment;
    await Bun.sleep(5);
  }
}

test("when a key was last used is written once a minute, however often it is used, and on how many instances", async () => {
  const [one, two] = [createStore(), createStore()];
  await Promise.all(Array.from({ length: 50 }, () => one.store.principalOf(key.key)));
  const first = await written();
  expect(Math.abs(first.getTime() - Date.now())).toBeLessThan(5000);
  one.store.forget();
  await one.store.principalOf(key.key);
  expect(one.pool.writes).toBe(1);
  await two.store.principalOf(key.key);
  await app.deps.pool.query("SELECT pg_sleep(0.05)");
  expect(two.pool.writes).toBe(1);
  expect(await lastUsed()).toEqual(first);

  const before = new Date(first.getTime() - 61_000);
  await app.deps.db.apiKey.update({ where: { id: key.id }, data: { lastUsedAt: before } });
  await createStore().store.principalOf(key.key);
  expect((await written(before)).getTime()).toBeGreaterThan(first.getTime());
});

test("a failure to write it is logged with the key's id, and the request goes on", async () => {
  const { store, pool, logged } = createStore();
  pool.broken = true;
  expect(await store.principalOf(key.key)).not.toBeNull();
  expect(await store.principalOf(key.key)).not.toBeNull();
  expect(logged).toEqual([
    [
      "warn",
      "the use of an API key is not noted",
      { apiKeyId: key.id, error: "Error: no such luck" },
    ],
  ]);
  expect(JSON.stringify(logged)).not.toContain(key.key.slice(13));
});

test("a key that nobody used has no last use, one that was refused neither", async () => {
  expect(await lastUsed()).toBeNull();
  await app.call(`DELETE /v1/api-keys/${key.id}`, { token: owner.accessToken });
  expect(await createStore().store.principalOf(key.key)).toBeNull();
  await app.deps.pool.query("SELECT pg_sleep(0.05)");
  expect(await lastUsed()).toBeNull();
});
