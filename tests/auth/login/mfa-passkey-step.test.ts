import { describe, expect, test } from "bun:test";
import { type Account, PASSWORD, registerOwner, testApp } from "../../support/app.ts";
import {
  type Authenticator,
  createAuthenticator,
  FLAGS,
  type Twist,
} from "../../support/authenticator.ts";
import { claimsOf, enrolPasskey } from "../../support/factors.ts";

const app = testApp();

type Holder = Account & { authenticator: Authenticator };

async function holder(authenticator = createAuthenticator()): Promise<Holder> {
  const owner = await registerOwner(app);
  await enrolPasskey(app, owner, authenticator);
  return { ...owner, authenticator };
}

async function firstStep({ email }: Account): Promise<string> {
  return (await app.call("POST /v1/auth/login", { json: { email, password: PASSWORD } })).body
    .mfaToken;
}

async function optionsFor(mfaToken: string) {
  return (await app.call("POST /v1/auth/mfa/passkey-options", { json: { mfaToken } })).body;
}

function send(mfaToken: string, response: unknown) {
  return app.call("POST /v1/auth/mfa/verify", {
    json: { mfaToken, method: "passkey", response },
  });
}

async function attempt(owner: Holder, twist: Twist = {}) {
  const mfaToken = await firstStep(owner);
  return send(mfaToken, owner.authenticator.assert(await optionsFor(mfaToken), twist));
}

test("the options name the passkeys of the user who took the first step", async () => {
  const owner = await holder();
  expect(await optionsFor(await firstStep(owner))).toEqual({
    challenge: expect.any(String),
    rpId: "localhost",
    timeout: 300_000,
    allowCredentials: [
      { id: owner.authenticator.id, type: "public-key", transports: ["internal", "hybrid"] },
    ],
    userVerification: "preferred",
  });
});

test("the options are for nobody else", async () => {
  const owner = await holder();
  for (const mfaToken of ["x", owner.accessToken.slice(0, 512), owner.refreshToken]) {
    const { status, body } = await app.call("POST /v1/auth/mfa/passkey-options", {
      json: { mfaToken },
    });
    expect({ status, code: body.code }).toEqual({ status: 401, code: "invalid_mfa_token" });
  }
});

describe("R25: with a password before it, a passkey is the second factor", () => {
  const CASES: [string, Parameters<typeof createAuthenticator>[0], string[]][] = [
    ["synced, with its user verified", {}, ["pwd", "swk", "user", "mfa"]],
    ["bound to a device", { synced: false }, ["pwd", "hwk", "user", "mfa"]],
    ["that cannot verify", { synced: false, userVerification: false }, ["pwd", "hwk", "mfa"]],
  ];
  test.each(CASES)("%s", async (_, options, amr) => {
    const { status, body } = await attempt(await holder(createAuthenticator(options)));
    expect(status).toBe(200);
    expect(claimsOf(body.accessToken).amr).toEqual(amr);
  });

  test("and may leave its user handle out, but not give another's", async () => {
    const owner = await holder();
    expect((await attempt(owner, { userHandle: null })).status).toBe(200);
    expect((await attempt(owner, { userHandle: "AAAAAAAAAAAAAAAAAAAAAA" })).status).toBe(401);
  });
});

describe("R27: the challenge of a second step", () => {
  test("belongs to one log-in: not to another of the same user, nor to that of somebody else", async () => {
    const [owner, other] = [await holder(), await holder()];
    const [first, second, theirs] = [
      await firstStep(owner),
      await firstStep(owner),
      await firstStep(other),
    ];
    for (const from of [second, theirs]) {
      const response = owner.authenticator.assert(await optionsFor(from));
      const { status, body } = await send(first, response);
      expect({ status, code: body.code }).toEqual({ status: 401, code: "invalid_second_factor" });
    }
    const response = owner.authenticator.assert(await optionsFor(first));
    expect((await send(first, response)).status).toBe(200);
  });

  test("is not that of a log-in with a passkey alone", async () => {
    const owner = await holder();
    const options = (await app.call("POST /v1/auth/passkey/options")).body;
    expect((await send(await firstStep(owner), owner.authenticator.assert(options))).status).toBe(
      401,
    );
  });
});

test("R30: somebody else's passkey is no second factor", async () => {
  const [owner, other] = [await holder(), await holder()];
  const mfaToken = await firstStep(owner);
  const response = other.authenticator.assert(await optionsFor(mfaToken));
  expect((await send(mfaToken, response)).status).toBe(401);
});

test("R22: a refused passkey counts as a wrong code does, at the log-in and at the account", async () => {
  const owner = await holder();
  const mfaToken = await firstStep(owner);
  const codes: string[] = [];
  for (let time = 0; time < 6; time++) {
    const given = time < 5 ? await optionsFor(mfaToken) : { challenge: "x" };
    const response = owner.authenticator.assert(given, { clear: FLAGS.UP });
    codes.push((await send(mfaToken, response)).body.code);
  }
  expect(codes).toEqual([...Array(5).fill("invalid_second_factor"), "invalid_mfa_token"]);
  const row = await app.deps.db.account.findUniqueOrThrow({ where: { id: owner.id } });
  expect(row.loginAttempts).toBe(5);
  const [failure] = await app.deps.db.auditLog.findMany({
    where: { resourceId: owner.id, action: "auth.second_factor_failed" },
  });
  expect(failure).toMatchObject({
    outcome: "failure",
    details: { method: "passkey", reason: "not_verified" },
  });
});
