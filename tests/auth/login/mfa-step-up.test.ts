import { beforeAll, describe, expect, test } from "bun:test";
import { type Account, logIn, PASSWORD, registerOwner, testApp } from "../../support/app.ts";
import { type createAuthenticator, FLAGS } from "../../support/authenticator.ts";
import { claimsOf, enrolPasskey, enrolTotp, stopClock, totpCode } from "../../support/factors.ts";

const app = testApp({ STEP_UP_SECONDS: "30" });
beforeAll(() => stopClock());

/** The same session's access token, as if its user had logged in so many seconds ago. */
async function aged({ accessToken }: Account, seconds: number): Promise<string> {
  const claims = await app.deps.accessTokens.verify(accessToken);
  const authenticatedAt = claims.authenticatedAt - seconds;
  return (await app.deps.accessTokens.sign({ ...claims, authenticatedAt })).token;
}

function reauthenticate(token: string, json: unknown) {
  return app.call("POST /v1/auth/reauthenticate", { token, json });
}

async function meStatus(token: string) {
  return (await app.call("GET /v1/auth/me", { token })).status;
}

function failuresOf({ id }: Account) {
  return app.deps.db.auditLog.findMany({
    where: { resourceId: id, action: "auth.reauthentication_failed" },
    orderBy: { id: "asc" },
    select: { outcome: true, details: true },
  });
}

describe("R24: a change of factors needs a fresh log-in", () => {
  const ROUTES = [
    "POST /v1/auth/me/totp",
    "POST /v1/auth/me/totp/confirm",
    "DELETE /v1/auth/me/totp",
    "POST /v1/auth/me/recovery-codes",
    "POST /v1/auth/me/passkeys/options",
    "POST /v1/auth/me/passkeys",
    "PATCH /v1/auth/me/passkeys/00000000-0000-7000-8000-000000000000",
    "DELETE /v1/auth/me/passkeys/00000000-0000-7000-8000-000000000000",
  ];
  test.each(ROUTES)("%s answers the challenge of RFC 9470", async (route) => {
    const owner = await registerOwner(app);
    const answer = await app.call(route, { token: await aged(owner, 31), json: {} });
    expect({ status: answer.status, code: answer.body.code }).toEqual({
      status: 401,
      code: "reauthentication_required",
    });
    expect(answer.headers.get("www-authenticate")).toBe(
      'Bearer realm="tenantry", error="insufficient_user_authentication", max_age="30"',
    );
    const fresh = await app.call(route, { token: await aged(owner, 29), json: {} });
    expect(fresh.body.code).not.toBe("reauthentication_required");
  });

  test("reading them does not, and a refresh does not make a log-in fresh", async () => {
    const owner = await registerOwner(app);
    const old = await aged(owner, 31);
    expect((await app.call("GET /v1/auth/me/factors", { token: old })).status).toBe(200);
    await app.deps.pool.query(
      "UPDATE sessions SET created_at = created_at - interval '31 seconds' WHERE account_id = $1",
      [owner.id],
    );
    const { body } = await app.call("POST /v1/auth/refresh", {
      json: { refreshToken: owner.refreshToken },
    });
    const answer = await app.call("POST /v1/auth/me/totp", { token: body.accessToken });
    expect(answer.body.code).toBe("reauthentication_required");
  });
});

describe("R24, R32: proving again who one is, by password", () => {
  test("begins a new session in place of the old one", async () => {
    const owner = await registerOwner(app);
    const other = await logIn(app, owner.email);
    const old = await aged(owner, 31);
    const { status, body } = await reauthenticate(old, { password: PASSWORD });
    expect(status).toBe(200);
    expect((await app.call("POST /v1/auth/me/totp", { token: body.accessToken })).status).toBe(200);
    expect(claimsOf(body.accessToken).sid).not.toBe(claimsOf(old).sid);
    expect([await meStatus(old), await meStatus(other.accessToken)]).toEqual([401, 200]);
    const spent = await app.call("POST /v1/auth/refresh", {
      json: { refreshToken: owner.refreshToken },
    });
    expect(spent.status).toBe(401);
    const ended = await app.deps.db.session.findUniqueOrThrow({
      where: { id: claimsOf(old).sid as string },
    });
    expect(ended.revokedReason).toBe("reauthenticated");
    expect(
      await app.deps.db.auditLog.count({
        where: { actorId: owner.id, action: "auth.reauthenticated" },
      }),
    ).toBe(1);
  });

  test("needs the second factor too where there is one; until then the old session stays", async () => {
    const owner = await registerOwner(app);
    const { secret } = await enrolTotp(app, owner);
    const old = await aged(owner, 31);
    const first = await reauthenticate(old, { password: PASSWORD });
    expect(first.body).toMatchObject({ mfaRequired: true, methods: ["totp", "recovery_code"] });
    expect(await meStatus(old)).toBe(200);
    const { status, body } = await app.call("POST /v1/auth/mfa/verify", {
      json: { mfaToken: first.body.mfaToken, method: "totp", code: totpCode(secret) },
    });
    expect(status).toBe(200);
    expect(claimsOf(body.accessToken).amr).toEqual(["pwd", "otp", "mfa"]);
    expect([await meStatus(old), await meStatus(body.accessToken)]).toEqual([401, 200]);
  });

  test("R12: a wrong one is a 422 that counts as at login, is audited, and keeps the session", async () => {
    const owner = await registerOwner(app);
    const { status, body } = await reauthenticate(owner.accessToken, { password: "wrong" });
    expect({ status, errors: body.errors }).toEqual({
      status: 422,
      errors: [{ path: "password", message: "Is not the current password" }],
    });
    expect(await meStatus(owner.accessToken)).toBe(200);
    const row = await app.deps.db.account.findUniqueOrThrow({ where: { id: owner.id } });
    expect(row.loginAttempts).toBe(1);
    expect(await failuresOf(owner)).toEqual([
      { outcome: "failure", details: { method: "password" } },
    ]);
  });

  test("R12: a locked account's right one is as good as a wrong one", async () => {
    const owner = await registerOwner(app);
    await app.deps.pool.query(
      "UPDATE accounts SET login_attempts = 60, locked_until = now() + interval '1 minute' WHERE id = $1",
      [owner.id],
    );
    expect((await reauthenticate(owner.accessToken, { password: PASSWORD })).status).toBe(422);
  });

  test("is not possible for who has no password", async () => {
    const owner = await registerOwner(app);
    await app.deps.db.account.update({ where: { id: owner.id }, data: { passwordHash: null } });
    expect((await reauthenticate(owner.accessToken, { password: PASSWORD })).status).toBe(422);
  });
});

describe("R24, R32: proving again who one is, by passkey", () => {
  async function optionsFor(token: string) {
    return (await app.call("POST /v1/auth/reauthenticate/passkey-options", { token })).body;
  }

  test("begins a new session in place of the old one, with no further question", async () => {
    const owner = await registerOwner(app);
    const { authenticator } = await enrolPasskey(app, owner);
    const old = await aged(owner, 31);
    const options = await optionsFor(old);
    expect(options).toMatchObject({
      userVerification: "required",
      allowCredentials: [{ id: authenticator.id }],
    });
    const { status, body } = await reauthenticate(old, { response: authenticator.assert(options) });
    expect(status).toBe(200);
    expect(claimsOf(body.accessToken).amr).toEqual(["swk", "user", "mfa"]);
    expect([await meStatus(old), await meStatus(body.accessToken)]).toEqual([401, 200]);
  });

  test("takes one that makes sure of its user, the caller's own, in the session that asked", async () => {
    const owner = await registerOwner(app);
    const stranger = await registerOwner(app);
    const { authenticator } = await enrolPasskey(app, owner);
    const theirs = await enrolPasskey(app, stranger);
    const token = owner.accessToken;
    const other = await logInWithPasskey(authenticator);
    for (const response of [
      authenticator.assert(await optionsFor(token), { clear: FLAGS.UV }),
      theirs.authenticator.assert(await optionsFor(token)),
      authenticator.assert(await optionsFor(stranger.accessToken)),
      authenticator.assert(await optionsFor(other)),
      authenticator.assert((await app.call("POST /v1/auth/passkey/options")).body),
    ]) {
      const { status, body } = await reauthenticate(token, { response });
      expect({ status, path: body.errors[0].path }).toEqual({ status: 422, path: "response" });
    }
    expect(await failuresOf(owner)).toEqual(
      ["not_verified", "unknown_passkey", "client_data", "client_data", "client_data"].map(
        (reason) => ({
          outcome: "failure",
          details: { method: "passkey", reason },
        }),
      ),
    );
    expect(await meStatus(token)).toBe(200);
  });

  async function logInWithPasskey(authenticator: ReturnType<typeof createAuthenticator>) {
    const options = (await app.call("POST /v1/auth/passkey/options")).body;
    const json = { response: authenticator.assert(options) };
    return (await app.call("POST /v1/auth/passkey/login", { json })).body.accessToken as string;
  }
});

test("the body names either a password or a passkey", async () => {
  const { accessToken } = await registerOwner(app);
  for (const json of [
    {},
    { password: "" },
    { password: 1 },
    { response: {} },
    { password: "x", more: 1 },
  ])
    expect((await reauthenticate(accessToken, json)).status).toBe(422);
});
