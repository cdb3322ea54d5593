import { describe, expect, test } from "bun:test";
import { createTestApp, PASSWORD, randomName, registerOwner, testApp } from "../../support/app.ts";

const app = testApp();

/** A registration that works, with what the test wants different. */
function registration(changes: Record<string, unknown> = {}) {
  const name = randomName();
  return {
    email: `${name}@example.com`,
    password: PASSWORD,
    tenant: { name, slug: name },
    ...changes,
  };
}

function register(changes?: Record<string, unknown>) {
  return app.call("POST /v1/auth/register", { json: registration(changes) });
}

/** How many rows there are of everything that a registration writes. */
async function counts() {
  const { rows } = await app.deps.pool.query(`
    SELECT (SELECT count(*) FROM tenants) AS tenants, (SELECT count(*) FROM users) AS users,
      (SELECT count(*) FROM user_roles) AS roles, (SELECT count(*) FROM sessions) AS sessions,
      (SELECT count(*) FROM refresh_tokens) AS tokens, (SELECT count(*) FROM audit_log) AS audit`);
  return rows[0];
}

test("a registration makes the tenant and its owner, and logs the owner in", async () => {
  const input = registration({
    email: "Grace.HOPPER@Example.com",
    firstName: "Grace",
    lastName: "Hopper",
  });
  const { status, body, headers } = await app.call("POST /v1/auth/register", { json: input });
  expect(status).toBe(201);
  expect(headers.get("location")).toBe("/v1/auth/me");
  expect(headers.get("cache-control")).toBe("no-store");
  expect(body).toMatchObject({
    tokenType: "Bearer",
    expiresIn: 600,
    user: {
      email: "grace.hopper@example.com",
      firstName: "Grace",
      status: "active",
      roles: ["owner"],
    },
  });

  const me = await app.call("GET /v1/auth/me", { token: body.accessToken });
  expect(me.body).toMatchObject({
    user: { id: body.user.id },
    tenant: { slug: input.tenant.slug },
    roles: ["owner"],
  });
  expect(
    (await app.call("POST /v1/auth/refresh", { json: { refreshToken: body.refreshToken } })).status,
  ).toBe(200);
});

test("R63: a registration is audited with its actor, its tenant and its request", async () => {
  const { body, headers } = await register();
  const { rows } = await app.deps.pool.query(
    "SELECT action, actor_id, resource_id, outcome, request_id FROM audit_log WHERE tenant_id = $1 ORDER BY action",
    [body.user.tenantId],
  );
  const common = {
    actor_id: body.user.id,
    outcome: "success",
    request_id: headers.get("x-request-id"),
  };
  expect(rows).toEqual([
    { action: "auth.registered", resource_id: body.user.id, ...common },
    { action: "tenant.created", resource_id: body.user.tenantId, ...common },
  ]);
});

describe("what is taken is a conflict, and nothing is half written", () => {
  test("the e-mail address, in whatever case", async () => {
    const owner = await registerOwner(app);
    const before = await counts();
    const { status, body } = await register({ email: owner.email.toUpperCase() });
    expect({ status, code: body.code }).toEqual({ status: 409, code: "email_taken" });
    expect(await counts()).toEqual(before);
  });

  test("the slug", async () => {
    const owner = await registerOwner(app);
    const before = await counts();
    const { status, body } = await register({ tenant: { name: "Other", slug: owner.slug } });
    expect({ status, code: body.code }).toEqual({ status: 409, code: "slug_taken" });
    expect(await counts()).toEqual(before);
  });

  test("of ten registrations of one address at once exactly one succeeds", async () => {
    const before = await counts();
    const email = `${randomName()}@example.com`;
    const answers = await Promise.all(Array.from({ length: 10 }, () => register({ email })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)]);
    const after = await counts();
    expect([after.tenants - before.tenants, after.users - before.users]).toEqual([1, 1]);
  });
});

test("a closed registration is refused before anything is looked at", async () => {
  const closed = await createTestApp({ REGISTRATION: "closed" });
  try {
    const { status, body } = await closed.call("POST /v1/auth/register", { json: registration() });
    expect({ status, code: body.code }).toEqual({ status: 403, code: "registration_closed" });
    expect(await closed.deps.db.tenant.count()).toBe(0);
  } finally {
    await closed.close();
  }
});

describe("R57: nothing can be claimed that is not asked for", () => {
  for (const claim of [
    { roles: ["super_admin"] },
    { tenantId: "00000000-0000-7000-8000-000000000001" },
    { status: "active" },
    { emailVerifiedAt: "2026-01-01T00:00:00Z" },
    { passwordHash: "x" },
    { tenant: { name: "N", slug: "n-1", status: "active" } },
  ]) {
    test(JSON.stringify(claim), async () => {
      const before = await counts();
      const { status, body } = await register(claim);
      expect({ status, code: body.code }).toEqual({ status: 422, code: "validation_failed" });
      expect(await counts()).toEqual(before);
    });
  }
});

test("each wrong field is named", async () => {
  const { status, body } = await app.call("POST /v1/auth/register", {
    json: { email: "nobody", password: 1, tenant: { name: " ", slug: "Not A Slug" } },
  });
  expect(status).toBe(422);
  const paths: string[] = body.errors.map(({ path }: { path: string }) => path);
  expect([...new Set(paths)]).toEqual(["email", "password", "tenant.name", "tenant.slug"]);
});
