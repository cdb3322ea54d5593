/** R63: what failed leaves no row, what cannot be recorded is not done, and what is recorded stays. */
import { beforeAll, expect, test } from "bun:test";
import {
  type Account,
  createMember,
  createSuperAdmin,
  logIn,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";

const app = testApp();
let owner: Account & { tenantId: string; slug: string };
let superAdmin: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
  superAdmin = await createSuperAdmin(app);
});

const count = () => app.deps.db.auditLog.count();

/** Does it, and answers also how many rows it wrote. */
async function attempt(route: string, who: Account, json: unknown) {
  const before = await count();
  const answer = await app.call(route, {
    token: who.accessToken,
    ...(json !== undefined && { json }),
  });
  return { answer, rows: (await count()) - before };
}

test("reading writes nothing", async () => {
  const before = await count();
  for (const path of [
    "/v1/users",
    `/v1/users/${owner.id}`,
    `/v1/users/${owner.id}/profile`,
    "/v1/tenants/current",
    "/v1/audit-logs",
  ]) {
    expect((await app.call(`GET ${path}`, { token: owner.accessToken })).status).toBe(200);
  }
  expect(await count()).toBe(before);
});

test("a change that is refused leaves no row", async () => {
  const member = await createMember(app, owner);
  const second = await registerOwner(app);
  const refused: [string, unknown, number][] = [
    ["POST /v1/users", { email: member.email }, 409],
    ["POST /v1/users", { email: "a@b.example", roles: ["nobody"] }, 422],
    [`PATCH /v1/users/${member.id}`, { email: owner.email }, 409],
    [`PATCH /v1/users/${second.id}`, { firstName: "A" }, 404],
    [`PATCH /v1/users/${owner.id}`, { roles: ["admin"] }, 409],
    [`DELETE /v1/users/${owner.id}`, undefined, 409],
    [`POST /v1/users/${member.id}/restore`, undefined, 404],
    [`PATCH /v1/tenants/${owner.tenantId}`, { slug: second.slug }, 409],
    [`PATCH /v1/tenants/${second.tenantId}`, { name: "A" }, 404],
  ];
  for (const [route, json, status] of refused) {
    const { answer, rows } = await attempt(route, owner, json);
    expect(`${route} ${answer.status}`).toBe(`${route} ${status}`);
    expect(rows).toBe(0);
  }
});

test("a change whose row cannot be written is not made: they share a transaction", async () => {
  const member = await createMember(app, owner);
  await app.deps.pool.query(
    "ALTER TABLE audit_log ADD CONSTRAINT no_more CHECK (action NOT LIKE '%.%') NOT VALID",
  );
  try {
    const email = `${randomName()}@x.example`;
    const slug = randomName();
    const changes: [string, unknown, Account][] = [
      ["POST /v1/users", { email }, owner],
      [
        `PATCH /v1/users/${member.id}`,
        { firstName: "Ada", roles: ["auditor"], status: "disabled" },
        owner,
      ],
      [`PATCH /v1/users/${member.id}/profile`, { language: "de" }, owner],
      [`DELETE /v1/users/${member.id}`, undefined, owner],
      ["POST /v1/tenants", { name: "A", slug }, superAdmin],
      [`POST /v1/tenants/${owner.tenantId}/suspend`, undefined, superAdmin],
      [`DELETE /v1/tenants/${owner.tenantId}`, undefined, superAdmin],
    ];
    for (const [route, json, who] of changes) {
      const { answer } = await attempt(route, who, json);
      expect(answer).toMatchObject({ status: 500, body: { code: "internal_error" } });
    }
    expect(await app.deps.db.user.count({ where: { email } })).toBe(0);
    expect(await app.deps.db.tenant.count({ where: { slug } })).toBe(0);
  } finally {
    await app.deps.pool.query("ALTER TABLE audit_log DROP CONSTRAINT no_more");
  }
  const token = owner.accessToken;
  const { body } = await app.call(`GET /v1/users/${member.id}`, { token });
  expect(body).toMatchObject({ firstName: null, roles: ["member"], status: "active", version: 1 });
  expect(
    (await app.call(`GET /v1/users/${member.id}/profile`, { token })).body.language,
  ).toBeNull();
  expect((await app.call("GET /v1/auth/me", { token: member.accessToken })).status).toBe(200);
  expect((await logIn(app, member.email)).id).toBe(member.id);
});

test("a change that fails at its commit leaves no row either", async () => {
  const member = await createMember(app, owner);
  const tables = ["users", "user_profiles", "tenants"];
  await app.deps.pool.query(`
    CREATE FUNCTION refuse_commit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''refused''; END';
    ${tables.map((table) => `CREATE CONSTRAINT TRIGGER refuse_commit AFTER INSERT OR UPDATE ON ${table} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_commit();`).join("\n")}`);
  try {
    const changes: [string, unknown, Account][] = [
      ["POST /v1/users", { email: `${randomName()}@x.example` }, owner],
      [`PATCH /v1/users/${member.id}`, { firstName: "Ada" }, owner],
      [`PATCH /v1/users/${member.id}/profile`, { language: "de" }, owner],
      [`DELETE /v1/users/${member.id}`, undefined, owner],
      ["POST /v1/tenants", { name: "A", slug: randomName() }, superAdmin],
      [`POST /v1/tenants/${owner.tenantId}/suspend`, undefined, superAdmin],
    ];
    for (const [route, json, who] of changes) {
      const { answer, rows } = await attempt(route, who, json);
      expect([route, answer.status, rows]).toEqual([route, 500, 0]);
    }
  } finally {
    await app.deps.pool.query("DROP FUNCTION refuse_commit CASCADE");
  }
  expect((await app.call("GET /v1/auth/me", { token: member.accessToken })).status).toBe(200);
});

test("R63: the database refuses UPDATE, DELETE and TRUNCATE, whoever asks", async () => {
  const before = await app.deps.pool.query("SELECT * FROM audit_log ORDER BY id");
  for (const sql of [
    "UPDATE audit_log SET action = 'x.y'",
    "DELETE FROM audit_log",
    "TRUNCATE audit_log",
    "TRUNCATE audit_log, sessions CASCADE",
  ]) {
    await expect(app.deps.pool.query(sql)).rejects.toThrow("audit_log is append-only");
  }
  const after = await app.deps.pool.query("SELECT * FROM audit_log ORDER BY id");
  expect(after.rows).toEqual(before.rows);
});
