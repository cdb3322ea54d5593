/** R75: every guess at any secret of an account counts at the account. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  codeIn,
  followLink,
  magicLink,
  otherCode,
  startChange,
  tokenIn,
  verify,
} from "../auth/mails/mails.ts";
import { type Account, logIn, PASSWORD, registerOwner, testApp } from "../support/app.ts";
import { enrolTotp } from "../support/factors.ts";
import { textsOf } from "../support/statements.ts";

setDefaultTimeout(60_000);

const VERIFY = "POST /v1/auth/me/email/verify";

const app = testApp();

async function verified(): Promise<Account> {
  const account = await registerOwner(app);
  await verify(app, account);
  return account;
}

async function failures({ id }: Account): Promise<number> {
  return (await app.deps.db.account.findUniqueOrThrow({ where: { id } })).loginAttempts;
}

/** As if an hour went by: what was mailed is old, and a lock for a while is over. */
async function hourLater({ id }: Account): Promise<void> {
  await app.deps.pool.query(
    "UPDATE one_time_tokens SET created_at = created_at - interval '1 hour', expires_at = expires_at - interval '1 hour' WHERE user_id = $1",
    [id],
  );
  await lockOver({ id });
}

/** As `magicLink`; but when the last guess has locked the account, the way out is mailed at the same time. */
async function nextLink(email: string) {
  const { body } = await app.call("POST /v1/auth/magic-link", { json: { email } });
  const mails = (await app.mail()).filter((mail) => mail.to === email);
  const mail = mails.findLast(({ subject }) => subject.startsWith("Log in to"));
  if (!mail) throw new Error(`no mail to log in with went to ${email}`);
  return { challengeId: String(body.challengeId), token: tokenIn(mail), code: codeIn(mail) };
}

function lockOver({ id }: { id: string }) {
  return app.deps.pool.query("UPDATE accounts SET locked_until = NULL WHERE id = $1", [id]);
}

test("R75: 150 wrong codes by mail in six hours end at a hundred failures, and the owner is told", async () => {
  const account = await verified();
  let wrong = 0;
  for (let hour = 0; hour < 6; hour++) {
    for (let mail = 0; mail < 5; mail++) {
      const { challengeId, code } = await nextLink(account.email);
      for (let n = 1; n <= 5; n++) {
        const answer = await followLink(app, { challengeId, code: otherCode(code, n) });
        expect(answer.status).toBe(400);
        wrong += 1;
        await lockOver(account);
      }
    }
    await hourLater(account);
  }
  expect([wrong, await failures(account)]).toEqual([150, 100]);
  const { email } = account;
  const told = (await app.mail()).filter(
    ({ to, subject }) => to === email && subject.includes("locked"),
  );
  expect(told.length).toBeGreaterThan(0);

  // From here on no code is right, whichever it is: not for a password, and not for the next mail.
  const { challengeId, code } = await nextLink(email);
  expect((await followLink(app, { challengeId, code })).status).toBe(400);
  const json = { email, password: PASSWORD };
  expect((await app.call("POST /v1/auth/login", { json })).status).toBe(401);
  // The link beside it is the way out.
  await hourLater(account);
  const { token } = await nextLink(email);
  expect((await followLink(app, { token })).status).toBe(200);
  expect(await failures(account)).toBe(0);
});

test("R75: codes and passwords count together, and a right code sets them back as a log-in does", async () => {
  const account = await verified();
  const { email } = account;
  await app.call("POST /v1/auth/login", { json: { email, password: "wrong" } });
  const { challengeId, code } = await magicLink(app, email);
  await followLink(app, { challengeId, code: otherCode(code) });
  expect(await failures(account)).toBe(2);
  expect((await followLink(app, { challengeId, code })).status).toBe(200);
  expect(await failures(account)).toBe(0);
});

describe("R75: a wrong guess counts at the account", () => {
  const guesses: Record<string, (account: Account) => Promise<unknown>> = {
    "at the password, in a session": ({ accessToken: token }) =>
      app.call("POST /v1/auth/reauthenticate", { token, json: { password: "wrong" } }),
    "at the password, when it is changed": ({ accessToken: token }) =>
      app.call("POST /v1/auth/change-password", {
        token,
        json: { currentPassword: "wrong", newPassword: "a wholly different long phrase" },
      }),
    "at the code that changes the address": async (account) => {
      const { code } = await startChange(app, account);
      const { accessToken: token } = account;
      return app.call(VERIFY, { token, json: { code: otherCode(code) } });
    },
    "at an app's code and at a recovery code": async (account) => {
      await enrolTotp(app, account);
      const json = { email: account.email, password: PASSWORD };
      const { mfaToken } = (await app.call("POST /v1/auth/login", { json })).body;
      const shown = { mfaToken, method: "recovery_code", code: "AAAA-AAAA" };
      return app.call("POST /v1/auth/mfa/verify", { json: shown });
    },
  };
  for (const [name, guess] of Object.entries(guesses))
    test(name, async () => {
      const account = await verified();
      await guess(account);
      expect(await failures(account)).toBe(1);
    });

  test("at the code that proves the address, and a right one sets them back", async () => {
    const account = await registerOwner(app);
    const code = codeIn(await app.lastMailTo(account.email));
    const prove = (digits: string) =>
      app.call(VERIFY, { token: account.accessToken, json: { code: digits } });
    expect((await prove(otherCode(code))).status).toBe(400);
    expect(await failures(account)).toBe(1);
    expect((await prove(code)).status).toBe(204);
    expect(await failures(account)).toBe(0);
  });
});

test("R75: a right code for a new address sets nothing back: it says nothing of the account's own secrets", async () => {
  const account = await verified();
  const { accessToken: token } = account;
  await app.call("POST /v1/auth/reauthenticate", { token, json: { password: "wrong" } });
  const { code } = await startChange(app, account);
  expect((await app.call(VERIFY, { token, json: { code } })).status).toBe(204);
  expect(await failures(account)).toBe(1);
});

test("R75: while the account is locked for the caller, in a session too no code is taken, and the link is", async () => {
  const account = await verified();
  const { accessToken: token } = account;
  const { code, token: link, email } = await startChange(app, account);
  await app.deps.db.account.update({ where: { id: account.id }, data: { loginAttempts: 100 } });
  expect((await app.call(VERIFY, { token, json: { code } })).status).toBe(400);
  expect((await app.call(VERIFY, { token, json: { token: link } })).status).toBe(204);
  await app.deps.db.account.update({ where: { id: account.id }, data: { loginAttempts: 0 } });
  expect((await logIn(app, email)).id).toBe(account.id);
});

test("R13: a wrong code takes the same statements whether a mail was sent or not, and so does a right one that is refused", async () => {
  const account = await verified();
  const { challengeId, code } = await magicLink(app, account.email);
  const locked = await verified();
  const refused = await magicLink(app, locked.email);
  await app.deps.db.account.update({ where: { id: locked.id }, data: { loginAttempts: 100 } });
  const seen: string[][] = [];
  for (const json of [
    { challengeId, code: otherCode(code) },
    { challengeId: "made up", code: "000000" },
    { challengeId: refused.challengeId, code: refused.code },
  ])
    seen.push(await textsOf(() => followLink(app, json)));
  expect(seen[0]?.length).toBeGreaterThan(4);
  expect(seen[1]).toEqual(seen[0] ?? []);
  expect(seen[2]).toEqual(seen[0] ?? []);
});
