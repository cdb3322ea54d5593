/**
 * Limits counted in Valkey or Redis: the same answers as from the database, and the database's while it is away. It needs
 * one of the two, so it is not among the tests that run everywhere:
 *   bun test ./tests/rate-limits/valkey.ts
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import type { PolicyName } from "../../src/rate-limits/policies.ts";
import type { Attempt, RateLimits } from "../../src/rate-limits/rate-limits.ts";
import { startServer } from "../server/start.ts";
import { createTestApp, PASSWORD, registerOwner, type TestApp } from "../support/app.ts";
import { startStore, type TestStore } from "../support/redis.ts";
import { parsePage, sampled } from "../watch/prometheus.ts";
import { newAddress, tryPassword } from "./callers.ts";

let store: TestStore;
/** Two instances that count in the store, and two that count in the database. */
let here: TestApp;
let there: TestApp;
let plain: [TestApp, TestApp];

beforeAll(async () => {
  store = await startStore();
  const env = {
    RATE_LIMITS: "database",
    RATE_LIMIT_STORE_URL: store.url,
    RATE_LIMIT_PROOF: "3/600/900",
    TRUSTED_PROXY_HOPS: "1",
    METRICS_PORT: "0",
  };
  here = await createTestApp(env);
  there = await beside(here, env);
  const { RATE_LIMIT_STORE_URL: _, ...without } = env;
  const first = await createTestApp(without);
  plain = [first, await beside(first, without)];
});
afterEach(async () => {
  store.thaw();
  await store.send("CONFIG", "SET", "maxmemory", "0").catch(() => store.start());
  await untilBack();
});
afterAll(async () => {
  for (const app of [...plain.toReversed(), there, here]) await app?.close();
  await store?.stop();
});

/** Another instance on the database of this one. */
function beside({ deps, database }: TestApp, env: Record<string, string>): Promise<TestApp> {
  return createTestApp({
    ...env,
    DATABASE_URL: database.appUrl,
    SECRET_KEY: deps.config.secretKey.toString("base64"),
  });
}

/** Until both instances count in the store again. */
async function untilBack(): Promise<void> {
  for (const { served } of [here, there]) {
    const deadline = Date.now() + 10_000;
    const count = async () => (await keysOf()).length;
    for (let before = await count(); ; before = await count()) {
      await served.rateLimits.consume("challenge", randomBytes(8).toString("hex"));
      if ((await count()) > before) break;
      if (Date.now() > deadline) throw new Error("the store does not come back");
      await Bun.sleep(50);
    }
  }
}

async function keysOf(): Promise<string[]> {
  return (await store.send("KEYS", "tenantry:limit:*")) as string[];
}

async function rowsOf(app: TestApp): Promise<number> {
  const { rows } = await app.deps.pool.query("SELECT count(*)::int AS count FROM rate_limits");
  return rows[0].count;
}

type Step =
  | { do: "consume"; points: number }
  | { do: "all"; points: number }
  | { do: "charge"; points: number }
  | { do: "settle" | "reset" };

const points = fc.integer({ min: 1, max: 3 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constantFrom("consume", "all", "charge"), points }),
    fc.record({ do: fc.constantFrom("settle", "reset") }),
  ),
  { maxLength: 20 },
);

/** What is answered, but for the seconds, which go on. */
async function answerOf(limits: RateLimits, who: string, step: Step): Promise<unknown> {
  // Its hold-off grows, its quota is soon used up, and what was right is given back.
  const policy: PolicyName = "proof";
  const all: Attempt[] = [
    { policy, who, points: 1 },
    { policy: "logins", who },
  ];
  try {
    if (step.do === "consume") {
      const { resetSeconds, ...rest } = await limits.consume(policy, who, step.points);
      return { ...rest, minutes: Math.round(resetSeconds / 60) };
    }
    if (step.do === "all") return await limits.consumeAll(all);
    if (step.do === "charge") return await limits.charge(policy, who, step.points);
    if (step.do === "settle") return await limits.settle([{ policy, who }]);
    return await limits.reset(policy, who);
  } catch (err) {
    const { code, details } = err as {
      code: string;
      details: { rateLimit: { resetSeconds: number; remaining: number } };
    };
    const { resetSeconds, ...rest } = details.rateLimit;
    return { code, ...rest, minutes: Math.round(resetSeconds / 60) };
  }
}

test("whatever is counted, charged, given back and reset, the answers are those of the database", async () => {
  const rows = await rowsOf(here);
  await fc.assert(
    fc.asyncProperty(steps, async (plan) => {
      const who = newAddress() + randomBytes(4).toString("hex");
      for (const [n, step] of plan.entries()) {
        // An instance remembers by itself who has gone far beyond the quota.
        const answers = [n % 2 ? here : there, plain[n % 2 ? 0 : 1]].map((app) =>
          answerOf(app.served.rateLimits, who, step),
        );
        const [counted, expected] = await Promise.all(answers);
        expect(counted).toEqual(expected);
      }
    }),
    { numRuns: 60 },
  );
  expect(await rowsOf(here)).toBe(rows);
});

test("a window ends when its time is over, by the clock of the store", async () => {
  const app = await createTestApp({
    RATE_LIMITS: "database",
    RATE_LIMIT_STORE_URL: store.url,
    // Long enough that a machine without time for it has counted three times within it.
    RATE_LIMIT_CHALLENGE: "2/4",
  });
  try {
    const { rateLimits } = app.served;
    for (const remaining of [1, 0])
      expect(await rateLimits.consume("challenge", "who")).toMatchObject({ remaining });
    await expect(rateLimits.consume("challenge", "who")).rejects.toMatchObject({
      code: "rate_limited",
    });
    await Bun.sleep(4100);
    expect(await rateLimits.consume("challenge", "who")).toMatchObject({ remaining: 1 });
  } finally {
    await app.close();
  }
});

test("two instances at once let through as many as the quota says", async () => {
  const who = newAddress();
  const tries = await Promise.allSettled(
    Array.from({ length: 100 }, (_, n) =>
      (n % 2 ? here : there).served.rateLimits.consume("login", who),
    ),
  );
  expect(tries.filter(({ status }) => status === "fulfilled")).toHaveLength(50);
});

/** What the metrics of the first instance say of the store. */
async function metric(name: string, labels = {}): Promise<number | undefined> {
  const page = parsePage((await here.served.metrics?.page()) ?? "");
  return sampled(page, `tenantry_limit_store_${name}`, labels);
}
const asked = (outcome: string) => metric("seconds_count", { outcome });

test("the metrics say what the store was asked, and whether it counts", async () => {
  const count = () => here.served.rateLimits.consume("challenge", randomBytes(8).toString("hex"));
  const before = (await asked("ok")) ?? 0;
  await count();
  expect([await asked("ok"), await metric("healthy")]).toEqual([before + 1, 1]);
  const failed = (await asked("failed")) ?? 0;
  store.freeze();
  await count();
  expect([await asked("failed"), await metric("healthy")]).toEqual([failed + 1, 0]);
  // It is asked nothing while it is away.
  await count();
  expect(await asked("failed")).toBe(failed + 1);
});

test("an instance that stood still itself does not take the store for silent", async () => {
  const [answered = 0, failed] = [await asked("ok"), await asked("failed")];
  const count = here.served.rateLimits.consume("challenge", randomBytes(8).toString("hex"));
  // So that it is on its way, and nothing has been read yet.
  for (let turns = 0; turns < 20; turns += 1) await Promise.resolve();
  Bun.sleepSync(600);
  await count;
  expect([await asked("ok"), await asked("failed")]).toEqual([answered + 1, failed]);
});

test("names in the store are hashes, and every one of them ends by itself", async () => {
  const who = "somebody@store.example";
  await here.served.rateLimits.consumeAll([{ policy: "guess", who, points: 4 }]).catch(() => {});
  const keys = await keysOf();
  expect(keys.length).toBeGreaterThan(0);
  for (const key of keys) {
    expect(key).toMatch(/^tenantry:limit:(probe|[a-z_]+(-strikes)?:[\w-]{43})$/);
    expect(await store.send("PTTL", key)).not.toBe(-1);
  }
});

/** What happens to the store, and what brings it back is in afterEach. */
const ABSENCES: [string, () => unknown][] = [
  ["killed", () => store.stop()],
  ["silent", () => store.freeze()],
  ["full", () => store.send("CONFIG", "SET", "maxmemory", "1")],
];

test.each(ABSENCES)(
  "a store that is %s leaves it to the database: nobody is let through uncounted, and nobody refused",
  async (_, takeAway) => {
    const who = newAddress();
    const consume = () => here.served.rateLimits.consume("login", who);
    await consume();
    const rows = await rowsOf(here);
    await takeAway();
    const tries = await Promise.allSettled(Array.from({ length: 60 }, consume));
    for (const each of tries)
      if (each.status === "rejected") expect(each.reason).toMatchObject({ code: "rate_limited" });
    expect(tries.filter(({ status }) => status === "fulfilled")).toHaveLength(50);
    // The attempts, and how often somebody was held off.
    expect(await rowsOf(here)).toBe(rows + 2);
    // From then on nobody waits for it. What else the machine does is in some of the times, a wait would be in each.
    const millis: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const start = performance.now();
      await here.served.rateLimits.consume("login", newAddress());
      millis.push(performance.now() - start);
    }
    expect(Math.min(...millis)).toBeLessThan(200);
  },
);

test("a log-in counts in the store, and a lockout in the database whatever the store forgets", async () => {
  const owner = await registerOwner(here);
  const guess = (app: TestApp, password?: string) =>
    tryPassword(app, newAddress(), owner.email, password);
  for (let n = 0; n < 50; n += 1) await guess(n % 2 ? here : there, "wrong password of somebody");
  await store.send("FLUSHALL");
  expect((await guess(here, PASSWORD)).status).toBe(401);
  const { lockedUntil } = await here.deps.db.account.findFirstOrThrow({ where: { id: owner.id } });
  expect(lockedUntil?.getTime()).toBeGreaterThan(Date.now());
});

test("an instance starts without its store, says so, and counts there once it is found", async () => {
  await store.stop();
  const server = await startServer({ RATE_LIMIT_STORE_URL: store.url, TRUSTED_PROXY_HOPS: "1" });
  try {
    expect(server.output()).toContain("the store of rate limits is away, the database counts");
    await store.start();
    const deadline = Date.now() + 10_000;
    while (!server.output().includes("the store of rate limits is back")) {
      if (Date.now() > deadline) throw new Error("not found again");
      await Bun.sleep(50);
    }
    expect(server.output()).not.toContain(new URL(store.url).password);
  } finally {
    await server.stop();
  }
});
