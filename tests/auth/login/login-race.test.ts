import { beforeAll, expect, test } from "bun:test";
import { commit } from "../../../src/db/commit.ts";
import { newId } from "../../../src/db/id.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  PASSWORD,
  registerOwner,
  testApp,
} from "../../support/app.ts";

const app = testApp();
let admin: Account;
beforeAll(async () => {
  admin = await createSuperAdmin(app);
});

/** Logs in with the right password, while `change` happens between the look-up of the account and the session. */
async function logInWhile(email: string, change: () => Promise<unknown>) {
  const { passwords } = app.deps;
  const verify = passwords.verify;
  passwords.verify = async (hash, password) => {
    passwords.verify = verify;
    const matches = await verify(hash, password);
    await change();
    return matches;
  };
  return app.call("POST /v1/auth/login", { json: { email, password: PASSWORD } });
}

const changes: Record<string, (owner: Account, member: Account) => Promise<{ status: number }>> = {
  "the account is disabled": (owner, member) =>
    app.call(`PATCH /v1/users/${member.id}`, {
      token: owner.accessToken,
      json: { status: "disabled" },
    }),
  "the account is deleted": (owner, member) =>
    app.call(`DELETE /v1/users/${member.id}`, { token: owner.accessToken }),
  "the tenant is suspended": (owner) =>
    app.call(`POST /v1/tenants/${owner.tenantId}/suspend`, { token: admin.accessToken }),
  "the tenant is deleted": (owner) =>
    app.call(`DELETE /v1/tenants/${owner.tenantId}`, { token: admin.accessToken }),
  "the password is changed": (_owner, member) =>
    app.call("POST /v1/auth/change-password", {
      token: member.accessToken,
      json: { currentPassword: PASSWORD, newPassword: `${PASSWORD} 2` },
    }),
};

for (const [name, change] of Object.entries(changes)) {
  test(`R36: no session begins when ${name} while the hash is computed`, async () => {
    const owner = await registerOwner(app);
    const member = await createMember(app, owner);
    const before = await app.deps.db.user.findUniqueOrThrow({ where: { id: member.id } });
    const { status, body } = await logInWhile(member.email, async () => {
      expect((await change(owner, member)).status).toBeWithin(200, 205);
    });
    expect({ status, code: body.code }).toEqual({ status: 401, code: "invalid_credentials" });
    expect(await app.deps.db.session.count({ where: { accountId: member.id } })).toBe(1);
    const after = await app.deps.db.user.findUniqueOrThrow({ where: { id: member.id } });
    expect(after.lastLoginAt).toEqual(before.lastLoginAt);
  });
}

/** Whether some statement waits for a lock: how a test knows that a race has reached the point that it is about. */
async function untilSomebodyWaits() {
  for (;;) {
    const { rows } = await app.deps.pool.query(
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    if (rows.length > 0) return;
    await Bun.sleep(2);
  }
}

test("R36: a suspension that comes while a session begins waits for it, and then ends it", async () => {
  const owner = await registerOwner(app);
  const { pool } = app.deps;
  const { suspension, sessionId } = await commit(app.deps, async (tx) => {
    const { lockActiveTenant } = await import("../../../src/tenants/lock.ts");
    const { startSession } = await import("../../../src/sessions/start.ts");
    expect(await lockActiveTenant(tx, owner.tenantId)).toBe(true);
    const suspension = app.call(`POST /v1/tenants/${owner.tenantId}/suspend`, {
      token: admin.accessToken,
    });
    await untilSomebodyWaits();
    const origin = { requestId: "r", ip: null, userAgent: null, language: null, device: null };
    // An account has the id of its first user.
    const user = { ...owner, accountId: owner.id };
    const { sessionId } = await startSession(tx, { ...app.deps, origin }, user, ["pwd"]);
    return { suspension, sessionId };
  });
  expect((await suspension).status).toBe(200);
  const { rows } = await pool.query("SELECT revoked_reason FROM sessions WHERE id = $1", [
    sessionId,
  ]);
  expect(rows).toEqual([{ revoked_reason: "tenant_suspended" }]);
});

test("a second factor that is set up while a log-in waits for the account is asked for", async () => {
  const { id, email } = await registerOwner(app);
  const begun = await commit(app.deps, async (tx) => {
    await tx.$queryRaw`SELECT FROM accounts WHERE id = ${id}::uuid FOR UPDATE`;
    const logIn = app.call("POST /v1/auth/login", { json: { email, password: PASSWORD } });
    await untilSomebodyWaits();
    const factor = {
      id: newId(),
      accountId: id,
      secret: Buffer.from("sealed"),
      confirmedAt: new Date(),
    };
    await tx.totpFactor.create({ data: factor });
    return { logIn };
  });
  const { status, body } = await begun.logIn;
  expect([status, body.mfaRequired, body.methods]).toEqual([200, true, ["totp"]]);
});
