/** POST /v1/tenants/own: a further tenant of somebody who has an account. */
import { describe, expect, test } from "bun:test";
import { auditOf } from "../auth/mails/mails.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  createTestApp,
  PASSWORD,
  proveAddress,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { goTo } from "../support/memberships.ts";

const app = testApp();

const make = (who: Pick<Account, "accessToken">, slug = randomName(), name = slug, at = app) =>
  at.as(who, "POST /v1/tenants/own", { name, slug });

test("R78: its owner is the caller, with the account that they have", async () => {
  const owner = await registerOwner(app);
  await app.as(owner, "PATCH /v1/auth/me/profile", { language: "de" });
  const slug = randomName();
  const { status, body, headers } = await make(owner, slug, "Second Ltd");
  expect(status).toBe(201);
  expect(headers.get("location")).toBe(`/v1/tenants/${body.tenant.id}`);
  expect(body).toMatchObject({
    tenant: { slug, name: "Second Ltd", status: "active" },
    roles: ["owner"],
    status: "active",
  });
  expect(body.userId).not.toBe(owner.id);
  const there = await goTo(app, owner, body.tenant.id);
  expect(there.id).toBe(body.userId);
  expect((await app.as(there, "GET /v1/users")).body.items).toHaveLength(1);
  expect((await app.as(owner, "GET /v1/users")).body.items).toHaveLength(1);
  const { items } = (await app.as(there, "GET /v1/auth/me/tenants")).body;
  expect(items).toHaveLength(2);
  // The log-in asks where to.
  const login = await app.call("POST /v1/auth/login", {
    json: { email: owner.email, password: PASSWORD },
  });
  expect(login.body.tenantSelection).toHaveLength(2);
});

test("R63: it is on record in the new tenant, by who they are there, and in no other", async () => {
  const owner = await registerOwner(app);
  const { body } = await make(owner);
  const [row] = await auditOf(app, "tenant.created", body.tenant.id);
  expect(row).toMatchObject({ tenantId: body.tenant.id, actorId: body.userId });
  const there = await goTo(app, owner, body.tenant.id);
  const read = async (who: Account) =>
    JSON.stringify((await app.as(who, "GET /v1/audit-logs?limit=100")).body);
  expect(await read(owner)).not.toContain(body.tenant.id);
  const log = await read(there);
  for (const secret of [owner.tenantId, owner.id]) expect(log).not.toContain(secret);
});

test("a member of one makes another, and is no more than a member where they were", async () => {
  const owner = await registerOwner(app);
  const member = await createMember(app, owner);
  await proveAddress(app, member);
  const { status, body } = await make(member);
  expect([status, body.roles]).toEqual([201, ["owner"]]);
  expect((await app.as(member, "POST /v1/users", { email: "a@b.example" })).status).toBe(403);
});

test("a slug is given once: 409, of ten at once to one", async () => {
  const owner = await registerOwner(app);
  const other = await registerOwner(app);
  expect((await make(owner, other.slug, "Another")).body.code).toBe("slug_taken");
  const slug = randomName();
  const answers = await Promise.all(Array.from({ length: 10 }, () => make(owner, slug)));
  expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)]);
  const { items } = (await app.as(owner, "GET /v1/auth/me/tenants")).body;
  expect(items).toHaveLength(2);
});

describe("nobody makes one", () => {
  test("with an account that their tenant alone has spoken of, or that is a tenant's own", async () => {
    const owner = await registerOwner(app);
    const added = await createMember(app, owner);
    expect((await make(added)).body.code).toBe("permission_denied");
    const root = await createSuperAdmin(app);
    const path = `POST /v1/tenants/${owner.tenantId}/user-pool`;
    await app.as(root, path, { userPool: "isolated" });
    expect((await make(owner)).body.code).toBe("permission_denied");
    expect(await app.deps.db.user.count({ where: { accountId: owner.id } })).toBe(1);
  });

  test("who is a platform account: it makes them by POST /v1/tenants", async () => {
    expect((await make(await createSuperAdmin(app))).status).toBe(403);
  });

  test("with a name that could be taken for another's words, or none", async () => {
    const owner = await registerOwner(app);
    for (const json of [{ name: "", slug: "ok-slug" }, { name: "X" }, { name: "X", slug: "No!" }])
      expect((await app.as(owner, "POST /v1/tenants/own", json)).status).toBe(422);
    // What the operator decides is not theirs to say.
    const more = { name: "X", slug: randomName(), seatLimit: 1, settings: { userPool: "shared" } };
    expect((await app.as(owner, "POST /v1/tenants/own", more)).status).toBe(422);
  });

  test("where registration is closed", async () => {
    const open = await registerOwner(app);
    const closed = await createTestApp({ REGISTRATION: "closed" });
    try {
      const root = await createSuperAdmin(closed);
      const tenant = await closed.as(root, "POST /v1/tenants", { name: "One", slug: "one" });
      const email = `${randomName()}@one.example`;
      const tenantId = tenant.body.id;
      const person = { email, password: PASSWORD, tenantId, roles: ["owner"] };
      expect((await closed.as(root, "POST /v1/users", person)).status).toBe(201);
      const { body } = await closed.call("POST /v1/auth/login", {
        json: { email, password: PASSWORD },
      });
      const answer = await make(body, randomName(), "Two", closed);
      expect(answer).toMatchObject({ status: 403, body: { code: "registration_closed" } });
      expect(await closed.deps.db.tenant.count()).toBe(1);
    } finally {
      await closed.close();
    }
    expect((await make(open)).status).toBe(201);
  });

  test("where tenants have accounts of their own", async () => {
    const apart = await createTestApp({ EMAIL_SCOPE: "tenant" });
    try {
      const owner = await registerOwner(apart);
      const answer = await make(owner, randomName(), "Two", apart);
      expect(answer).toMatchObject({ status: 403, body: { code: "permission_denied" } });
      expect(await apart.deps.db.tenant.count()).toBe(1);
    } finally {
      await apart.close();
    }
  });

  test("more often than somebody without an account", async () => {
    const limited = await createTestApp({ RATE_LIMITS: "database" });
    try {
      const owner = await registerOwner(limited);
      const statuses: number[] = [];
      for (let n = 0; n < 20; n++)
        statuses.push((await make(owner, randomName(), `Tenant ${n}`, limited)).status);
      expect(statuses.slice(0, 19)).toEqual(Array(19).fill(201));
      expect(statuses[19]).toBe(429);
    } finally {
      await limited.close();
    }
  });
});
