/** What is costly has a budget by user, tenant and network. */
import { beforeAll, describe, expect, test } from "bun:test";
import { guesser } from "../../src/auth/guessing.ts";
import { POLICIES } from "../../src/rate-limits/policies.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";

const fresh = () => `${randomName()}@x.example`;
/** Lets everything happen that needs no answer of the database. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

type Owner = Account & { tenantId: string };

const app = testApp({ RATE_LIMITS: "database", TRUSTED_PROXY_HOPS: "1" });
let a: Owner;
let b: Owner;
beforeAll(async () => {
  [a, b] = [await registerOwner(app), await registerOwner(app)];
});

describe("R72: what costs a hash", () => {
  const from = (ip: string) => ({ "x-forwarded-for": ip });

  test("a password shown again in a session: ten guesses a minute of a user at an address, by either route", async () => {
    const user = await createMember(app, a);
    const token = user.accessToken;
    const wrong = (n: number, ip = "192.0.2.1") =>
      n % 2
        ? app.call("POST /v1/auth/reauthenticate", {
            token,
            json: { password: "wrong" },
            headers: from(ip),
          })
        : app.call("POST /v1/auth/change-password", {
            token,
            json: { currentPassword: "wrong", newPassword: `${PASSWORD} ${n}` },
            headers: from(ip),
          });
    for (let n = 0; n < POLICIES.guess.quota; n += 1) expect((await wrong(n)).status).toBe(422);
    for (const n of [0, 1]) {
      const refused = await wrong(n);
      expect([refused.status, refused.body["violated-policies"]]).toEqual([429, ["guess"]]);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    }
    // The owner elsewhere is not held off.
    const right = await app.call("POST /v1/auth/reauthenticate", {
      token,
      json: { password: PASSWORD },
      headers: from("192.0.2.2"),
    });
    expect(right.status).toBe(200);
  });

  test("the right ones too: thirty an hour of a user, from wherever", async () => {
    const user = await createMember(app, a);
    const token = user.accessToken;
    const { quota } = POLICIES.password;
    await app.deps.rateLimits.charge("password", user.id, quota - 1);
    const again = (ip: string) =>
      app.call("POST /v1/auth/change-password", {
        token,
        json: { currentPassword: PASSWORD, newPassword: "another correct horse battery" },
        headers: from(ip),
      });
    expect((await again("192.0.2.3")).status).toBe(204);
    const refused = await again("192.0.2.4");
    expect([refused.status, refused.body["violated-policies"]]).toEqual([429, ["password"]]);
    expect(refused.headers.get("ratelimit")).toContain('"password";r=0');
  });

  test("right log-ins: of one account from one address, and of all accounts from one address", async () => {
    const login = (email: string, ip: string) =>
      app.call("POST /v1/auth/login", { json: { email, password: PASSWORD }, headers: from(ip) });
    const { rateLimits, config } = app.deps;
    const who = guesser(
      {
        config,
        origin: { ip: "192.0.2.5", requestId: "", userAgent: null, language: null, device: null },
      },
      { email: a.email },
    );
    await rateLimits.charge("account_logins", who, POLICIES.account_logins.quota - 1);
    expect((await login(a.email, "192.0.2.5")).status).toBe(200);
    expect((await login(a.email, "192.0.2.5")).body["violated-policies"]).toEqual([
      "account_logins",
    ]);
    expect((await login(a.email, "192.0.2.6")).status).toBe(200);
    expect((await login(b.email, "192.0.2.5")).status).toBe(200);
    await rateLimits.charge("logins", "192.0.2.7", POLICIES.logins.quota);
    expect((await login(b.email, "192.0.2.7")).body["violated-policies"]).toEqual(["logins"]);
  });

  test("passwords that administrators set, one by one or in bulk, of a tenant; and users without one are made", async () => {
    const owner = await registerOwner(app);
    const token = owner.accessToken;
    await app.deps.rateLimits.charge(
      "set_passwords",
      owner.tenantId,
      POLICIES.set_passwords.quota - 1,
    );
    const one = { email: fresh(), password: PASSWORD };
    const bulk = [one, { ...one, email: fresh() }];
    const make = (json: unknown) => app.call("POST /v1/users", { token, json });
    const refused = await app.call("POST /v1/users/bulk", {
      token,
      json: { operation: "create", items: bulk },
    });
    expect([refused.status, refused.body["violated-policies"]]).toEqual([429, ["set_passwords"]]);
    expect((await make(one)).body["violated-policies"]).toEqual(["set_passwords"]);
    expect((await make({ email: fresh() })).status).toBe(201);
    expect(await app.deps.db.user.count({ where: { tenantId: owner.tenantId } })).toBe(2);
  });
});

test("R72: users that a tenant makes are counted a day, one by one, in bulk and by import", async () => {
  const owner = await registerOwner(app);
  const token = owner.accessToken;
  const rows = (count: number) =>
    app.call("POST /v1/users/import", {
      token,
      body: ["email", ...Array.from({ length: count }, fresh)].join("\n"),
      headers: { "content-type": "text/csv", "idempotency-key": randomName() },
    });
  await app.deps.rateLimits.charge("new_users", owner.tenantId, POLICIES.new_users.quota - 5);
  expect((await app.call("POST /v1/users", { token, json: { email: fresh() } })).status).toBe(201);
  // One that is begun is done whole; the next one is too many.
  expect((await rows(6)).body.created).toBe(6);
  const refused = [
    await rows(1),
    await app.call("POST /v1/users", { token, json: { email: fresh() } }),
    await app.call("POST /v1/users/bulk", {
      token,
      json: { operation: "create", items: [{ email: fresh() }] },
    }),
  ];
  for (const { status, body } of refused)
    expect([status, body["violated-policies"]]).toEqual([429, ["new_users"]]);
});

test("R72: what the operator makes in a tenant is counted nowhere, in no way", async () => {
  const owner = await registerOwner(app);
  const { accessToken: token, id } = await createSuperAdmin(app);
  const { rateLimits } = app.deps;
  const { quota } = POLICIES.new_users;
  for (const who of [owner.tenantId, id]) await rateLimits.charge("new_users", who, quota);
  const json = { email: fresh(), tenantId: owner.tenantId };
  expect((await app.call("POST /v1/users", { token, json })).status).toBe(201);
  const imported = await app.call(`POST /v1/users/import?tenantId=${owner.tenantId}`, {
    token,
    body: `email\n${fresh()}`,
    headers: { "content-type": "text/csv", "idempotency-key": randomName() },
  });
  expect([imported.status, imported.body.created]).toEqual([200, 1]);
});

test("R72: API keys and service accounts are counted by tenant", async () => {
  const owner = await registerOwner(app);
  const token = owner.accessToken;
  await app.deps.rateLimits.charge("new_machines", owner.tenantId, POLICIES.new_machines.quota);
  for (const route of ["POST /v1/service-accounts", "POST /v1/api-keys"]) {
    const json = route.endsWith("keys")
      ? { name: "x", scopes: ["user:read"] }
      : { name: "x", roles: [] };
    const { status, body } = await app.call(route, { token, json });
    expect([route, status, body["violated-policies"]]).toEqual([route, 429, ["new_machines"]]);
  }
});

describe("R72: answers kept under an Idempotency-Key", () => {
  test("one of more than 64 KiB is noted and not kept: the second request does nothing, and hears so", async () => {
    const owner = await registerOwner(app);
    const token = owner.accessToken;
    const bad = Array.from({ length: 480 }, () => ({
      email: "no address",
      firstName: 5,
      lastName: 5,
    }));
    const json = { operation: "create", items: [{ email: fresh() }, ...bad] };
    const headers = { "idempotency-key": randomName() };
    const first = await app.call("POST /v1/users/bulk", { token, json, headers });
    expect([first.status, first.body.succeeded]).toEqual([200, 1]);
    expect(JSON.stringify(first.body).length).toBeGreaterThan(65_536);
    const second = await app.call("POST /v1/users/bulk", { token, json, headers });
    expect([second.status, second.body.code]).toEqual([409, "answer_not_kept"]);
    const other = { ...json, atomic: true };
    const third = await app.call("POST /v1/users/bulk", { token, json: other, headers });
    expect(third.body.code).toBe("idempotency_key_reused");
    const where = { tenantId: owner.tenantId };
    expect(await app.deps.db.user.count({ where })).toBe(2);
    const [kept] = await app.deps.db.idempotencyKey.findMany({ where });
    expect(kept?.response?.length).toBeLessThan(1000);
  });

  test("a tenant has a budget of them a day: beyond it 429 with the header, but what was done is told", async () => {
    const owner = await registerOwner(app);
    const token = owner.accessToken;
    const json = { email: fresh() };
    const headers = { "idempotency-key": randomName() };
    const first = await app.call("POST /v1/users", { token, json, headers });
    await app.deps.rateLimits.charge("kept_answers", owner.tenantId, POLICIES.kept_answers.quota);
    const again = await app.call("POST /v1/users", { token, json, headers });
    expect([again.status, again.body]).toEqual([201, first.body]);
    const refused = await app.call("POST /v1/users", {
      token,
      json: { email: fresh() },
      headers: { "idempotency-key": randomName() },
    });
    expect([refused.status, refused.body["violated-policies"]]).toEqual([429, ["kept_answers"]]);
    // What has expired is told no more.
    const { db } = app.deps;
    await db.idempotencyKey.updateMany({
      where: { tenantId: owner.tenantId },
      data: { createdAt: new Date(0), expiresAt: new Date(1000) },
    });
    expect((await app.call("POST /v1/users", { token, json, headers })).status).toBe(429);
    const plain = await app.call("POST /v1/users", { token, json: { email: fresh() } });
    expect(plain.status).toBe(201);
    expect(await app.deps.db.user.count({ where: { tenantId: owner.tenantId } })).toBe(3);
  });

  test("each counts by its size", async () => {
    const owner = await registerOwner(app);
    const items = Array.from({ length: 200 }, () => ({ email: fresh() }));
    await app.call("POST /v1/users/bulk", {
      token: owner.accessToken,
      json: { operation: "create", items },
      headers: { "idempotency-key": randomName() },
    });
    await settled();
    const state = await app.deps.rateLimits.consume("kept_answers", owner.tenantId);
    expect(POLICIES.kept_answers.quota - state.remaining).toBeGreaterThan(10);
  });
});

describe("R72: a hash that takes more than 0.4 s of a core is refused, by whatever route it comes", () => {
  const DEAR = `$argon2id$v=19$m=262144,t=4,p=1$${"A".repeat(22)}$${"A".repeat(43)}`;

  test("create, bulk and import", async () => {
    const token = a.accessToken;
    const user = { email: fresh(), passwordHash: DEAR };
    const created = await app.call("POST /v1/users", { token, json: user });
    expect(created.status).toBe(422);
    expect(created.body.errors[0].message).toContain("0.4 s");
    const bulk = await app.call("POST /v1/users/bulk", {
      token,
      json: { operation: "create", items: [user] },
    });
    expect(bulk.body.results[0].status).toBe(422);
    const imported = await app.call("POST /v1/users/import", {
      token,
      body: JSON.stringify(user),
      headers: { "content-type": "application/x-ndjson", "idempotency-key": randomName() },
    });
    expect(imported.body).toMatchObject({ created: 0, failed: 1 });
    expect(await app.deps.db.user.count({ where: { email: user.email } })).toBe(0);
  });
});
