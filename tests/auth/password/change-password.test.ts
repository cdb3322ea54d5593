import { describe, expect, test } from "bun:test";
import { type Account, logIn, PASSWORD, registerOwner, testApp } from "../../support/app.ts";

const NEW_PASSWORD = "a wholly different password";

const app = testApp();

function change({ accessToken }: Account, currentPassword = PASSWORD, newPassword = NEW_PASSWORD) {
  return app.call("POST /v1/auth/change-password", {
    token: accessToken,
    json: { currentPassword, newPassword },
  });
}

async function login(email: string, password: string) {
  return (await app.call("POST /v1/auth/login", { json: { email, password } })).status;
}

function auditOf({ id }: Account) {
  return app.deps.db.auditLog.findMany({
    where: { action: "user.password_changed", resourceId: id },
    orderBy: { id: "asc" },
    select: { outcome: true, actorId: true, tenantId: true, details: true },
  });
}

test("R8: a change replaces the password, ends the other sessions, keeps this one, and is audited", async () => {
  const owner = await registerOwner(app);
  const other = await logIn(app, owner.email);
  expect((await change(owner)).status).toBe(204);
  expect([await login(owner.email, PASSWORD), await login(owner.email, NEW_PASSWORD)]).toEqual([
    401, 200,
  ]);

  expect((await app.call("GET /v1/auth/me", { token: other.accessToken })).status).toBe(401);
  expect(
    (await app.call("POST /v1/auth/refresh", { json: { refreshToken: other.refreshToken } }))
      .status,
  ).toBe(401);
  expect((await app.call("GET /v1/auth/me", { token: owner.accessToken })).status).toBe(200);
  expect(
    (await app.call("POST /v1/auth/refresh", { json: { refreshToken: owner.refreshToken } }))
      .status,
  ).toBe(200);
  expect(await auditOf(owner)).toEqual([
    { outcome: "success", actorId: owner.id, tenantId: owner.tenantId, details: {} },
  ]);
});

test("R8: without the current password nothing changes, and the attempt is audited", async () => {
  const owner = await registerOwner(app);
  const other = await logIn(app, owner.email);
  const { status, body } = await change(owner, "wrong");
  expect({ status, errors: body.errors }).toEqual({
    status: 422,
    errors: [{ path: "currentPassword", message: "Is not the current password" }],
  });
  expect(await login(owner.email, PASSWORD)).toBe(200);
  expect((await app.call("GET /v1/auth/me", { token: other.accessToken })).status).toBe(200);
  expect(await auditOf(owner)).toMatchObject([{ outcome: "failure", actorId: owner.id }]);
});

test("R1: the new password is held to the policy, and the fault is named", async () => {
  const owner = await registerOwner(app);
  for (const newPassword of ["short", "x".repeat(257)]) {
    const { status, body } = await change(owner, PASSWORD, newPassword);
    expect({ status, path: body.errors[0].path }).toEqual({ status: 422, path: "newPassword" });
  }
  expect(await login(owner.email, PASSWORD)).toBe(200);
});

describe("R12: a stolen access token is no way to guess the password", () => {
  async function setAttempts({ id }: Account, loginAttempts: number) {
    await app.deps.db.account.update({ where: { id }, data: { loginAttempts } });
  }

  test("failures count as they do at login, and lock the account", async () => {
    const owner = await registerOwner(app);
    await setAttempts(owner, 49);
    expect((await change(owner, "wrong")).status).toBe(422);
    expect(await login(owner.email, PASSWORD)).toBe(401);
    expect((await change(owner)).status).toBe(422);
    await app.deps.pool.query(
      "UPDATE accounts SET created_at = now() - interval '1 day', locked_until = now() WHERE id = $1",
      [owner.id],
    );
    expect((await change(owner)).status).toBe(204);
  });

  test("a success sets the counter back", async () => {
    const owner = await registerOwner(app);
    await setAttempts(owner, 9);
    expect((await change(owner)).status).toBe(204);
    const { loginAttempts } = await app.deps.db.account.findUniqueOrThrow({
      where: { id: owner.id },
    });
    expect(loginAttempts).toBe(0);
  });
});

test("of two changes at once exactly one stands", async () => {
  const owner = await registerOwner(app);
  const passwords = ["the first of two passwords", "the second of two passwords"];
  const answers = await Promise.all(passwords.map((password) => change(owner, PASSWORD, password)));
  expect(answers.map(({ status }) => status).sort()).toEqual([204, 422]);
  const logins = await Promise.all(passwords.map((password) => login(owner.email, password)));
  expect(logins).toEqual(answers.map(({ status }) => (status === 204 ? 200 : 401)));
});

test("it needs an access token, and both passwords", async () => {
  const { status } = await app.call("POST /v1/auth/change-password", { json: {} });
  expect(status).toBe(401);
  const { accessToken } = await registerOwner(app);
  for (const json of [{}, { currentPassword: PASSWORD }, { newPassword: PASSWORD }]) {
    expect(
      (await app.call("POST /v1/auth/change-password", { token: accessToken, json })).status,
    ).toBe(422);
  }
});
