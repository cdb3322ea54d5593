/** The database goes away under a running server, and comes back. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { SQL } from "bun";
import { Problem } from "../../src/http/operation.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { type DatabaseProxy, startProxy } from "./proxy.ts";
import { type Server, startServer } from "./start.ts";

const TIMEOUT_SECONDS = 2;
const account = { email: "owner@outage.example", password: "correct horse battery staple" };

let database: TestDatabase;
let proxy: DatabaseProxy;
let server: Server;
let token: string;
let refreshToken: string;
beforeAll(async () => {
  database = await createDatabase();
  proxy = await startProxy(database.appUrl);
  const DATABASE_TIMEOUT_SECONDS = String(TIMEOUT_SECONDS);
  // It is short for a machine that has much to do: a start tries again then.
  const DATABASE_WAIT_SECONDS = "60";
  server = await startServer({
    DATABASE_URL: proxy.url,
    DATABASE_TIMEOUT_SECONDS,
    DATABASE_WAIT_SECONDS,
  });
  const tenant = { name: "Outage", slug: "outage" };
  const registered = await call("POST", "/v1/auth/register", { ...account, tenant });
  token = registered.body.accessToken as string;
  refreshToken = registered.body.refreshToken as string;
});
afterAll(async () => {
  await server.stop();
  await proxy.close();
  await database.drop();
});
afterEach(async () => {
  proxy.restore();
  await recovered();
});

type Called = { status: number; headers: Headers; body: Record<string, unknown>; seconds: number };

async function call(
  method: string,
  path: string,
  json?: object,
  headers?: Record<string, string>,
): Promise<Called> {
  const started = performance.now();
  const response = await fetch(server.url + path, {
    method,
    headers: {
      ...headers,
      ...(json && { "content-type": "application/json" }),
      ...(token && { authorization: `Bearer ${token}` }),
    },
    ...(json && { body: JSON.stringify(json) }),
  });
  const body = (await response.json()) as Record<string, unknown>;
  const seconds = (performance.now() - started) / 1000;
  return { status: response.status, headers: response.headers, body, seconds };
}

/** Everything works again, and soon. */
async function recovered(): Promise<void> {
  for (const deadline = Date.now() + 8000; Date.now() < deadline; await Bun.sleep(50)) {
    if ((await call("GET", "/health/ready")).status === 200) break;
  }
  const calls = [
    call("GET", "/v1/auth/me"),
    call("GET", "/v1/users"),
    call("POST", "/v1/auth/login", account),
    call("PATCH", "/v1/auth/me/profile", { language: "de" }),
  ];
  expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
}

function expectUnavailable({ status, headers, body, seconds }: Called): void {
  expect(Problem.strict().parse(body)).toMatchObject({ code: "unavailable", status: 503 });
  expect(status).toBe(503);
  expect(headers.get("content-type")).toBe("application/problem+json");
  expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  expect(JSON.stringify(body)).not.toMatch(/ECONN|terminated|127\.0\.0\.1|prisma|timeout/i);
  // A connection that was idle may be tried in vain before a new one is.
  expect(seconds).toBeLessThan(2 * (TIMEOUT_SECONDS + 1) + 1);
}

for (const [what, how] of [
  ["stopped", "cut"],
  ["silent, as behind a firewall that drops what it sees", "freeze"],
] as const) {
  describe(`while the database is ${what}`, () => {
    test("/health/live is 200 and /health/ready 503, without delay", async () => {
      proxy[how]();
      const [live, ready] = await Promise.all([
        call("GET", "/health/live"),
        call("GET", "/health/ready"),
      ]);
      expect([live.status, ready.status]).toEqual([200, 503]);
      expect(ready.body).toMatchObject({
        status: "unavailable",
        checks: { database: "unreachable" },
      });
      // Readiness gives the database two seconds.
      expect(live.seconds).toBeLessThan(1.8);
      expect(ready.seconds).toBeLessThan(5);
    });

    test("every route that needs it answers 503 with Retry-After in bounded time, and works again after it", async () => {
      // Some connections idle, as in a server that was busy a moment ago.
      await Promise.all(Array.from({ length: 5 }, () => call("GET", "/v1/users")));
      proxy[how]();
      const answers = await Promise.all([
        call("GET", "/v1/auth/me"),
        call("GET", "/v1/users"),
        call("GET", "/v1/audit-logs"),
        call("POST", "/v1/users", { email: "never@outage.example" }),
        call("POST", "/v1/auth/login", account),
        call("POST", "/v1/auth/refresh", { refreshToken }),
        call("PATCH", "/v1/auth/me/profile", { language: "fr" }),
      ]);
      answers.forEach(expectUnavailable);
      expectUnavailable(await call("GET", "/v1/users"));
    });

    test("bad input is still a 4xx: it needs no database to be seen", async () => {
      proxy[how]();
      expect((await call("POST", "/v1/auth/login", { email: 1 })).status).toBe(422);
      expect((await call("GET", "/v1/nope")).status).toBe(404);
    });
  });

  test(`a transaction in which the database goes ${how} leaves nothing half-written`, async () => {
    const email = `half-${how}@outage.example`;
    // The user is inserted; the audit row of the same transaction, whose action this is, is on its way.
    proxy.onSent("user.created", () => proxy[how]());
    expectUnavailable(await call("POST", "/v1/users", { email }));
    proxy.restore();
    await recovered();

    const sql = new SQL(database.url);
    const rows = await sql`
      SELECT (SELECT count(*)::int FROM users WHERE email = ${email}) AS users,
        (SELECT count(*)::int FROM audit_log WHERE action = 'user.created') AS audited`;
    await sql.end();
    expect([...rows]).toEqual([{ users: 0, audited: 0 }]);
  });
}

test("a change whose commit is not answered is not made again under its key", async () => {
  const sql = new SQL(database.url);
  // The commit takes its time, and the connection is cut meanwhile: PostgreSQL finishes it, and nobody hears of it.
  await sql.unsafe(`
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON api_keys DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()`);
  const json = { name: "made in an outage", scopes: ["user:read"] };
  const key = { "idempotency-key": crypto.randomUUID() };
  // At once there again for the next connection, and so for what would give the key back.
  proxy.onSent("api_key.created", () =>
    setTimeout(() => {
      proxy.cut();
      proxy.restore();
    }, 400),
  );
  expectUnavailable(await call("POST", "/v1/api-keys", json, key));
  await Bun.sleep(2500);
  await sql.unsafe("DROP TRIGGER slow ON api_keys; DROP FUNCTION slow()");
  await sql`UPDATE idempotency_keys SET created_at = created_at - interval '1 minute'`;
  expect((await call("POST", "/v1/api-keys", json, key)).body.code).toBe("answer_not_kept");
  const made = await sql`SELECT FROM api_keys WHERE name = ${json.name}`;
  await sql.end();
  expect(made).toHaveLength(1);
});
