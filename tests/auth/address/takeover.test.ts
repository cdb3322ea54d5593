/** R18: an account that a stranger prepared for the owner of its address (GHSA-qq9h-g4jm-xgf3). */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createKey, use } from "../../api-keys/keys.ts";
import {
  type Account,
  createTestApp,
  logIn,
  registerOwner,
  type TestApp,
  testApp,
} from "../../support/app.ts";
import { claimsOf, enrolPasskey, enrolTotp } from "../../support/factors.ts";
import {
  auditOf,
  codeIn,
  followLink,
  magicLink,
  NEW_PASSWORD,
  passwordLogin,
  registration,
  reset,
  resetToken,
  startChange,
  tokenIn,
  verify,
} from "../mails/mails.ts";

const app = testApp();
beforeAll(async () => {
  // Without its triggers the database tells nobody: what ends here ends because this instance remembers it.
  for (const table of ["sessions", "api_keys"])
    await app.deps.pool.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
});

/** What a stranger leaves behind in the account: every way back in that there is. */
async function prepare() {
  const stranger = await registerOwner(app);
  const key = await createKey(app, stranger);
  expect(await use(app, key)).toBe(200);
  const { authenticator } = await enrolPasskey(app, stranger);
  await enrolTotp(app, stranger);
  const { body } = await app.call("POST /v1/auth/login", {
    json: { email: stranger.email, password: "correct horse battery staple" },
  });
  const change = await startChange(app, stranger);
  return { stranger, key, authenticator, mfaToken: String(body.mfaToken), change };
}

type Prepared = Awaited<ReturnType<typeof prepare>>;

async function expectNoWayBack({ stranger, key, authenticator, mfaToken, change }: Prepared) {
  const { accessToken: token, refreshToken } = stranger;
  expect((await app.call("GET /v1/auth/me", { token })).status).toBe(401);
  expect((await app.call("POST /v1/auth/refresh", { json: { refreshToken } })).status).toBe(401);
  expect(await use(app, key)).toBe(401);
  expect(await passwordLogin(app, stranger.email)).toBe(401);
  const options = (await app.call("POST /v1/auth/passkey/options")).body;
  const response = authenticator.assert(options);
  expect((await app.call("POST /v1/auth/passkey/login", { json: { response } })).status).toBe(401);
  const mfa = { mfaToken, method: "recovery_code", code: "x" };
  expect((await app.call("POST /v1/auth/mfa/verify", { json: mfa })).body.code).toBe(
    "invalid_mfa_token",
  );
  const account = await app.deps.db.account.findUniqueOrThrow({
    where: { id: stranger.id },
    include: { totpFactors: true, passkeys: true, recoveryCodes: true },
  });
  expect([account.totpFactors, account.passkeys, account.recoveryCodes]).toEqual([[], [], []]);
  expect(account.emailVerifiedAt).toBeInstanceOf(Date);
  expect(await auditOf(app, "user.unproved_discarded", stranger.id)).toHaveLength(1);
  // The change of address that the stranger has begun cannot be completed in the owner's session either.
  const open = await app.deps.db.oneTimeToken.count({
    where: { userId: stranger.id, purpose: "change_email", usedAt: null },
  });
  expect([open, change.email]).toEqual([0, change.email]);
}

describe("R18: what a stranger prepared is gone when the owner of the address moves in", () => {
  test("by a mail to log in with", async () => {
    const prepared = await prepare();
    const { token } = await magicLink(app, prepared.stranger.email);
    const { status, body } = await followLink(app, { token });
    expect([status, body.mfaRequired, claimsOf(body.accessToken).amr]).toEqual([
      200,
      undefined,
      ["email"],
    ]);
    await expectNoWayBack(prepared);
    expect((await app.call("GET /v1/auth/me", { token: body.accessToken })).status).toBe(200);
  });

  test("by a new password", async () => {
    const prepared = await prepare();
    const token = await resetToken(app, prepared.stranger.email);
    expect((await reset(app, token)).status).toBe(204);
    await expectNoWayBack(prepared);
    const { accessToken } = await logIn(app, prepared.stranger.email, NEW_PASSWORD);
    expect((await app.call("GET /v1/auth/me", { token: accessToken })).status).toBe(200);
  });
});

test("R18: what the owner of a proved address has set up stays", async () => {
  const owner = await registerOwner(app);
  await verify(app, owner);
  const key = await createKey(app, owner);
  await enrolTotp(app, owner);
  const { token } = await magicLink(app, owner.email);
  expect((await followLink(app, { token })).body).toMatchObject({
    mfaRequired: true,
    methods: expect.arrayContaining(["totp"]),
  });
  await reset(app, await resetToken(app, owner.email));
  expect(await app.deps.db.totpFactor.count({ where: { accountId: owner.id } })).toBe(1);
  expect(await use(app, key)).toBe(200);
  expect(await auditOf(app, "user.unproved_discarded", owner.id)).toEqual([]);
});

test("R18: a link that proves an address works in a session of the account alone", async () => {
  const stranger: Account = await registerOwner(app);
  const owner = await registerOwner(app);
  const mail = await app.lastMailTo(stranger.email);
  const route = "POST /v1/auth/me/email/verify";
  const token = tokenIn(mail);
  expect((await app.call(route, { json: { token } })).status).toBe(401);
  for (const json of [{ token }, { code: codeIn(mail) }])
    expect((await app.call(route, { token: owner.accessToken, json })).status).toBe(400);
  expect((await app.call(route, { token: stranger.accessToken, json: { token } })).status).toBe(
    204,
  );
});

describe("R18: where addresses are proved first", () => {
  let strict: TestApp;
  beforeAll(async () => {
    strict = await createTestApp({ EMAIL_VERIFICATION: "required" });
  });
  afterAll(() => strict.close());

  test("the owner's click does not complete what a stranger began: that takes the stranger's password", async () => {
    const json = registration();
    await strict.call("POST /v1/auth/register", { json });
    const token = tokenIn(await strict.lastMailTo(json.email));
    const route = "POST /v1/auth/register/complete";
    expect((await strict.call(route, { json: { token } })).status).toBe(422);
    const guess = await strict.call(route, { json: { token, password: NEW_PASSWORD } });
    expect([guess.status, guess.body.code]).toEqual([400, "invalid_one_time_token"]);
    expect(await strict.deps.db.user.count({ where: { email: json.email } })).toBe(0);
    // The wrong password has not used the link up.
    const done = await strict.call(route, { json: { token, password: json.password } });
    expect(done.status).toBe(201);
  });

  test("the owner registers although a stranger has begun to, and the stranger then cannot", async () => {
    const strangers = registration();
    const { body } = await strict.call("POST /v1/auth/register", { json: strangers });
    const first = await strict.lastMailTo(strangers.email);
    const owners = { ...registration(), email: strangers.email, password: NEW_PASSWORD };
    const begun = await strict.call("POST /v1/auth/register", { json: owners });
    const code = codeIn(await strict.lastMailTo(owners.email));
    const route = "POST /v1/auth/register/complete";
    const crossed = { challengeId: body.challengeId, code };
    if (code !== codeIn(first))
      expect((await strict.call(route, { json: crossed })).status).toBe(400);
    const { challengeId } = begun.body;
    expect((await strict.call(route, { json: { challengeId, code } })).status).toBe(201);
    const late = { token: tokenIn(first), password: strangers.password };
    expect((await strict.call(route, { json: late })).body.code).toBe("email_taken");
    expect(await passwordLogin(strict, owners.email)).toBe(401);
    expect(await passwordLogin(strict, owners.email, NEW_PASSWORD)).toBe(200);
  });
});
