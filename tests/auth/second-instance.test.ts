/** Two instances on one database: what the one ends, the other refuses within a second, without asking the database. */
import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import pg from "pg";
import {
  type Account,
  createMember,
  createSuperAdmin,
  createTestApp,
  logIn,
  PASSWORD,
  registerOwner,
  type TestApp,
} from "../support/app.ts";

const NOBODY = "00000000-0000-7000-8000-000000000000";

let first: TestApp;
let second: TestApp;
let admin: Account;
beforeAll(async () => {
  first = await createTestApp();
  second = await createTestApp({
    DATABASE_URL: first.database.appUrl,
    SECRET_KEY: first.deps.config.secretKey.toString("base64"),
  });
  admin = await createSuperAdmin(first);
});
afterAll(async () => {
  await second.close();
  await first.close();
});

async function me(app: TestApp, token: string) {
  return (await app.call("GET /v1/auth/me", { token })).status;
}

/** Asks until it is so. What was asked in time counts, whenever the machine has the answer. */
async function withinASecond(isSo: () => Promise<boolean>, millis = 1000) {
  const end = Date.now() + millis;
  for (let asked = Date.now(); !(await isSo()); asked = Date.now()) {
    if (asked > end) throw new Error(`not within ${millis} ms`);
    await Bun.sleep(5);
  }
}

/** How soon they listen again is nobody's promise: meanwhile the database answers. */
function untilBothListen() {
  return withinASecond(async () => listens(first) && listens(second), 30_000);
}

/**
 * Ends the connections on which the instances listen, and waits until both have noticed. How soon is nobody's promise, and
 * the first may listen again before the second has.
 */
async function cutListeners() {
  const { rowCount } = await first.deps.pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'tenantry listener'`,
  );
  expect(rowCount).toBe(2);
  const waiting = new Set([first, second]);
  await withinASecond(async () => {
    for (const app of waiting) if (!listens(app)) waiting.delete(app);
    return waiting.size === 0;
  }, 30_000);
}

/** With a healthy listener the answer is at hand; without one it is a promise of the database's. */
function listens({ deps }: TestApp): boolean {
  return typeof deps.revocations.isRevoked(NOBODY, NOBODY) === "boolean";
}

const ends: Record<string, (owner: Account, member: Account) => Promise<{ status: number }>> = {
  logout: (_owner, { accessToken }) => first.call("POST /v1/auth/logout", { token: accessToken }),
  "logout everywhere": async (_owner, { email }) =>
    first.call("POST /v1/auth/logout-all", { token: (await logIn(first, email)).accessToken }),
  "a password change elsewhere": async (_owner, { email }) =>
    first.call("POST /v1/auth/change-password", {
      token: (await logIn(first, email)).accessToken,
      json: { currentPassword: PASSWORD, newPassword: `${PASSWORD} 2` },
    }),
  "disabling the user": (owner, { id }) =>
    first.call(`PATCH /v1/users/${id}`, { token: owner.accessToken, json: { status: "disabled" } }),
  "deleting the user": (owner, { id }) =>
    first.call(`DELETE /v1/users/${id}`, { token: owner.accessToken }),
  "suspending the tenant": ({ tenantId }) =>
    first.call(`POST /v1/tenants/${tenantId}/suspend`, { token: admin.accessToken }),
  "deleting the tenant": ({ tenantId }) =>
    first.call(`DELETE /v1/tenants/${tenantId}`, { token: admin.accessToken }),
};

for (const [name, end] of Object.entries(ends)) {
  test(`R36: after ${name} the access token is refused, at once here and within a second there`, async () => {
    const owner = await registerOwner(first);
    const member = await createMember(first, owner);
    expect([await me(first, member.accessToken), await me(second, member.accessToken)]).toEqual([
      200, 200,
    ]);
    expect((await end(owner, member)).status).toBeWithin(200, 205);
    expect(await me(first, member.accessToken)).toBe(401);
    await withinASecond(async () => (await me(second, member.accessToken)) === 401);
  });
}

test("R36: what an operator writes by hand is heard too, also when the row itself goes", async () => {
  const [revoked, deleted] = [await registerOwner(first), await registerOwner(first)];
  await first.deps.pool.query(
    "UPDATE sessions SET revoked_at = now(), revoked_reason = 'by hand' WHERE account_id = $1",
    [revoked.id],
  );
  await first.deps.pool.query("DELETE FROM sessions WHERE account_id = $1", [deleted.id]);
  for (const { accessToken } of [revoked, deleted]) {
    for (const app of [first, second])
      await withinASecond(async () => (await me(app, accessToken)) === 401);
  }
});

test("authenticating and authorizing a caller that is known asks the database nothing", async () => {
  const member = await createMember(first, await registerOwner(first));
  const forbidden = () => second.call("POST /v1/tenants", { token: member.accessToken, json: {} });
  expect((await forbidden()).status).toBe(403);
  // The heartbeat of the listeners goes on meanwhile.
  const queries = spyOn(pg.Client.prototype, "query");
  try {
    for (let n = 0; n < 20; n++) expect((await forbidden()).status).toBe(403);
    expect(
      queries.mock.calls.map(([query]) => query).filter((query) => String(query) !== "SELECT 1"),
    ).toEqual([]);
  } finally {
    queries.mockRestore();
  }
});

describe("when the listeners' connections are cut", () => {
  test("R36: a token that ends meanwhile is refused by the database's word, and stays refused after recovery", async () => {
    const owner = await registerOwner(first);
    const other = await logIn(first, owner.email);
    await cutListeners();
    expect(await me(second, owner.accessToken)).toBe(200);
    await first.call("POST /v1/auth/logout", { token: owner.accessToken });
    expect([await me(first, owner.accessToken), await me(second, owner.accessToken)]).toEqual([
      401, 401,
    ]);

    await untilBothListen();
    expect(await me(second, owner.accessToken)).toBe(401);
    expect(await me(second, other.accessToken)).toBe(200);
    await first.call("POST /v1/auth/logout", { token: other.accessToken });
    await withinASecond(async () => (await me(second, other.accessToken)) === 401);
  });

  test("R44: a role that changes meanwhile counts", async () => {
    const owner = await registerOwner(first);
    const member = await createMember(first, owner);
    expect((await second.call("GET /v1/users", { token: member.accessToken })).status).toBe(200);
    await cutListeners();
    await first.deps.pool.query("DELETE FROM user_roles WHERE user_id = $1", [member.id]);
    const { status } = await second.call("GET /v1/users", { token: member.accessToken });
    expect(status).toBe(403);
    await untilBothListen();
    expect((await second.call("GET /v1/users", { token: member.accessToken })).status).toBe(403);
  });
});

describe("R44: roles and permissions", () => {
  async function mayList(app: TestApp, { accessToken }: Account) {
    return (await app.call("GET /v1/audit-logs", { token: accessToken })).status === 200;
  }

  test("given and taken by one instance count on both at once", async () => {
    const owner = await registerOwner(first);
    const member = await createMember(first, owner);
    expect([await mayList(first, member), await mayList(second, member)]).toEqual([false, false]);
    for (const [roles, may] of [
      [["auditor"], true],
      [["member"], false],
    ] as const) {
      await first.call(`PATCH /v1/users/${member.id}`, {
        token: owner.accessToken,
        json: { roles },
      });
      expect(await mayList(first, member)).toBe(may);
      await withinASecond(async () => (await mayList(second, member)) === may);
    }
  });

  test("a role that gains a permission, by whatever hand, gains it for everybody who holds it", async () => {
    const member = await createMember(first, await registerOwner(first));
    expect([await mayList(first, member), await mayList(second, member)]).toEqual([false, false]);
    const grant = { roleId: "00000000-0000-7000-8000-000000000004", permissionKey: "audit:read" };
    await first.deps.db.rolePermission.create({ data: grant });
    for (const app of [first, second]) await withinASecond(() => mayList(app, member));
    await first.deps.db.rolePermission.delete({ where: { roleId_permissionKey: grant } });
    for (const app of [first, second])
      await withinASecond(async () => !(await mayList(app, member)));
  });
});
