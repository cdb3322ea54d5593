import { beforeAll, expect, test } from "bun:test";
import type { Pool } from "pg";
import { createGrantStore } from "../../src/roles/grants.ts";
import { registerOwner, testApp } from "../support/app.ts";

const app = testApp();
let owner: { id: string };
beforeAll(async () => {
  owner = await registerOwner(app);
});

/** A store on a pool whose answers can be held back, and that counts its queries. */
function createStore(healthy = true) {
  const pool = { queries: 0, answer: Promise.resolve() };
  const query = async (config: unknown) => {
    pool.queries += 1;
    const answer = await app.deps.pool.query(config as string);
    await pool.answer;
    return answer;
  };
  const store = createGrantStore({ query } as unknown as Pool);
  const listener = { healthy };
  store.watch(listener);
  return { store, pool, listener };
}

test("grants are read once, and again after a change", async () => {
  const { store, pool } = createStore();
  const first = await store.of(owner.id);
  expect(first.roles).toEqual(["owner"]);
  expect(first.permissions.has("user:create")).toBe(true);
  expect(await store.of(owner.id)).toBe(first);
  store.forget("00000000-0000-7000-8000-000000000000");
  expect(await store.of(owner.id)).toBe(first);
  expect(pool.queries).toBe(1);
  store.forget(owner.id);
  await store.of(owner.id);
  store.forget();
  await store.of(owner.id);
  expect(pool.queries).toBe(3);
});

test("R44: an answer that was under way while the grants changed is not kept", async () => {
  const { store, pool } = createStore();
  const gate = Promise.withResolvers<void>();
  pool.answer = gate.promise;
  const underWay = store.of(owner.id);
  store.forget(owner.id);
  gate.resolve();
  await underWay;
  await store.of(owner.id);
  expect(pool.queries).toBe(2);
});

test("while changes may be missed nothing is used from memory, nor kept for later", async () => {
  const { store, pool, listener } = createStore(false);
  await store.of(owner.id);
  await store.of(owner.id);
  expect(pool.queries).toBe(2);
  listener.healthy = true;
  await store.of(owner.id);
  expect(pool.queries).toBe(3);
  listener.healthy = false;
  await store.of(owner.id);
  expect(pool.queries).toBe(4);
});

test("somebody without roles may do nothing", async () => {
  const { store } = createStore();
  const { roles, permissions } = await store.of("00000000-0000-7000-8000-000000000000");
  expect([roles.length, permissions.size]).toEqual([0, 0]);
});
