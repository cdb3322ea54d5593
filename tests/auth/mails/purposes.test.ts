/** Every kind of one-time token at every place that takes one: each opens its own door and no other. */
import { beforeEach, expect, test } from "bun:test";
import { type Account, logIn, PASSWORD, registerOwner, testApp } from "../../support/app.ts";
import { claimsOf, enrolTotp, totpCode } from "../../support/factors.ts";
import {
  auditOf,
  followLink,
  magicLink,
  mailsTo,
  NEW_PASSWORD,
  registration,
  reset,
  resetToken,
  startChange,
  tokenIn,
  verify,
} from "./mails.ts";

const app = testApp();
let account: Account & { secret: string };

beforeEach(async () => {
  const owner = await registerOwner(app);
  await verify(app, owner);
  const { accessToken } = await logIn(app, owner.email);
  account = { ...owner, accessToken, ...(await enrolTotp(app, { accessToken })) };
  // What these were told arrives before what is asked for.
  await app.mail();
});

/** How each kind of token comes about. */
const TOKENS = {
  verify_email: async () => {
    const unproved = "UPDATE accounts SET email_verified_at = NULL WHERE id = $1";
    await app.deps.pool.query(unproved, [account.id]);
    await app.call("POST /v1/auth/me/email/verification", { token: account.accessToken });
    const token = tokenIn(await app.lastMailTo(account.email));
    await app.deps.pool.query("UPDATE accounts SET email_verified_at = now() WHERE id = $1", [
      account.id,
    ]);
    return token;
  },
  change_email: async () => (await startChange(app, account)).token,
  magic_link: async () => (await magicLink(app, account.email)).token,
  reset_password: () => resetToken(app, account.email),
  unlock: async () => {
    await app.deps.jobs.send("mail_request", {
      request: { kind: "unlock", email: account.email },
      origin: { requestId: "test", ip: null, userAgent: null, language: null, device: null },
    });
    return tokenIn(await app.lastMailTo(account.email));
  },
  mfa: async () => {
    const json = { email: account.email, password: PASSWORD };
    return String((await app.call("POST /v1/auth/login", { json })).body.mfaToken);
  },
  register: async () => {
    app.deps.config.emailVerification = "required";
    const json = registration();
    await app.call("POST /v1/auth/register", { json });
    app.deps.config.emailVerification = "optional";
    return tokenIn(await app.lastMailTo(json.email));
  },
  passkey_login: async () =>
    String((await app.call("POST /v1/auth/passkey/options")).body.challenge),
  passkey_registration: async () => {
    const { accessToken: token } = account;
    return String((await app.call("POST /v1/auth/me/passkeys/options", { token })).body.challenge);
  },
} satisfies Record<string, () => Promise<string>>;

/** Their challenges come back inside what an authenticator has signed, and at no door as a token. */
const PASSKEY_KINDS = ["passkey_login", "passkey_registration"];

/** Where a token can be shown, and the kinds that are good there. */
const DOORS: Record<
  string,
  { takes: string[]; open: (token: string) => Promise<{ status: number }> }
> = {
  "/me/email/verify": {
    takes: ["verify_email", "change_email"],
    open: (token) =>
      app.call("POST /v1/auth/me/email/verify", { token: account.accessToken, json: { token } }),
  },
  "/magic-link/verify": { takes: ["magic_link"], open: (token) => followLink(app, { token }) },
  "/reset-password": { takes: ["reset_password"], open: (token) => reset(app, token) },
  "/unlock": {
    takes: ["unlock"],
    open: (token) => app.call("POST /v1/auth/unlock", { json: { token } }),
  },
  "/register/complete": {
    takes: ["register"],
    open: (token) =>
      app.call("POST /v1/auth/register/complete", { json: { token, password: PASSWORD } }),
  },
  "/mfa/verify": {
    takes: ["mfa"],
    open: (mfaToken) =>
      app.call("POST /v1/auth/mfa/verify", {
        json: { mfaToken, method: "totp", code: totpCode(account.secret) },
      }),
  },
  "/refresh": {
    takes: [],
    open: (refreshToken) => app.call("POST /v1/auth/refresh", { json: { refreshToken } }),
  },
  "the Authorization header": {
    takes: [],
    open: (token) => app.call("GET /v1/auth/me", { token }),
  },
};

test.each(Object.entries(TOKENS))(
  "a token for %s opens its own door alone",
  async (kind, issue) => {
    const token = await issue();
    const doors = Object.entries(DOORS);
    for (const [name, { takes, open }] of doors) {
      if (takes.includes(kind)) continue;
      const { status } = await open(token);
      expect([name, [400, 401].includes(status)]).toEqual([name, true]);
    }
    // The wrong doors have not used it up.
    const own = doors.filter(([, { takes }]) => takes.includes(kind));
    expect([kind, own.length]).toEqual([kind, PASSKEY_KINDS.includes(kind) ? 0 : 1]);
    for (const [name, { open }] of own)
      expect([name, (await open(token)).status < 300]).toEqual([name, true]);
  },
);

test.each(["verify_email", "magic_link", "reset_password", "unlock"] as const)(
  "R15: a token for %s is worth nothing once the address is another one, even without the trigger that voids it",
  async (kind) => {
    const token = await TOKENS[kind]();
    const change = "UPDATE accounts SET email = 'other-' || email WHERE id = $1";
    const trigger = (verb: string) =>
      app.deps.pool.query(`ALTER TABLE accounts ${verb} TRIGGER accounts_void_one_time_tokens`);
    await trigger("DISABLE");
    await app.deps.pool.query(change, [account.id]);
    await trigger("ENABLE");
    const row = await app.deps.db.oneTimeToken.findFirstOrThrow({
      where: { userId: account.id, purpose: kind, usedAt: null },
    });
    expect(row.email).toBe(account.email);
    const door = Object.values(DOORS).find(({ takes }) => takes.includes(kind));
    expect((await door?.open(token))?.status).toBe(400);
  },
);

test("R22: a code opens no other door than its own, whatever is said to be its challenge", async () => {
  const { challengeId, code } = await magicLink(app, account.email);
  const change = await startChange(app, account);
  const elsewhere = { challengeId, code };
  expect((await app.call("POST /v1/auth/register/complete", { json: elsewhere })).status).toBe(400);
  const prove = { token: account.accessToken, json: { code } };
  if (code !== change.code)
    expect((await app.call("POST /v1/auth/me/email/verify", prove)).status).toBe(400);
  const session = claimsOf(account.accessToken).sid;
  for (const guessed of [session, account.id, ""])
    expect(
      (await followLink(app, { challengeId: String(guessed), code: change.code })).status,
    ).not.toBe(200);
  expect((await followLink(app, { challengeId, code })).status).toBe(200);
});

test("R12: an unlock link lifts the lock once and logs nobody in", async () => {
  await app.deps.db.account.update({ where: { id: account.id }, data: { loginAttempts: 100 } });
  const token = await TOKENS.unlock();
  const answer = await app.call("POST /v1/auth/unlock", { json: { token } });
  expect([answer.status, answer.body]).toEqual([204, ""]);
  const { loginAttempts } = await app.deps.db.account.findUniqueOrThrow({
    where: { id: account.id },
  });
  expect(loginAttempts).toBe(0);
  for (const action of ["user.locked", "user.unlocked"])
    expect([action, (await auditOf(app, action, account.id)).length]).toEqual([action, 1]);
  expect((await app.call("POST /v1/auth/unlock", { json: { token } })).status).toBe(400);
});

test("R12: the failure that locks an account for good brings its owner a way out", async () => {
  const { id, email } = await registerOwner(app);
  await app.deps.db.account.update({ where: { id }, data: { loginAttempts: 99 } });
  const before = await mailsTo(app, email);
  await app.call("POST /v1/auth/login", { json: { email, password: NEW_PASSWORD } });
  // Put in beside the answer, which does not wait for it.
  while ((await mailsTo(app, email)) === before) await Bun.sleep(20);
  const mail = await app.lastMailTo(email);
  expect(mail.subject).toBe("Your account is locked for now");
  expect((await app.call("POST /v1/auth/unlock", { json: { token: tokenIn(mail) } })).status).toBe(
    204,
  );
  await logIn(app, email);
});
