/** What is scarce goes round by caller: nobody takes connections, or what reads a whole tenant, from the others. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createPool } from "../../src/db/client.ts";
import { inTenant } from "../../src/db/scope.ts";
import { COSTLY_WAITING_EACH, type ScopedPool } from "../../src/db/scoped-pool.ts";
import { ApiError } from "../../src/errors.ts";
import {
  type Account,
  createMember,
  createTestApp,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";

const fresh = () => `${randomName()}@x.example`;
const A = "00000000-0000-7000-8000-00000000000a";
const B = "00000000-0000-7000-8000-00000000000b";
/** Lets everything happen that needs no answer of the database. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

type Owner = Account & { tenantId: string };

const app = testApp({});
let a: Owner;
let b: Owner;
beforeAll(async () => {
  [a, b] = [await registerOwner(app), await registerOwner(app)];
});

describe("connections", () => {
  let pool: ScopedPool;
  beforeAll(() => {
    const { appUrl: databaseUrl } = app.database;
    pool = createPool({ databaseUrl, databasePoolSize: 3, databaseTimeoutSeconds: 2 });
  });
  afterAll(() => pool.end());

  test("R72: one tenant holds half of them, rounded up, and the next one's is free", async () => {
    const held = await inTenant(A, () => Promise.all([pool.connect(), pool.connect()]));
    let third = false;
    const waits = inTenant(A, () => pool.query("SELECT 1")).then(() => {
      third = true;
    });
    await inTenant(B, () => pool.query("SELECT 1"));
    expect(third).toBe(false);
    held[0]?.release();
    await waits;
    held[1]?.release();
  });

  test("R72: whoever waits for one is told to come back in the end, and holds nothing", async () => {
    const held = await inTenant(A, () => Promise.all([pool.connect(), pool.connect()]));
    const late = inTenant(A, () => pool.query("SELECT 1"));
    await expect(late).rejects.toThrow("timeout exceeded when trying to connect");
    for (const client of held) client.release();
    await inTenant(A, () => Promise.all([pool.query("SELECT 1"), pool.query("SELECT 1")]));
  });

  test("R72: a connection that breaks gives its turn back", async () => {
    for (let round = 0; round < 4; round += 1)
      await expect(
        inTenant(A, () => pool.query("SELECT pg_terminate_backend(pg_backend_pid())")),
      ).rejects.toThrow();
    await inTenant(A, () => Promise.all([pool.query("SELECT 1"), pool.query("SELECT 1")]));
  });
});

test("R72: nothing takes a second connection while it holds one: with a share of one all is answered", async () => {
  const small = await createTestApp({
    DATABASE_POOL_SIZE: "2",
    RATE_LIMITS: "database",
    DATABASE_TIMEOUT_SECONDS: "20",
  });
  try {
    const owner = await registerOwner(small);
    const member = await createMember(small, owner);
    const token = owner.accessToken;
    const key = () => ({ "idempotency-key": randomName() });
    const people = (n: number) => Array.from({ length: n }, () => ({ email: fresh() }));
    const calls = (): Promise<{ status: number; body: unknown }>[] => [
      small.call("POST /v1/users", {
        token,
        json: { email: fresh(), password: PASSWORD },
        headers: key(),
      }),
      small.call("POST /v1/users/bulk", {
        token,
        json: { operation: "create", items: people(5), atomic: true },
        headers: key(),
      }),
      small.call("POST /v1/users/bulk", { token, json: { operation: "create", items: people(5) } }),
      small.call("POST /v1/users/import", {
        token,
        body: `email\n${fresh()}\n${fresh()}\n`,
        headers: { "content-type": "text/csv", ...key() },
      }),
      small.call("POST /v1/invitations", { token, json: { email: fresh() }, headers: key() }),
      small.call("POST /v1/roles", { token, json: { name: randomName(), permissions: [] } }),
      small.call(`PATCH /v1/users/${member.id}`, { token, json: { firstName: "Ada" } }),
      small.call(`PUT /v1/users/${member.id}/roles`, { token, json: { roles: ["member"] } }),
      small.call("GET /v1/users?search=ada&page=1", { token }),
      small.call("GET /v1/users", { token }),
      small.call("GET /v1/audit-logs?action=user.created", { token }),
      small.call("GET /v1/users/export", { token }),
      small.call("GET /v1/tenants/current/usage", { token }),
      small.call(`GET /v1/users/${member.id}/personal-data`, { token }),
      small.call("GET /v1/auth/sessions", { token }),
      small.call("POST /v1/auth/login", { json: { email: owner.email, password: PASSWORD } }),
      small.call("POST /v1/auth/login", { json: { email: fresh(), password: PASSWORD } }),
      small.call("POST /v1/auth/forgot-password", { json: { email: owner.email } }),
      small.call("POST /v1/service-accounts", { token, json: { name: randomName(), roles: [] } }),
      small.call("POST /v1/api-keys", {
        token,
        json: { name: randomName(), scopes: ["user:read"] },
      }),
      small.call("POST /v1/auth/me/totp", { token }),
    ];
    const [answers] = await Promise.all([
      Promise.all(Array.from({ length: 2 }, calls).flat()),
      small.mail(),
    ]);
    const failed = answers.filter(({ status }) => status >= 500);
    expect(failed.map(({ status, body }) => [status, JSON.stringify(body)])).toEqual([]);
    await small.mail();
  } finally {
    await small.close();
  }
}, 120_000);

describe("searches, pages with a total and other reading that grows with the tenant", () => {
  const search = ({ accessToken: token }: Account) =>
    app.call("GET /v1/users?search=nobody", { token });

  test("R72: one of a tenant at a time: its plain list and the searches of others do not wait, and too many are told", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const held = inTenant(a.tenantId, () => app.served.pool.costly("read", () => promise));
    let answered = 0;
    const waiting = Array.from({ length: COSTLY_WAITING_EACH }, () =>
      search(a).then(({ status }) => {
        answered += 1;
        return status;
      }),
    );
    await settled();
    await settled();
    const list = await app.call("GET /v1/users", { token: a.accessToken });
    const others = await Promise.all([
      search(b),
      app.call("GET /v1/users?page=1", { token: b.accessToken }),
      app.call("GET /v1/audit-logs?outcome=failure", { token: b.accessToken }),
      app.call("GET /v1/tenants/current/usage", { token: b.accessToken }),
    ]);
    expect([list, ...others].map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    for (const path of [
      "/v1/users?search=nobody",
      "/v1/users?page=1",
      "/v1/users?status=disabled",
      "/v1/users?deleted=true",
      "/v1/audit-logs?action=x",
      "/v1/audit-logs?outcome=failure",
      "/v1/tenants/current/usage",
    ]) {
      const refused = await app.call(`GET ${path}`, { token: a.accessToken });
      expect([path, refused.status, refused.body.code]).toEqual([path, 503, "overloaded"]);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    }
    expect(answered).toBe(0);
    resolve();
    await held;
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => 200));
  });

  test("R72: a statement of a list ends after 3 s, through Prisma too, and is answered as overload", async () => {
    const { pool, db } = app.served;
    const started = performance.now();
    const late = await Promise.allSettled([
      inTenant(A, () => pool.costly("read", () => pool.query("SELECT pg_sleep(9)"))),
      inTenant(B, () => pool.costly("read", async () => db.$queryRaw`SELECT 1 FROM pg_sleep(9)`)),
    ]);
    expect(performance.now() - started).toBeLessThan(8000);
    for (const each of late) {
      const reason: unknown = each.status === "rejected" ? each.reason : null;
      expect(reason).toBeInstanceOf(ApiError);
      expect(reason).toMatchObject({ code: "overloaded" });
    }
  });
});
