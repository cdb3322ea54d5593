/** Where attempts are counted: in the database for all instances, in memory, or not at all. */
import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import pg from "pg";
import { ApiError } from "../../src/errors.ts";
import { POLICIES } from "../../src/rate-limits/policies.ts";
import { createTestApp, type TestApp } from "../support/app.ts";
import { makeUser, newAddress, passTime, tryPassword } from "./callers.ts";

let app: TestApp;
let second: TestApp;
beforeAll(async () => {
  const env = { RATE_LIMITS: "database", TRUSTED_PROXY_HOPS: "1", DATABASE_POOL_SIZE: "20" };
  app = await createTestApp(env);
  second = await createTestApp({
    ...env,
    DATABASE_URL: app.database.appUrl,
    SECRET_KEY: app.deps.config.secretKey.toString("base64"),
  });
});
afterAll(async () => {
  await second.close();
  await app.close();
});

/** So many at once; how many were let through. */
async function letThrough(consume: () => Promise<unknown>, times: number): Promise<number> {
  const tries = await Promise.allSettled(Array.from({ length: times }, consume));
  for (const { reason } of tries.filter((tried) => tried.status === "rejected")) {
    expect(reason).toBeInstanceOf(ApiError);
    expect(reason.code).toBe("rate_limited");
  }
  return tries.filter(({ status }) => status === "fulfilled").length;
}

/** The points of one caller, whose key is that of the newest row. */
async function points(policy: string): Promise<number[]> {
  const { rows } = await app.deps.pool.query(
    "SELECT points FROM rate_limits WHERE key LIKE $1 ORDER BY expire DESC LIMIT 1",
    [`${policy}:%`],
  );
  return rows.map((row) => row.points);
}

describe("R54: RATE_LIMITS=database", () => {
  test("two instances share every budget, also when both are asked at once", async () => {
    const who = newAddress();
    const instances = [app.deps.rateLimits, second.deps.rateLimits];
    let turn = 0;
    const consume = async () => instances[turn++ % 2]?.consume("login", who);
    expect(await letThrough(consume, 80)).toBe(50);
    for (const { rateLimits } of [app.deps, second.deps])
      expect(await letThrough(() => rateLimits.consume("login", who), 1)).toBe(0);
  });

  test("what a right password resets at one instance is reset at the other", async () => {
    const { email } = await makeUser(app);
    const address = newAddress();
    for (let round = 0; round < 2; round++) {
      for (let n = 0; n < 9; n++)
        expect((await tryPassword(n % 2 ? app : second, address, email, "wrong")).status).toBe(401);
      expect((await tryPassword(round ? app : second, address, email)).status).toBe(200);
    }
  });

  test("two hundred right log-ins from one address are never limited, wrong ones are", async () => {
    const { email } = await makeUser(app);
    // What a hash costs is not what is tested here.
    const verifying = spyOn(app.deps.passwords, "verify").mockImplementation(
      async (_, password) => password !== "wrong",
    );
    try {
      const address = newAddress();
      for (let n = 0; n < 200; n++) {
        const { status, headers } = await tryPassword(app, address, email);
        expect([n, status]).toEqual([n, 200]);
        // The one before may still be on its way back.
        expect(headers.get("ratelimit")).toMatch(/r=4[789];/);
      }
      for (let n = 0; n < 50; n++)
        expect((await tryPassword(app, address, `nobody${n}@limits.example`, "wrong")).status).toBe(
          401,
        );
      const { status, body } = await tryPassword(app, address, email);
      expect([status, body["violated-policies"]]).toEqual([429, ["login"]]);
    } finally {
      verifying.mockRestore();
    }
  });

  test("more right log-ins at once than the quota hold nobody off for longer than they take", async () => {
    const { email } = await makeUser(app);
    const address = newAddress();
    const limit = spyOn(app.deps.rateLimits, "settle");
    // All have come before one is answered.
    const come = Promise.withResolvers<void>();
    const verifying = spyOn(app.deps.passwords, "verify").mockImplementation(async () => {
      await come.promise;
      return true;
    });
    try {
      const others = await Promise.all(Array.from({ length: 6 }, () => makeUser(app)));
      let refused = 0;
      const tries = Array.from({ length: 60 }, async (_, n) => {
        const { status } = await tryPassword(app, address, others[n % 6]?.email ?? email);
        if (status === 429) refused += 1;
        if (refused === 10) come.resolve();
        return status;
      });
      const statuses = await Promise.all(tries);
      expect(statuses.filter((status) => status === 200)).toHaveLength(50);
      await Promise.all(limit.mock.results.map(({ value }) => value));
      expect((await tryPassword(app, address, email)).status).toBe(200);
    } finally {
      verifying.mockRestore();
      limit.mockRestore();
    }
  });

  test("an attempt that is given back after its window leaves no credit, and no error", async () => {
    const who = newAddress();
    const { rateLimits } = app.deps;
    await rateLimits.consume("proof", who);
    await passTime(app, "proof");
    await rateLimits.settle([{ policy: "proof", who }]);
    await app.deps.pool.query("DELETE FROM rate_limits WHERE key LIKE 'proof:%'");
    await rateLimits.settle([{ policy: "proof", who }]);
    expect((await rateLimits.consume("proof", who)).remaining).toBe(29);
    expect(await points("proof")).toEqual([1]);
    await rateLimits.settle([{ policy: "proof", who }]);
    await rateLimits.settle([{ policy: "proof", who }]);
    expect(await points("proof")).toEqual([0]);
  });

  test("only what fails counts, where the policy says so: mails count all", async () => {
    const who = newAddress();
    const { rateLimits } = app.deps;
    await rateLimits.consume("mail", who);
    await rateLimits.settle([{ policy: "mail", who }]);
    expect((await rateLimits.consume("mail", who)).remaining).toBe(POLICIES.mail.quota - 2);
  });

  test("beyond twice the quota a flood is refused without a query", async () => {
    const who = newAddress();
    const consume = () => app.deps.rateLimits.consume("challenge", who);
    expect(await letThrough(consume, 120)).toBe(60);
    const queries = spyOn(pg.Client.prototype, "query");
    try {
      expect(await letThrough(consume, 1000)).toBe(0);
      const asked = queries.mock.calls.filter(([query]) => String(query) !== "SELECT 1");
      expect(asked).toEqual([]);
    } finally {
      queries.mockRestore();
    }
    // The window of the flood ends when it would have ended without it.
    const { resetSeconds } = await app.deps.rateLimits
      .consume("challenge", who)
      .catch(({ details }) => details.rateLimit);
    expect(resetSeconds).toBeWithin(40, 61);
  });

  test("an attempt costs one statement, and one that is given back another", async () => {
    const who = newAddress();
    const queries = spyOn(pg.Pool.prototype, "query");
    try {
      await app.deps.rateLimits.consume("login", who);
      expect(queries).toHaveBeenCalledTimes(1);
      await app.deps.rateLimits.settle([{ policy: "login", who }]);
      expect(queries).toHaveBeenCalledTimes(2);
    } finally {
      queries.mockRestore();
    }
  });
});

describe("without a shared table", () => {
  test("RATE_LIMITS=memory counts, resets and gives back, for one instance alone", async () => {
    const alone = await createTestApp({ RATE_LIMITS: "memory", TRUSTED_PROXY_HOPS: "1" });
    try {
      const { email } = await makeUser(alone);
      const address = newAddress();
      for (let n = 0; n < 10; n++)
        expect((await tryPassword(alone, address, email, "wrong")).status).toBe(401);
      const refused = await tryPassword(alone, address, email);
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "60"]);
      expect((await tryPassword(alone, newAddress(), email)).status).toBe(200);

      const { rateLimits } = alone.deps;
      await rateLimits.settle([{ policy: "login", who: "nobody was counted" }]);
      expect((await rateLimits.consume("login", "nobody was counted")).remaining).toBe(49);
      expect(await letThrough(() => rateLimits.consume("guess", "flood"), 500)).toBe(10);
      await rateLimits.reset("guess", "flood");
      expect(await letThrough(() => rateLimits.consume("guess", "flood"), 20)).toBe(10);
      const { rows } = await alone.deps.pool.query("SELECT FROM rate_limits");
      expect(rows).toEqual([]);
    } finally {
      await alone.close();
    }
  });

  test("RATE_LIMITS=off counts nothing and says nothing", async () => {
    const open = await createTestApp({ RATE_LIMITS: "off", TRUSTED_PROXY_HOPS: "1" });
    try {
      const address = newAddress();
      for (let n = 0; n < 12; n++) {
        const { status, headers } = await tryPassword(
          open,
          address,
          "nobody@limits.example",
          "wrong",
        );
        expect([status, headers.get("ratelimit"), headers.get("ratelimit-policy")]).toEqual([
          401,
          null,
          null,
        ]);
      }
      expect((await open.deps.pool.query("SELECT FROM rate_limits")).rows).toEqual([]);
    } finally {
      await open.close();
    }
  });
});

test("without its table or its database the doors stay shut: no attempt is let through uncounted", async () => {
  const { email } = await makeUser(app);
  const verifying = spyOn(app.deps.passwords, "verify");
  const sent = spyOn(app.served.pool, "plain").mockImplementation(() =>
    Promise.reject(Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" })),
  );
  try {
    const { status, headers, body } = await tryPassword(app, newAddress(), email);
    expect([status, body.code]).toEqual([503, "unavailable"]);
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
    expect(verifying).not.toHaveBeenCalled();
  } finally {
    sent.mockRestore();
    verifying.mockRestore();
  }
});
