/** Two instances on one database: what takes a key its power on the one takes it on the other, and memory costs no query. */
import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import pg from "pg";
import {
  type Account,
  createMember,
  createSuperAdmin,
  createTestApp,
  registerOwner,
  type TestApp,
} from "../support/app.ts";
import { createKey, createService, type Key, use } from "./keys.ts";

const NOBODY = "00000000-0000-7000-8000-000000000000";

let first: TestApp;
let second: TestApp;
let root: Account;
beforeAll(async () => {
  first = await createTestApp();
  second = await createTestApp({
    DATABASE_URL: first.database.url,
    SECRET_KEY: first.deps.config.secretKey.toString("base64"),
  });
  root = await createSuperAdmin(first);
});
afterAll(async () => {
  await second.close();
  await first.close();
});

/** Asks until it is so. */
async function within(millis: number, isSo: () => Promise<boolean>) {
  const end = Date.now() + millis;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`not within ${millis} ms`);
    await Bun.sleep(5);
  }
}

const listens = ({ deps }: TestApp) =>
  typeof deps.revocations.isRevoked(NOBODY, NOBODY) === "boolean";

/** The first may listen again before the second has noticed. */
async function cutListeners() {
  await first.deps.pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'tenantry listener'`,
  );
  const waiting = new Set([first, second]);
  await within(30_000, async () => {
    for (const app of waiting) if (!listens(app)) waiting.delete(app);
    return waiting.size === 0;
  });
}

type World = { owner: Account & { tenantId: string }; user: { id: string }; key: Key };
const sql = (text: string, id: string) => first.deps.pool.query(text, [id]);
const as = (who: Account, route: string, json?: unknown) =>
  first.call(route, { token: who.accessToken, ...(json !== undefined && { json }) });

/** Through the API, which forgets at once, and by hand, which this instance hears of like the other. */
const ends: Record<string, (world: World) => Promise<unknown>> = {
  "revoking the key": ({ owner, key }) => as(owner, `DELETE /v1/api-keys/${key.id}`),
  "disabling the user": ({ owner, user }) =>
    as(owner, `PATCH /v1/users/${user.id}`, { status: "disabled" }),
  "deleting the user": ({ owner, user }) => as(owner, `DELETE /v1/users/${user.id}`),
  "suspending the tenant": ({ owner }) => as(root, `POST /v1/tenants/${owner.tenantId}/suspend`),
  "deleting the tenant": ({ owner }) => as(root, `DELETE /v1/tenants/${owner.tenantId}`),
};
const endsByHand: Record<string, (world: World) => Promise<unknown>> = {
  "a revocation by hand": ({ key }) =>
    sql("UPDATE api_keys SET revoked_at = now() WHERE id = $1", key.id),
  "a deletion by hand": ({ key }) => sql("DELETE FROM api_keys WHERE id = $1", key.id),
  "an expiry by hand": ({ key }) =>
    sql(
      "UPDATE api_keys SET created_at = now() - interval '2 days', expires_at = now() - interval '1 day' WHERE id = $1",
      key.id,
    ),
  "a disabling by hand": ({ user }) =>
    sql("UPDATE users SET status = 'disabled' WHERE id = $1", user.id),
  "a suspension by hand": ({ owner }) =>
    sql("UPDATE tenants SET status = 'suspended' WHERE id = $1", owner.tenantId),
};

async function createWorld(): Promise<World> {
  const owner = await registerOwner(first);
  const user = await createMember(first, owner);
  const key = await createKey(first, owner, { userId: user.id });
  expect([await use(first, key), await use(second, key)]).toEqual([200, 200]);
  return { owner, user, key };
}

for (const [name, end] of Object.entries(ends)) {
  test(`R36: after ${name} the key is refused, at once here and within a second there`, async () => {
    const world = await createWorld();
    await end(world);
    expect(await use(first, world.key)).toBe(401);
    await within(1000, async () => (await use(second, world.key)) === 401);
  });
}

for (const [name, end] of Object.entries(endsByHand)) {
  test(`R36: after ${name} the key is refused on both within a second`, async () => {
    const world = await createWorld();
    await end(world);
    for (const app of [first, second])
      await within(1000, async () => (await use(app, world.key)) === 401);
  });
}

test("R36: disabling and deleting a service account end its keys; a key of another account goes on", async () => {
  const owner = await registerOwner(first);
  const [one, two] = [await createService(first, owner), await createService(first, owner)];
  const keys = [
    await createKey(first, owner, { userId: one.id }),
    await createKey(first, owner, { userId: two.id }),
  ] as const;
  const statuses = (app: TestApp) => Promise.all(keys.map((key) => use(app, key)));
  expect([...(await statuses(first)), ...(await statuses(second))]).toEqual([200, 200, 200, 200]);
  const path = `/v1/service-accounts/${one.id}`;
  for (const [route, json, status] of [
    [`PATCH ${path}`, { status: "disabled" }, 401],
    [`PATCH ${path}`, { status: "active" }, 200],
    [`DELETE ${path}`, undefined, 401],
  ] as const) {
    await as(owner, route, json);
    expect(await statuses(first)).toEqual([status, 200]);
    await within(1000, async () => (await use(second, keys[0])) === status);
  }
  expect(await use(second, keys[1])).toBe(200);
});

test("R44: a role that the user loses is lost to the key on both, and scopes made narrower too", async () => {
  const owner = await registerOwner(first);
  const member = await createMember(first, owner, ["auditor"]);
  const json = { userId: member.id, scopes: ["user:read", "audit:read"] };
  const key = await createKey(first, owner, json);
  const audit = async (app: TestApp) =>
    (await app.call("GET /v1/audit-logs", { token: key.key })).status;
  expect([await audit(first), await audit(second)]).toEqual([200, 200]);
  await as(owner, `PATCH /v1/users/${member.id}`, { roles: ["member"] });
  expect(await audit(first)).toBe(403);
  await within(1000, async () => (await audit(second)) === 403);
  expect([await use(first, key), await use(second, key)]).toEqual([200, 200]);

  await sql("UPDATE api_keys SET scopes = '{audit:read}' WHERE id = $1", key.id);
  for (const app of [first, second]) await within(1000, async () => (await use(app, key)) === 403);
});

test("R36: a key expires by the clock, from memory too", async () => {
  const { key } = await createWorld();
  await sql("UPDATE api_keys SET expires_at = now() + interval '700 ms' WHERE id = $1", key.id);
  await Bun.sleep(150);
  expect([await use(first, key), await use(second, key)]).toEqual([200, 200]);
  const queries = spyOn(pg.Client.prototype, "query");
  try {
    await within(1000, async () => (await use(first, key)) === 401);
    const lookUps = queries.mock.calls.filter(([query]) => /key_hash/.test(textOf(query)));
    expect(lookUps).toEqual([]);
  } finally {
    queries.mockRestore();
  }
  expect(await use(second, key)).toBe(401);
});

const textOf = (query: unknown): string =>
  typeof query === "string" ? query : (query as { text: string }).text;

test("a key that is known costs no query: to authenticate and to authorize", async () => {
  const { key } = await createWorld();
  const forbidden = () => second.call("POST /v1/tenants", { token: key.key, json: {} });
  expect((await forbidden()).status).toBe(403);
  // The heartbeat of the listeners goes on meanwhile.
  const queries = spyOn(pg.Client.prototype, "query");
  try {
    for (let n = 0; n < 50; n += 1) expect((await forbidden()).status).toBe(403);
    expect(
      queries.mock.calls.map(([query]) => query).filter((query) => query !== "SELECT 1"),
    ).toEqual([]);
  } finally {
    queries.mockRestore();
  }
});

describe("when the listeners' connections are cut", () => {
  const all = { ...ends, ...endsByHand };
  test(`R36: ${Object.keys(all).length} ways of ending a key count at once, by the database's word, and after recovery`, async () => {
    const worlds: { name: string; world: World; end: (world: World) => Promise<unknown> }[] = [];
    for (const [name, end] of Object.entries(all))
      worlds.push({ name, end, world: await createWorld() });
    let deaf = 0;
    for (const { name, end, world } of worlds) {
      await cutListeners();
      await end(world);
      const statuses = [await use(first, world.key), await use(second, world.key)];
      expect([name, statuses]).toEqual([name, [401, 401]]);
      if (!listens(second)) deaf += 1;
    }
    // On a slow machine some may have listened again by then.
    expect(deaf).toBeGreaterThan(0);
    await within(30_000, async () => listens(first) && listens(second));
    for (const { world } of worlds) expect(await use(second, world.key)).toBe(401);
  });
});
