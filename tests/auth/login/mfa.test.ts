import { beforeAll, describe, expect, test } from "bun:test";
import { commit } from "../../../src/db/commit.ts";
import { issueOneTimeToken } from "../../../src/one-time-tokens/issue.ts";
import { type Account, logIn, PASSWORD, registerOwner, testApp } from "../../support/app.ts";
import { createAuthenticator } from "../../support/authenticator.ts";
import { claimsOf, enrolPasskey, enrolTotp, stopClock, totpCode } from "../../support/factors.ts";

const app = testApp({ DATABASE_POOL_SIZE: "20" });
beforeAll(() => stopClock());

type Enrolled = Account & { secret: string; recoveryCodes: string[] };

async function enrolled(): Promise<Enrolled & { tenantId: string }> {
  const owner = await registerOwner(app);
  return { ...owner, ...(await enrolTotp(app, owner)) };
}

async function firstStep({ email }: Pick<Account, "email">) {
  return (await app.call("POST /v1/auth/login", { json: { email, password: PASSWORD } })).body;
}

function verify(mfaToken: string, code: string) {
  return app.call("POST /v1/auth/mfa/verify", { json: { mfaToken, method: "totp", code } });
}

function attemptsOf({ id }: Pick<Account, "id">) {
  return app.deps.db.account
    .findUniqueOrThrow({ where: { id } })
    .then(({ loginAttempts }) => loginAttempts);
}

test("a password alone gets no session where there is a second factor, but a token for the second step", async () => {
  const owner = await enrolled();
  const sessions = await app.deps.db.session.count({ where: { accountId: owner.id } });
  const body = await firstStep(owner);
  expect(body).toEqual({
    mfaRequired: true,
    mfaToken: expect.any(String),
    expiresIn: 300,
    methods: ["totp", "recovery_code"],
  });
  expect(await app.deps.db.session.count({ where: { accountId: owner.id } })).toBe(sessions);
  // R42: it is no access token and no refresh token.
  expect((await app.call("GET /v1/auth/me", { token: body.mfaToken })).status).toBe(401);
  expect(
    (await app.call("POST /v1/auth/refresh", { json: { refreshToken: body.mfaToken } })).status,
  ).toBe(401);
});

test("the second step completes the log-in, once, and is audited with what was shown", async () => {
  const owner = await enrolled();
  const { mfaToken } = await firstStep(owner);
  const { status, body } = await verify(mfaToken, totpCode(owner.secret));
  expect(status).toBe(200);
  expect(body.user.id).toBe(owner.id);
  expect(claimsOf(body.accessToken).amr).toEqual(["pwd", "otp", "mfa"]);
  expect((await app.call("GET /v1/auth/me", { token: body.accessToken })).status).toBe(200);
  const again = await verify(mfaToken, totpCode(owner.secret, 1));
  expect({ status: again.status, code: again.body.code }).toEqual({
    status: 401,
    code: "invalid_mfa_token",
  });
  const [row] = await app.deps.db.auditLog.findMany({
    where: { actorId: owner.id, action: "auth.logged_in" },
  });
  expect(row).toMatchObject({
    tenantId: owner.tenantId,
    details: { methods: ["pwd", "otp", "mfa"] },
  });
});

describe("R22: wrong codes", () => {
  test("end the log-in with the fifth, for the right code too", async () => {
    const owner = await enrolled();
    const { mfaToken } = await firstStep(owner);
    const codes: string[] = [];
    for (let attempt = 0; attempt < 6; attempt++)
      codes.push((await verify(mfaToken, "000000")).body.code);
    expect(codes).toEqual([...Array(5).fill("invalid_second_factor"), "invalid_mfa_token"]);
    expect((await verify(mfaToken, totpCode(owner.secret))).body.code).toBe("invalid_mfa_token");
  });

  test("do not use the token up before that", async () => {
    const owner = await enrolled();
    const { mfaToken } = await firstStep(owner);
    for (let attempt = 0; attempt < 4; attempt++) await verify(mfaToken, "000000");
    expect((await verify(mfaToken, totpCode(owner.secret))).status).toBe(200);
  });

  test("of twenty at once five are looked at", async () => {
    const owner = await enrolled();
    const { mfaToken } = await firstStep(owner);
    const answers = await Promise.all(Array.from({ length: 20 }, () => verify(mfaToken, "000000")));
    const codes = answers.map(({ body }) => body.code);
    expect(codes.filter((code) => code === "invalid_second_factor")).toHaveLength(5);
    expect(await attemptsOf(owner)).toBe(5);
  });

  test("count at the account, and a right password does not take that back", async () => {
    const owner = await enrolled();
    for (let login = 1; login <= 3; login++) {
      const { mfaToken } = await firstStep(owner);
      await verify(mfaToken, "000000");
      await verify(mfaToken, "000000");
      expect(await attemptsOf(owner)).toBe(2 * login);
    }
    const { mfaToken } = await firstStep(owner);
    expect((await verify(mfaToken, totpCode(owner.secret))).status).toBe(200);
    expect(await attemptsOf(owner)).toBe(0);
  });

  test("are audited with the factor, the reason and the account, and without the code", async () => {
    const owner = await enrolled();
    const { mfaToken } = await firstStep(owner);
    await verify(mfaToken, "271828");
    await app.call("POST /v1/auth/mfa/verify", {
      json: { mfaToken, method: "recovery_code", code: "ABCD-EFGH" },
    });
    const rows = await app.deps.db.auditLog.findMany({
      where: { resourceId: owner.id, action: "auth.second_factor_failed" },
      orderBy: { id: "asc" },
      select: { outcome: true, tenantId: true, details: true },
    });
    const row = { outcome: "failure", tenantId: owner.tenantId };
    expect(rows as unknown[]).toEqual([
      { ...row, details: { method: "totp", reason: "wrong_code" } },
      { ...row, details: { method: "recovery_code", reason: "wrong_code" } },
    ]);
  });
});

test("what is no token of a second step is invalid_mfa_token, whatever else it is", async () => {
  const owner = await enrolled();
  const plain = await registerOwner(app);
  for (const token of ["x", owner.accessToken, owner.refreshToken, plain.refreshToken]) {
    const { status, body } = await verify(token.slice(0, 512), totpCode(owner.secret));
    expect({ status, code: body.code }).toEqual({ status: 401, code: "invalid_mfa_token" });
  }
});

test("R25: after a link by mail any second factor completes the log-in, and the two are not called mfa", async () => {
  const authenticator = createAuthenticator({ userVerification: false, synced: false });
  const owner = await enrolled();
  await enrolPasskey(app, owner, authenticator);
  const [code = ""] = owner.recoveryCodes;
  const shown = [
    () => ({ method: "totp", code: totpCode(owner.secret) }),
    () => ({ method: "recovery_code", code }),
    (options: { challenge: string }) => ({
      method: "passkey",
      response: authenticator.assert(options),
    }),
  ];
  const amrs: unknown[] = [];
  for (const show of shown) {
    const { token: mfaToken } = await commit(app.deps, (tx) =>
      issueOneTimeToken(tx, app.deps, {
        purpose: "mfa",
        user: owner,
        ttlSeconds: 60,
        amr: ["email"],
      }),
    );
    const options = await app.call("POST /v1/auth/mfa/passkey-options", { json: { mfaToken } });
    const { body } = await app.call("POST /v1/auth/mfa/verify", {
      json: { mfaToken, ...show(options.body) },
    });
    amrs.push(claimsOf(body.accessToken).amr);
  }
  expect(amrs).toEqual([
    ["email", "otp"],
    ["email", "recovery"],
    ["email", "hwk"],
  ]);
});

test("a method that the user does not have is a wrong second factor", async () => {
  const owner = await registerOwner(app);
  await enrolPasskey(app, owner);
  const body = await firstStep(owner);
  expect(body.methods).toEqual(["passkey"]);
  expect((await verify(body.mfaToken, "000000")).body.code).toBe("invalid_second_factor");
});

test("the body is validated", async () => {
  for (const json of [
    {},
    { mfaToken: "x" },
    { mfaToken: "x", method: "totp" },
    { mfaToken: "x", method: "sms", code: "1" },
    { mfaToken: "x", method: "totp", code: "1", response: {} },
    { mfaToken: "x", method: "passkey", response: {} },
  ])
    expect((await app.call("POST /v1/auth/mfa/verify", { json })).status).toBe(422);
});

test("adding a factor ends the other sessions and keeps this one", async () => {
  const owner = await registerOwner(app);
  const other = await logIn(app, owner.email);
  await enrolTotp(app, owner);
  const status = async (token: string) => (await app.call("GET /v1/auth/me", { token })).status;
  expect([await status(other.accessToken), await status(owner.accessToken)]).toEqual([401, 200]);
  const [ended] = await app.deps.db.session.findMany({
    where: { accountId: owner.id, revokedAt: { not: null } },
  });
  expect(ended?.revokedReason).toBe("factors_changed");
});
