import { expect, test } from "bun:test";
import {
  type Account,
  createTestApp,
  logIn,
  proveAddress,
  randomName,
  registerOwner,
  type TestApp,
  testApp,
} from "../../support/app.ts";
import { auditOf, codeIn, mailsTo, startChange, tokenIn, verify } from "../mails/mails.ts";
import { addressOf, prove } from "./proofs.ts";

const VERIFY = "POST /v1/auth/me/email/verify";
const CHANGE = "POST /v1/auth/me/email";

const app = testApp({ DATABASE_POOL_SIZE: "20" });

test.each(["token", "code"] as const)(
  "the %s of the mail changes the address; until then the old one stays",
  async (by) => {
    const account = await registerOwner(app);
    await verify(app, account);
    const elsewhere = await logIn(app, account.email);
    const mail = await startChange(app, account);
    expect((await addressOf(app, account)).email).toBe(account.email);
    expect(await prove(app, account, { [by]: mail[by] })).toBe(204);
    expect(await addressOf(app, account)).toEqual({ email: mail.email, verified: true });
    const me = (token: string) => app.call("GET /v1/auth/me", { token });
    expect((await me(account.accessToken)).status).toBe(200);
    expect((await me(elsewhere.accessToken)).status).toBe(401);
    expect((await logIn(app, mail.email)).id).toBe(account.id);
  },
);

test("R19: the old address is told, where it was proved", async () => {
  const account = await registerOwner(app);
  await verify(app, account);
  const { email, token } = await startChange(app, account);
  await prove(app, account, { token });
  const mail = await app.lastMailTo(account.email);
  expect(mail.subject).toBe("Your e-mail address was changed");
  // The new address is whoever changed it's choice of words.
  expect(mail.text).not.toContain(email);
});

test("R15: it voids what the old address was sent", async () => {
  const account = await registerOwner(app);
  await app.call("POST /v1/auth/forgot-password", { json: { email: account.email } });
  const token = tokenIn(await app.lastMailTo(account.email));
  await prove(app, account, { token: (await startChange(app, account)).token });
  const json = { token, newPassword: "a wholly different long phrase" };
  expect((await app.call("POST /v1/auth/reset-password", { json })).status).toBe(400);
});

test("R24: it needs a recent log-in", async () => {
  const strict = await createTestApp({ STEP_UP_SECONDS: "30" });
  try {
    const account = await registerOwner(strict);
    await strict.deps.pool.query("UPDATE sessions SET created_at = created_at - interval '1 hour'");
    const { accessToken: token } = await refreshed(strict, account);
    const { status, headers, body } = await strict.call(CHANGE, {
      token,
      json: { email: "new@example.com" },
    });
    expect([status, body.code]).toEqual([401, "reauthentication_required"]);
    expect(headers.get("www-authenticate")).toContain('error="insufficient_user_authentication"');
    expect(headers.get("www-authenticate")).toContain("max_age=");
  } finally {
    await strict.close();
  }
});

test("an address that somebody has: the same answer, a mail to them, and no way to complete", async () => {
  const [account, other] = [await registerOwner(app), await registerOwner(app)];
  await proveAddress(app, other);
  const json = { email: other.email };
  const taken = await app.call(CHANGE, { token: account.accessToken, json });
  expect([taken.status, taken.body]).toEqual([202, { expiresIn: 600 }]);
  const mail = await app.lastMailTo(other.email);
  expect(mail.subject).toBe("You have an account already");
  expect(() => tokenIn(mail)).toThrow("no link");
  expect(() => codeIn(mail)).toThrow("no code");
  const free = await app.call(CHANGE, {
    token: account.accessToken,
    json: { email: `${randomName()}@new.example` },
  });
  expect([free.status, free.body]).toEqual([taken.status, taken.body]);
});

test("of two users who change to one address, the second gets 409 and keeps theirs", async () => {
  const [one, two] = [await registerOwner(app), await registerOwner(app)];
  const first = await startChange(app, one);
  const second = await startChange(app, two, first.email);
  expect(await prove(app, two, { token: second.token })).toBe(204);
  const late = await app.call(VERIFY, { token: one.accessToken, json: { token: first.token } });
  expect([late.status, late.body.code]).toEqual([409, "email_taken"]);
  expect((await addressOf(app, one)).email).toBe(one.email);
});

test("one's own address again does nothing", async () => {
  const account = await registerOwner(app);
  const before = await mailsTo(app, account.email);
  const json = { email: account.email.toUpperCase() };
  expect((await app.call(CHANGE, { token: account.accessToken, json })).status).toBe(202);
  expect(await mailsTo(app, account.email)).toBe(before);
});

test("R63: request and change leave rows without address, token and code", async () => {
  const account = await registerOwner(app);
  const { email, token } = await startChange(app, account);
  await prove(app, account, { token });
  for (const action of ["user.email_change_requested", "user.email_changed"]) {
    const rows = await auditOf(app, action, account.id);
    expect([action, rows.length, rows[0]?.actorId]).toEqual([action, 1, account.id]);
    expect(JSON.stringify(rows)).not.toContain(token);
    expect(JSON.stringify(rows)).not.toContain(email);
  }
});

async function refreshed(on: TestApp, { refreshToken }: Account): Promise<Account> {
  return (await on.call("POST /v1/auth/refresh", { json: { refreshToken } })).body;
}
