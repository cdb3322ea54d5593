/** R63: every write has its row, with who, where from and through which request; a failed one has none. */
import { beforeAll, expect, test } from "bun:test";
import {
  type Account,
  createMember,
  createSuperAdmin,
  PASSWORD,
  proveAddress,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";

const ORIGIN = {
  "x-request-id": "request-of-this-test",
  "user-agent": "test/1",
  "x-forwarded-for": "203.0.113.7",
};

const app = testApp({ TRUSTED_PROXY_HOPS: "1" });
let owner: Account & { tenantId: string; slug: string };
let superAdmin: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
  superAdmin = await createSuperAdmin(app);
});

const sessionOf = (who: Account) =>
  JSON.parse(Buffer.from(who.accessToken.split(".")[1] ?? "", "base64url").toString()).sid;

/** Does it, and answers the rows that it wrote. */
async function written(route: string, { who, json }: { who?: Account; json?: unknown } = {}) {
  const before = await app.deps.db.auditLog.findMany({ select: { id: true } });
  const answer = await app.call(route, {
    headers: ORIGIN,
    ...(who && { token: who.accessToken }),
    ...(json !== undefined && { json }),
  });
  const rows = await app.deps.db.auditLog.findMany({
    where: { id: { notIn: before.map((row) => row.id) } },
    omit: { id: true, createdAt: true },
  });
  return { answer, rows };
}

/** The row of a change that `who` made, as it must be in every column. */
function rowOf(
  who: Account,
  action: string,
  resource: { type: string; id: string; tenantId: string | null },
  details: object,
) {
  return {
    tenantId: resource.tenantId,
    actorId: who.id,
    impersonatorId: null,
    sessionId: sessionOf(who),
    action,
    resourceType: resource.type,
    resourceId: resource.id,
    outcome: "success" as const,
    details,
    ip: "203.0.113.7",
    userAgent: "test/1",
    requestId: "request-of-this-test",
  };
}

test("each change of a user has its row, in the user's tenant", async () => {
  const { tenantId } = owner;
  const json = { email: `${randomName()}@x.example`, roles: ["member", "auditor"] };
  const made = await written("POST /v1/users", { who: owner, json });
  const user = { type: "user", id: made.answer.body.id, tenantId };
  const roles = expect.arrayContaining(["auditor", "member"]);
  expect(made.rows).toEqual([rowOf(owner, "user.created", user, { roles })]);

  const path = `/v1/users/${user.id}`;
  const steps: [string, unknown, string, object][] = [
    [
      `PATCH ${path}`,
      { firstName: "Ada" },
      "user.updated",
      { fields: ["firstName"], changes: { firstName: { masked: true } } },
    ],
    [
      `PATCH ${path}`,
      { status: "disabled" },
      "user.updated",
      {
        fields: ["status"],
        status: "disabled",
        changes: { status: { before: "active", after: "disabled" } },
      },
    ],
    [
      `PATCH ${path}`,
      { roles: ["member"] },
      "user.updated",
      {
        fields: ["roles"],
        roles: ["member"],
        changes: { roles: { before: ["auditor", "member"], after: ["member"] } },
      },
    ],
    [
      `PATCH ${path}/profile`,
      { phone: "+4930123456" },
      "user.profile_updated",
      { fields: ["phone"], changes: { phone: { masked: true } } },
    ],
    [
      `PATCH ${path}/profile`,
      { language: "de", timezone: "UTC" },
      "user.profile_updated",
      {
        fields: expect.arrayContaining(["language", "timezone"]),
        changes: {
          language: { before: null, after: "de" },
          timezone: { before: null, after: "UTC" },
        },
      },
    ],
    [`DELETE ${path}`, undefined, "user.deleted", {}],
    [`POST ${path}/restore`, undefined, "user.restored", {}],
  ];
  for (const [route, json, action, details] of steps) {
    const { answer, rows } = await written(route, { who: owner, json });
    expect(answer.status).toBeLessThan(300);
    expect(rows).toEqual([rowOf(owner, action, user, details)]);
  }
  // The same once more, by somebody else: what is as it was is no change.
  for (const [route, json, action, { changes: _, ...details }] of steps as [
    string,
    unknown,
    string,
    { changes?: object },
  ][]) {
    const { rows } = await written(route, { who: superAdmin, json });
    expect(rows).toEqual([rowOf(superAdmin, action, user, details)]);
  }
});

test("each change of a tenant has its row, in that tenant", async () => {
  const slug = randomName();
  const made = await written("POST /v1/tenants", { who: superAdmin, json: { name: "A", slug } });
  const { id } = made.answer.body;
  const tenant = { type: "tenant", id, tenantId: id };
  expect(made.rows).toEqual([rowOf(superAdmin, "tenant.created", tenant, { slug })]);
  const steps: [string, unknown, string, object][] = [
    [
      `PATCH /v1/tenants/${id}`,
      { name: "B" },
      "tenant.updated",
      { fields: ["name"], changes: { name: { before: "A", after: "B" } } },
    ],
    [
      `POST /v1/tenants/${id}/suspend`,
      undefined,
      "tenant.suspended",
      { changes: { status: { before: "active", after: "suspended" } } },
    ],
    [
      `POST /v1/tenants/${id}/activate`,
      undefined,
      "tenant.activated",
      { changes: { status: { before: "suspended", after: "active" } } },
    ],
    [`DELETE /v1/tenants/${id}`, undefined, "tenant.deleted", {}],
  ];
  for (const [route, json, action, details] of steps) {
    const { rows } = await written(route, { who: superAdmin, json });
    expect(rows).toEqual([rowOf(superAdmin, action, tenant, details)]);
  }
});

test("log-ins that fail are there, with the reason and without what was typed", async () => {
  const member = await createMember(app, owner);
  // Of an address that nobody proved the tenant's log would not tell it (tests/attacks/enumeration.test.ts).
  await proveAddress(app, member);
  const login = (email: string, password: string) =>
    written("POST /v1/auth/login", { json: { email, password } });
  const wrong = await login(member.email, "not the password at all");
  expect(wrong.rows).toMatchObject([
    {
      tenantId: owner.tenantId,
      action: "auth.login_failed",
      resourceId: member.id,
      outcome: "failure",
      details: { reason: "wrong_password" },
      ip: "203.0.113.7",
    },
  ]);
  const unknown = await login("nobody@nowhere.example", "not the password at all");
  expect(unknown.rows).toMatchObject([
    {
      tenantId: null,
      resourceId: null,
      outcome: "failure",
      details: { reason: "unknown_account" },
    },
  ]);
  expect(JSON.stringify([wrong.rows, unknown.rows])).not.toMatch(/not the password|nobody@nowhere/);
  const right = await login(member.email, PASSWORD);
  expect(right.rows).toMatchObject([
    { actorId: member.id, action: "auth.logged_in", outcome: "success" },
  ]);
});

test("R63: what a client sends stands in the log as data, and makes no second line of it", async () => {
  const evil = 'x"}\r\n{"action":"user.deleted"';
  const member = await createMember(app, owner);
  const made = await app.call(`PATCH /v1/users/${member.id}`, {
    token: owner.accessToken,
    json: { firstName: "Ada" },
    headers: { "user-agent": 'curl/8 "}{"action":"user.deleted"}', "x-request-id": 'a b"c' },
  });
  expect(made.status).toBe(200);
  const { body } = await app.call("GET /v1/audit-logs/export?action=user.updated", {
    token: owner.accessToken,
  });
  const lines = String(body).trim().split("\n");
  for (const line of lines) expect(JSON.parse(line).action).toBe("user.updated");
  expect(JSON.parse(lines[0] ?? "").userAgent).toBe('curl/8 "}{"action":"user.deleted"}');
  const refused = await app.call(`GET /v1/audit-logs?action=${encodeURIComponent(evil)}`, {
    token: owner.accessToken,
  });
  expect(refused.body.items).toEqual([]);
});
