import { beforeAll, describe, expect, test } from "bun:test";
import {
  type Account,
  createMember,
  createSuperAdmin,
  PASSWORD,
  proveAddress,
  registerOwner,
  testApp,
} from "../../support/app.ts";
import { enrolTotp } from "../../support/factors.ts";
import {
  auditOf,
  mailsTo,
  NEW_PASSWORD,
  passwordLogin,
  replaceAddress,
  reset,
  resetToken,
  verify,
} from "../mails/mails.ts";

const app = testApp({ DATABASE_POOL_SIZE: "20" });
let owner: Account & { tenantId: string };
beforeAll(async () => {
  owner = await registerOwner(app);
});

function stateOf({ id }: Account) {
  return app.deps.db.user.findUniqueOrThrow({ where: { id }, include: { account: true } });
}

async function verifiedOwner() {
  const account = await registerOwner(app);
  await verify(app, account);
  return account;
}

test("R16: asking for a reset changes nothing at the account, and the old password goes on working", async () => {
  const account = await registerOwner(app);
  const before = await stateOf(account);
  const answer = await app.call("POST /v1/auth/forgot-password", {
    json: { email: account.email },
  });
  expect([answer.status, answer.body]).toEqual([202, ""]);
  await app.mail();
  expect(await stateOf(account)).toEqual(before);
  expect(await passwordLogin(app, account.email)).toBe(200);
});

test("R16: a reset sets the password, ends every session at once, and logs nobody in", async () => {
  const account = await registerOwner(app);
  const answer = await reset(app, await resetToken(app, account.email));
  expect([answer.status, answer.body]).toEqual([204, ""]);
  expect(answer.headers.get("set-cookie")).toBeNull();
  expect((await app.call("GET /v1/auth/me", { token: account.accessToken })).status).toBe(401);
  const json = { refreshToken: account.refreshToken };
  expect((await app.call("POST /v1/auth/refresh", { json })).status).toBe(401);
  expect(await passwordLogin(app, account.email)).toBe(401);
  expect(await passwordLogin(app, account.email, NEW_PASSWORD)).toBe(200);
  expect(
    await app.deps.db.session.count({ where: { accountId: account.id, revokedAt: null } }),
  ).toBe(1);
});

test("R16: the second factor of a proved account is still asked for after a reset", async () => {
  const account = await verifiedOwner();
  await enrolTotp(app, account);
  expect((await reset(app, await resetToken(app, account.email))).status).toBe(204);
  const json = { email: account.email, password: NEW_PASSWORD };
  const { status, body } = await app.call("POST /v1/auth/login", { json });
  expect([status, body.mfaRequired]).toEqual([200, true]);
});

test("R12, R16: a reset lifts a lock, also the one that does not end by itself", async () => {
  const account = await registerOwner(app);
  const lockedUntil = new Date(Date.now() + 600_000);
  await app.deps.db.account.update({
    where: { id: account.id },
    data: { loginAttempts: 100, lockedUntil },
  });
  expect(await passwordLogin(app, account.email)).toBe(401);
  await reset(app, await resetToken(app, account.email));
  expect(await passwordLogin(app, account.email, NEW_PASSWORD)).toBe(200);
});

test("R19: the owner is told that the password was changed", async () => {
  const account = await registerOwner(app);
  await reset(app, await resetToken(app, account.email));
  expect((await app.lastMailTo(account.email)).subject).toBe("Your password was changed");
});

describe("R15: a reset token", () => {
  test("has 256 random bits and works once", async () => {
    const { email } = await registerOwner(app);
    const token = await resetToken(app, email);
    expect(Buffer.from(token, "base64url")).toHaveLength(32);
    expect((await reset(app, token)).status).toBe(204);
    const again = await reset(app, token, PASSWORD);
    expect([again.status, again.body.code]).toEqual([400, "invalid_one_time_token"]);
    expect(await passwordLogin(app, email, NEW_PASSWORD)).toBe(200);
  });

  test("of fifty uses at once one succeeds", async () => {
    const { email, id } = await registerOwner(app);
    const token = await resetToken(app, email);
    const answers = await Promise.all(Array.from({ length: 50 }, () => reset(app, token)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([204, ...Array(49).fill(400)]);
    expect(await auditOf(app, "user.password_reset", id)).toHaveLength(1);
  });

  test("survives a password that is not acceptable", async () => {
    const { email } = await registerOwner(app);
    const token = await resetToken(app, email);
    const refused = await reset(app, token, "too short");
    expect([refused.status, refused.body.errors[0].path]).toEqual([422, "newPassword"]);
    expect((await reset(app, token)).status).toBe(204);
  });

  type Change = (account: Account, token: string) => Promise<unknown>;
  const sql = (text: string) => (account: Account) => app.deps.pool.query(text, [account.id]);
  const patch = (json: object) => (account: Account) =>
    app.call(`PATCH /v1/users/${account.id}`, { token: owner.accessToken, json });
  const CHANGES: Record<string, Change> = {
    "its thirty minutes are over": sql(
      "UPDATE one_time_tokens SET created_at = created_at - interval '1 hour', expires_at = now() WHERE user_id = $1 AND purpose = 'reset_password'",
    ),
    "there is a newer one": (account) => resetToken(app, account.email),
    "the password was changed": ({ accessToken: token }) =>
      app.call("POST /v1/auth/change-password", {
        token,
        json: { currentPassword: PASSWORD, newPassword: `${PASSWORD}!` },
      }),
    "an administrator changed the address": (account) =>
      replaceAddress(app, owner, account, "elsewhere@example.com"),
    "the operator changed the address and back": async (account) => {
      const root = await createSuperAdmin(app);
      await replaceAddress(app, root, account, "there@example.com");
      await replaceAddress(app, root, account, account.email);
    },
    "the user was disabled": patch({ status: "disabled" }),
    "the user was disabled and enabled again": async (account) => {
      await patch({ status: "disabled" })(account);
      await patch({ status: "active" })(account);
    },
    "the user was deleted": (account) =>
      app.call(`DELETE /v1/users/${account.id}`, { token: owner.accessToken }),
    "the user was deleted and restored": async (account) => {
      await app.call(`DELETE /v1/users/${account.id}`, { token: owner.accessToken });
      await app.call(`POST /v1/users/${account.id}/restore`, { token: owner.accessToken });
    },
  };

  test.each(Object.entries(CHANGES))("is worth nothing when %s", async (_, change) => {
    const account = await createMember(app, owner);
    const token = await resetToken(app, account.email);
    await change(account, token);
    const before = await stateOf(account);
    const { status, body } = await reset(app, token);
    expect([status, body.code]).toEqual([400, "invalid_one_time_token"]);
    expect(await stateOf(account)).toEqual(before);
  });

  test("waits while the tenant is suspended, and so does the mail", async () => {
    const account = await registerOwner(app);
    const token = await resetToken(app, account.email);
    const suspend = (status: string) =>
      app.deps.pool.query("UPDATE tenants SET status = $2::tenant_status WHERE id = $1", [
        account.tenantId,
        status,
      ]);
    await suspend("suspended");
    expect((await reset(app, token)).status).toBe(400);
    const mails = await mailsTo(app, account.email);
    await app.call("POST /v1/auth/forgot-password", { json: { email: account.email } });
    expect(await mailsTo(app, account.email)).toBe(mails);
    await suspend("active");
    expect((await reset(app, token)).status).toBe(204);
  });
});

test("a change of the password at the same time leaves one of the two, and no deadlock", async () => {
  for (let round = 0; round < 5; round++) {
    const account = await registerOwner(app);
    const token = await resetToken(app, account.email);
    const change = () =>
      app.call("POST /v1/auth/change-password", {
        token: account.accessToken,
        json: { currentPassword: PASSWORD, newPassword: `${PASSWORD}!` },
      });
    const [byLink, bySession] = await Promise.all([reset(app, token), change()]);
    expect([
      [204, 401],
      [204, 422],
      [400, 204],
    ]).toContainEqual([byLink.status, bySession.status]);
  }
});

test("R63: request, reset and administrator's start leave rows, and none holds a token or an address", async () => {
  const account = await createMember(app, owner);
  // Of an address that nobody proved the tenant's log would not tell it (tests/attacks/enumeration.test.ts).
  await proveAddress(app, account);
  // By then the account is shared, and no administrator of a tenant can start a reset of it.
  const root = await createSuperAdmin(app);
  const { status } = await app.as(root, `POST /v1/users/${account.id}/reset-password`);
  expect(status).toBe(202);
  // Jobs run side by side: of two at once the last mail need not have the newest token.
  await app.mail();
  const token = await resetToken(app, account.email);
  expect((await reset(app, token)).status).toBe(204);
  const actions = [
    "user.password_reset_started",
    "auth.password_reset_requested",
    "user.password_reset",
  ];
  for (const action of actions) {
    const rows = await auditOf(app, action, account.id);
    expect([action, rows.length > 0, rows[0]?.tenantId]).toEqual([action, true, owner.tenantId]);
    expect(JSON.stringify(rows)).not.toContain(token);
    expect(JSON.stringify(rows)).not.toContain(account.email);
  }
  const [done] = await auditOf(app, "user.password_reset", account.id);
  expect(done?.actorId).toBe(account.id);
});
