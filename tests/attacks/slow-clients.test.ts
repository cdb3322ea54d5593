/** R71: nothing that others need is held while a client sends or reads. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createApp } from "../../src/app.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  createTestApp,
  logIn,
  PASSWORD,
  randomName,
  registerOwner,
  type TestApp,
} from "../support/app.ts";
import {
  endBody,
  longTransactions,
  openRequest,
  sendPiece,
  timed,
  trickleImport,
  until,
} from "./slow.ts";

const TIMEOUT_SECONDS = 2;
/** What others may wait, on a machine that has other things to do. */
const PROMPT_MILLIS = 4000;

let app: TestApp;
let server: Bun.Server<unknown>;
let port: number;
let root: Account;
let bystander: Account & { tenantId: string };
beforeAll(async () => {
  app = await createTestApp({
    DATABASE_POOL_SIZE: "4",
    CLIENT_TIMEOUT_SECONDS: String(TIMEOUT_SECONDS),
  });
  server = Bun.serve({ port: 0, fetch: createApp(app.served, []).fetch });
  port = server.port ?? 0;
  root = await createSuperAdmin(app);
  bystander = await registerOwner(app);
});
afterAll(async () => {
  await server.stop(true);
  await app.close();
});

const people = ({ tenantId }: { tenantId: string }) =>
  app.deps.db.user.count({ where: { tenantId } });

async function expectPrompt(work: Promise<{ status: number }>, status: number): Promise<void> {
  const { millis, result } = await timed(work);
  expect(result.status).toBe(status);
  expect(millis).toBeLessThan(PROMPT_MILLIS);
}

test("R71: twelve slow atomic imports hold nothing: others work, the admin is demoted, the tenant suspended", async () => {
  const owner = await registerOwner(app);
  const admin = await createMember(app, owner, ["admin"]);
  const before = await people(owner);
  const imports = Array.from({ length: 12 }, () => trickleImport(port, admin.accessToken));
  // Two are read; the others are told at once, while their bodies are still to come.
  await until(() => imports.filter(({ text }) => text() !== "").length >= 10);
  const refused = imports.filter(({ text }) => text() !== "");
  expect(refused).toHaveLength(10);
  for (const { text } of refused) {
    expect(text()).toStartWith("HTTP/1.1 503");
    expect(text().toLowerCase()).toContain("retry-after:");
    expect(text()).toContain('"code":"overloaded"');
  }
  expect(await longTransactions(app)).toEqual([]);

  await expectPrompt(logInAs(bystander.email), 200);
  await expectPrompt(app.as(bystander, "GET /v1/users"), 200);
  await expectPrompt(app.as(owner, "POST /v1/users", { email: `${randomName()}@x.example` }), 201);
  expect(await longTransactions(app)).toEqual([]);
  await expectPrompt(app.as(owner, `PUT /v1/users/${admin.id}/roles`, { roles: ["member"] }), 200);
  await expectPrompt(app.as(root, `POST /v1/tenants/${owner.tenantId}/suspend`), 200);
  for (const each of imports) {
    each.stop();
    endBody(each);
  }
  const statuses = await Promise.all(imports.map(({ status }) => status));
  expect(statuses.filter((status) => status === 401)).toHaveLength(2);
  expect(await people(owner)).toBe(before + 1);
  for (const { socket } of imports) socket.destroy();
});

function logInAs(email: string) {
  return app.call("POST /v1/auth/login", { json: { email, password: PASSWORD } });
}

test("R71: an import whose sender goes away, or falls below the pace, writes nothing and frees its place", async () => {
  const owner = await registerOwner(app);
  for (const query of ["", "?atomic=true"]) {
    const killed = [1, 2].map(() => trickleImport(port, owner.accessToken, { query }));
    await Bun.sleep(300);
    for (const { stop, socket } of killed) {
      stop();
      socket.destroy();
    }
    const slow = [1, 2].map(() => trickleImport(port, owner.accessToken, { query, rows: 1 }));
    for (const { status, text } of slow) {
      expect(await status).toBe(408);
      expect(text()).toContain('"code":"body_too_slow"');
    }
    for (const { socket } of slow) socket.destroy();
  }
  expect(await people(owner)).toBe(1);
  const whole = trickleImport(port, owner.accessToken);
  whole.stop();
  endBody(whole);
  expect(await whole.status).toBe(200);
  whole.socket.destroy();
});

test("R71: JSON that comes by drops is 408 on anonymous routes too, and the connection ends", async () => {
  const routes = [
    "POST /v1/auth/login",
    "POST /v1/auth/register",
    "POST /v1/auth/refresh",
    "POST /v1/auth/forgot-password",
    "POST /v1/auth/magic-link",
    "POST /v1/invitations/accept",
    "PATCH /v1/auth/me/profile",
  ];
  const slow = routes.map((route) =>
    openRequest(port, route, {
      "content-type": "application/json",
      authorization: `Bearer ${bystander.accessToken}`,
    }),
  );
  const drops = setInterval(() => {
    for (const each of slow) sendPiece(each, " ");
  }, 100);
  await Bun.sleep(TIMEOUT_SECONDS * 500);
  expect(await longTransactions(app)).toEqual([]);
  await expectPrompt(logInAs(bystander.email), 200);
  for (const { status, text, closed } of slow) {
    expect(await status).toBe(408);
    await closed;
    expect(text()).toContain('"code":"body_too_slow"');
  }
  clearInterval(drops);
});

async function fill({ tenantId }: { tenantId: string }, count: number): Promise<void> {
  await app.deps.pool.query(
    `WITH made AS (
       INSERT INTO accounts (id, email) SELECT gen_random_uuid(), 'n' || n || '@' || $1::uuid || '.example'
       FROM generate_series(1, $2::int) AS n RETURNING id, email
     )
     INSERT INTO users (id, account_id, tenant_id, email, first_name, last_name)
     SELECT id, id, $1::uuid, email, repeat('ä', 120), repeat('ö', 120) FROM made`,
    [tenantId, count],
  );
}

test("R71: exports whose readers stop hold nothing but a place, end after a while, and leave their audit row", async () => {
  const owner = await registerOwner(app);
  await fill(owner, 16_000);
  const headers = { authorization: `Bearer ${owner.accessToken}`, accept: "application/x-ndjson" };
  const readers = Array.from({ length: 4 }, () =>
    openRequest(port, "GET /v1/users/export", headers),
  );
  for (const { socket } of readers) socket.once("data", () => socket.pause());
  await Promise.all(readers.map(({ status }) => status));
  expect((await app.as(owner, "GET /v1/users/export")).body.code).toBe("overloaded");
  expect((await app.as(owner, "GET /v1/audit-logs/export")).body.code).toBe("overloaded");
  await Bun.sleep(500);
  expect(await longTransactions(app)).toEqual([]);
  await expectPrompt(app.as(bystander, "GET /v1/users"), 200);
  const rows = () =>
    app.deps.db.auditLog.findMany({
      where: { tenantId: owner.tenantId, action: "user.exported" },
      select: { details: true },
    });
  await until(async () => (await rows()).length === 4);
  for (const { details } of await rows()) expect(details).toMatchObject({ complete: false });
  expect(await rows()).toHaveLength(4);
  for (const { socket } of readers) socket.destroy();
  expect((await app.as(owner, "GET /v1/users/export")).status).toBe(200);
});

test("R71: suspension, an ended session, a lost permission and a revoked key end an export between two pages", async () => {
  const served = createApp(app.served, []);
  const begin = async (token: string, route: string) => {
    const response = await served.request(route, { headers: { authorization: `Bearer ${token}` } });
    expect(response.status).toBe(200);
    const reader = response.body?.getReader();
    expect((await reader?.read())?.done).toBe(false);
    return async () => {
      for (let n = 0; n < 20; n += 1) if ((await reader?.read())?.done) return;
    };
  };
  const ways: Record<string, (owner: Account, admin: Account, keyId: string) => Promise<unknown>> =
    {
      suspension: (owner) => app.as(root, `POST /v1/tenants/${owner.tenantId}/suspend`),
      "an ended session and a revoked key": async (owner, admin, keyId) => {
        await app.as(owner, `DELETE /v1/users/${admin.id}/sessions`);
        await app.as(owner, `DELETE /v1/api-keys/${keyId}`);
      },
      "a lost permission": (owner, admin) =>
        app.as(owner, `PUT /v1/users/${admin.id}/roles`, { roles: ["member"] }),
    };
  for (const [name, stop] of Object.entries(ways)) {
    const owner = await registerOwner(app);
    const admin = await createMember(app, owner, ["owner"]);
    await fill(owner, 1500);
    await app.deps.pool.query(
      `INSERT INTO audit_log (id, tenant_id, action, resource_type)
       SELECT gen_random_uuid(), $1::uuid, 'test.one', 'thing' FROM generate_series(1, 2500)`,
      [owner.tenantId],
    );
    const key = await app.as(admin, "POST /v1/api-keys", {
      name: "export",
      scopes: ["user:export", "audit:export"],
      expiresInDays: 1,
    });
    const finishes = [];
    for (const token of [admin.accessToken, key.body.key])
      for (const route of ["/v1/users/export", "/v1/audit-logs/export"])
        finishes.push(await begin(token, route));
    await stop(owner, admin, key.body.id);
    for (const finish of finishes)
      expect([name, await finish().catch(() => "broken off")]).toEqual([name, "broken off"]);
  }
});

test("R71: a bulk request stops where its tenant is suspended, and tells what was not done", async () => {
  const owner = await registerOwner(app);
  await fill(owner, 400);
  const { tenantId } = owner;
  const rows = await app.deps.db.user.findMany({ where: { tenantId, id: { not: owner.id } } });
  const items = rows.map(({ id }) => ({ id, firstName: "Ada" }));
  const bulk = app.as(owner, "POST /v1/users/bulk", { operation: "update", items });
  const changed = () => app.deps.db.user.count({ where: { tenantId, firstName: "Ada" } });
  await until(async () => (await changed()) > 5);
  await expectPrompt(app.as(root, `POST /v1/tenants/${tenantId}/suspend`), 200);
  await Bun.sleep(100);
  const done = await changed();
  const { body } = await bulk;
  expect(body.succeeded).toBe(done);
  expect(body.failed).toBe(400 - done);
  expect(body.results.at(-1)).toMatchObject({ status: 401, error: { code: "invalid_token" } });
});

test("the tests' own log-in still works", async () => {
  expect((await logIn(app, bystander.email)).id).toBe(bystander.id);
});
