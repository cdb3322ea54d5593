/** R65: what is stored about a person, and getting rid of it. */
import { beforeAll, describe, expect, test } from "bun:test";
import { newId } from "../../src/db/id.ts";
import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import { userPrivacyRoutes } from "../../src/users/privacy/routes.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  logIn,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { enrolPasskey, enrolTotp } from "../support/factors.ts";
import { createMemberWith, type RouteCase, routesOf, testRoutes, type World } from "./routes.ts";

const EMAIL = "erase@x.example";

const CASES: RouteCase[] = [
  { route: "GET /v1/users/:id/personal-data", permission: "user:export", success: 200 },
  {
    route: "POST /v1/users/:id/erase",
    permission: "user:erase",
    success: 204,
    json: { email: EMAIL },
    invalid: [{}, null, { email: "x" }, { email: "other@x.example" }, { email: EMAIL, id: "x" }],
  },
];

const app = testApp();
let owner: Account & { tenantId: string };
let stranger: Account & { tenantId: string };
let world: World;
beforeAll(async () => {
  [owner, stranger] = await Promise.all([registerOwner(app), registerOwner(app)]);
  world = {
    app,
    caller: await createMemberWith(app, owner),
    powerless: await createMember(app, owner, []),
    own: () => target(owner),
    foreign: () => target(stranger),
  };
});

/** Always of the same address: the one before is erased, so that the address is free. */
async function target({ accessToken: token }: Account): Promise<string> {
  await app.deps.pool.query("UPDATE accounts SET email = id || '@gone.example' WHERE email = $1", [
    EMAIL,
  ]);
  return (await app.call("POST /v1/users", { token, json: { email: EMAIL } })).body.id;
}

test("the routes are tested here", () => {
  expect(routesOf(userPrivacyRoutes, "/v1/users")).toEqual(CASES.map(({ route }) => route).sort());
});

testRoutes(CASES, () => world);

/** Somebody of whom every kind of thing is stored. */
async function createPerson(): Promise<Account> {
  const person = await createMember(app, owner, ["admin"]);
  const { accessToken: token } = person;
  await app.call("PATCH /v1/auth/me/profile", { token, json: { phone: "+4930123456" } });
  await app.call("POST /v1/api-keys", {
    token,
    json: { name: "laptop key", scopes: ["user:read"] },
    headers: { "idempotency-key": randomName() },
  });
  await app.deps.db.invitation.create({
    data: {
      id: newId(),
      tenantId: owner.tenantId,
      email: person.email,
      roleIds: [SYSTEM_ROLES.member],
      tokenHash: crypto.getRandomValues(new Uint8Array(32)),
      expiresAt: new Date(Date.now() + 60_000),
    },
  });
  await app.call("POST /v1/auth/forgot-password", { json: { email: person.email } });
  await enrolTotp(app, person);
  await enrolPasskey(app, person);
  return person;
}

const erase = (id: string, email: string, who: Account = owner) =>
  app.call(`POST /v1/users/${id}/erase`, { token: who.accessToken, json: { email } });

/** Every row of every table that holds the text anywhere, as JSON. */
async function rowsWith(text: string): Promise<string[]> {
  const { rows: tables } = await app.deps.pool.query<{ name: string }>(
    `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
     WHERE table_type = 'BASE TABLE' AND table_schema IN ('public', 'pgboss')`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const sql = `SELECT to_jsonb(t)::text AS row FROM ${name} AS t WHERE to_jsonb(t)::text ILIKE $1`;
    const { rows } = await app.deps.pool.query(sql, [`%${text}%`]);
    found.push(...rows.map(({ row }) => `${name}: ${row}`));
  }
  return found;
}

describe("R65: personal data", () => {
  test("holds everything of the person, no secret, and the same for them as for an administrator", async () => {
    const person = await createPerson();
    const answer = await app.call(`GET /v1/users/${person.id}/personal-data`, {
      token: owner.accessToken,
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      user: { id: person.id, email: person.email, roles: ["admin"] },
      account: { password: true, createdBy: owner.id },
      profile: { phone: "+4930123456" },
      roles: [{ name: "admin" }],
      apiKeys: [{ name: "laptop key", scopes: ["user:read"] }],
      invitations: [{ email: person.email }],
      auditRowsComplete: true,
    });
    expect(answer.body.sessions.length).toBeGreaterThan(0);
    expect(answer.body.passkeys).toHaveLength(1);
    expect(answer.body.authenticatorApps).toHaveLength(1);
    expect(answer.body.recoveryCodes.length).toBeGreaterThan(0);
    const { auditRows } = answer.body;
    expect(new Set(auditRows.map((row: { actorId: string }) => row.actorId))).toEqual(
      new Set([person.id]),
    );
    expect(auditRows.map((row: { action: string }) => row.action)).toContain("api_key.created");
    expect(JSON.stringify(answer.body)).not.toMatch(/argon2|hash|secret"|publicKey|tnk_\w{9}/i);

    const token = person.accessToken;
    const mine = await app.call("GET /v1/auth/me/personal-data", { token });
    const { exportedAt, auditRows: _, ...rest } = mine.body;
    expect(answer.body).toMatchObject(rest);
    const seen = await app.deps.db.auditLog.findMany({
      where: { action: "user.personal_data_exported", resourceId: person.id },
      orderBy: { id: "asc" },
      select: { actorId: true, tenantId: true },
    });
    expect(seen).toEqual(
      [owner.id, person.id].map((actorId) => ({ actorId, tenantId: owner.tenantId })),
    );
  });

  test("one's own needs a session and no permission; of a deleted user it can still be had", async () => {
    expect((await app.call("GET /v1/auth/me/personal-data")).status).toBe(401);
    const { accessToken: token } = world.powerless;
    expect((await app.call("GET /v1/auth/me/personal-data", { token })).status).toBe(200);
    const made = await app.call("POST /v1/api-keys", {
      token: owner.accessToken,
      json: { name: "k", scopes: ["user:read"] },
    });
    const machine = await app.call("GET /v1/auth/me/personal-data", { token: made.body.key });
    expect(machine).toMatchObject({ status: 403, body: { code: "session_required" } });

    const gone = await createMember(app, owner);
    await app.call(`DELETE /v1/users/${gone.id}`, { token: owner.accessToken });
    const path = `GET /v1/users/${gone.id}/personal-data`;
    const { body } = await app.call(path, { token: owner.accessToken });
    expect(body.account.deletedAt).toEqual(expect.any(String));
  });

  test("of somebody with many audit rows it holds the latest, and says that there are more", async () => {
    const person = await createMember(app, owner);
    await app.deps.pool.query(
      `INSERT INTO audit_log (id, tenant_id, actor_id, action, resource_type)
       SELECT gen_random_uuid(), $1, $2, 'auth.refreshed', 'session' FROM generate_series(1, 5001)`,
      [owner.tenantId, person.id],
    );
    const { body } = await app.call(`GET /v1/users/${person.id}/personal-data`, {
      token: owner.accessToken,
    });
    expect([body.auditRows.length, body.auditRowsComplete]).toEqual([5000, false]);
  });
});

describe("R65: erasure", () => {
  test("leaves nothing that names the person, ends their sessions, and frees the address", async () => {
    const person = await createPerson();
    await app.mail();
    expect((await rowsWith(person.email)).length).toBeGreaterThan(1);
    expect((await erase(person.id, person.email)).status).toBe(204);

    expect(await rowsWith(person.email)).toEqual([]);
    for (const [table, column] of [
      ["accounts", "id"],
      ["sessions", "account_id"],
      ["session_users", "user_id"],
      ["one_time_tokens", "user_id"],
      ["totp_factors", "account_id"],
      ["passkeys", "account_id"],
      ["api_keys", "user_id"],
      ["recovery_codes", "account_id"],
      ["user_profiles", "user_id"],
      ["user_roles", "user_id"],
      ["idempotency_keys", "user_id"],
    ]) {
      const sql = `SELECT FROM ${table} WHERE ${column} = $1`;
      expect([table, (await app.deps.pool.query(sql, [person.id])).rowCount]).toEqual([table, 0]);
    }
    const row = await app.deps.db.user.findUniqueOrThrow({ where: { id: person.id } });
    expect(row).toMatchObject({
      email: `erased-${person.id}@erased.invalid`,
      pendingEmail: null,
      firstName: null,
      lastName: null,
      accountId: null,
      lastLoginAt: null,
      isDeleted: true,
      searchText: `erased-${person.id}@erased.invalid`,
    });
    const me = await app.call("GET /v1/auth/me", { token: person.accessToken });
    expect(me.status).toBe(401);
    const refresh = await app.call("POST /v1/auth/refresh", {
      json: { refreshToken: person.refreshToken },
    });
    expect(refresh.status).toBe(401);
    const json = { email: person.email, password: PASSWORD };
    expect((await app.call("POST /v1/auth/login", { json })).status).toBe(401);
    expect((await app.call("POST /v1/users", { token: owner.accessToken, json })).status).toBe(201);

    const audit = await app.deps.db.auditLog.findMany({
      where: { resourceId: person.id, action: "user.erased" },
    });
    expect(audit).toMatchObject([{ actorId: owner.id, tenantId: owner.tenantId, details: {} }]);
    const acted = { actorId: person.id, tenantId: owner.tenantId };
    expect(await app.deps.db.auditLog.count({ where: acted })).toBeGreaterThan(0);
  });

  test("is for good: who was erased is not there any more, for nothing", async () => {
    const gone = await createMember(app, owner);
    const token = owner.accessToken;
    await erase(gone.id, gone.email);
    for (const route of ["GET", "DELETE", "POST /restore", "GET /personal-data"]) {
      const [method, rest = ""] = route.split(" ");
      const answer = await app.call(`${method} /v1/users/${gone.id}${rest}`, { token });
      expect([route, answer.status]).toEqual([route, 404]);
    }
    expect((await erase(gone.id, `erased-${gone.id}@erased.invalid`)).status).toBe(422);
    expect((await erase(gone.id, gone.email)).status).toBe(404);
  });

  test("takes a deleted user too, and an address in any case", async () => {
    const gone = await createMember(app, owner);
    await app.call(`DELETE /v1/users/${gone.id}`, { token: owner.accessToken });
    expect((await erase(gone.id, gone.email.toUpperCase())).status).toBe(204);
    expect(await rowsWith(gone.email)).toEqual([]);
  });

  test("R62: not the last owner, not who may do more, and of two owners at once one stays", async () => {
    const tenant = await registerOwner(app);
    expect((await erase(tenant.id, tenant.email, tenant)).body.code).toBe("last_owner");
    const admin = await createMember(app, tenant, ["admin"]);
    const above = await erase(tenant.id, tenant.email, admin);
    expect([above.status, above.body.code]).toEqual([403, "permission_denied"]);
    const second = await createMember(app, tenant, ["owner"]);
    const both = await Promise.all([
      erase(tenant.id, tenant.email, tenant),
      erase(second.id, second.email, second),
    ]);
    const codes = both.map(({ status, body }) => body.code ?? status).sort();
    for (const code of codes) expect([204, "invalid_token", "last_owner"]).toContain(code);
    expect(codes.filter((code) => code === 204)).toHaveLength(1);
    const root = await createSuperAdmin(app);
    expect((await erase(root.id, root.email, root)).body.code).toBe("last_super_admin");
  });

  test("twenty at once erase once", async () => {
    const person = await createMember(app, owner);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => erase(person.id, person.email)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array(19).fill(404)]);
    await logIn(app, owner.email);
  });
});
