import { describe, expect, test } from "bun:test";
import { createKey } from "../../api-keys/keys.ts";
import {
  createMember,
  logIn,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../../support/app.ts";
import { auditOf, codeIn, mailsTo, otherCode, tokenIn, verify } from "../mails/mails.ts";
import { addressOf, prove } from "./proofs.ts";

const VERIFY = "POST /v1/auth/me/email/verify";
const RESEND = "POST /v1/auth/me/email/verification";
const CHANGE = "POST /v1/auth/me/email";

const app = testApp({ DATABASE_POOL_SIZE: "20" });

describe("proving the address of an account", () => {
  test.each(["token", "code"] as const)("by the %s of the registration's mail", async (by) => {
    const account = await registerOwner(app);
    expect((await addressOf(app, account)).verified).toBe(false);
    const mail = await app.lastMailTo(account.email);
    const json = by === "token" ? { token: tokenIn(mail) } : { code: codeIn(mail) };
    expect(await prove(app, account, json)).toBe(204);
    expect(await addressOf(app, account)).toEqual({ email: account.email, verified: true });
    expect(await prove(app, account, json)).toBe(400);
    const rows = await auditOf(app, "user.email_verified", account.id);
    expect(rows.map(({ outcome }) => outcome)).toEqual(["success", "failure"]);
    expect(rows[0]).toMatchObject({ actorId: account.id, tenantId: account.tenantId, details: {} });
  });

  test("R22: the code counts in the session that asked, the link in every session of the user", async () => {
    const account = await registerOwner(app);
    const mail = await app.lastMailTo(account.email);
    const other = await logIn(app, account.email);
    expect(await prove(app, other, { code: codeIn(mail) })).toBe(400);
    expect(await prove(app, other, { token: tokenIn(mail) })).toBe(204);
  });

  test("R22: the code is over after ten minutes, the link after an hour", async () => {
    const account = await registerOwner(app);
    const mail = await app.lastMailTo(account.email);
    const age = (minutes: number) =>
      app.deps.pool.query(
        "UPDATE one_time_tokens SET created_at = created_at - make_interval(mins => $2), expires_at = expires_at - make_interval(mins => $2) WHERE user_id = $1",
        [account.id, minutes],
      );
    await age(11);
    expect(await prove(app, account, { code: codeIn(mail) })).toBe(400);
    await age(50);
    expect(await prove(app, account, { token: tokenIn(mail) })).toBe(400);
    await age(-50);
    expect(await prove(app, account, { token: tokenIn(mail) })).toBe(204);
  });

  test("R22: five wrong codes void the right one; a new mail brings another", async () => {
    const account = await registerOwner(app);
    const code = codeIn(await app.lastMailTo(account.email));
    for (let n = 1; n <= 5; n++)
      expect(await prove(app, account, { code: otherCode(code, n) })).toBe(400);
    expect(await prove(app, account, { code })).toBe(400);
    const sent = await app.call(RESEND, { token: account.accessToken });
    expect([sent.status, sent.body]).toEqual([202, { expiresIn: 600 }]);
    expect(await prove(app, account, { code: codeIn(await app.lastMailTo(account.email)) })).toBe(
      204,
    );
  });

  test("R15: a newer mail voids the older one; an hour has five, and a proved address gets none", async () => {
    const account = await registerOwner(app);
    const first = await app.lastMailTo(account.email);
    for (let n = 0; n < 6; n++)
      expect((await app.call(RESEND, { token: account.accessToken })).status).toBe(202);
    expect(await mailsTo(app, account.email)).toBe(5);
    expect(await prove(app, account, { token: tokenIn(first) })).toBe(400);
    const last = await app.lastMailTo(account.email);
    expect(await prove(app, account, { token: tokenIn(last) })).toBe(204);
    expect(await prove(app, await registerOwner(app), { token: tokenIn(last) })).toBe(400);
    const proved = await registerOwner(app);
    await verify(app, proved);
    await app.call(RESEND, { token: proved.accessToken });
    expect(await mailsTo(app, proved.email)).toBe(1);
  });

  test("somebody else's link is refused and still works for them", async () => {
    const [one, two] = [await registerOwner(app), await registerOwner(app)];
    const token = tokenIn(await app.lastMailTo(one.email));
    expect(await prove(app, two, { token })).toBe(400);
    expect((await addressOf(app, two)).verified).toBe(false);
    expect(await prove(app, one, { token })).toBe(204);
  });

  test("of fifty at once one succeeds", async () => {
    const account = await registerOwner(app);
    const mail = await app.lastMailTo(account.email);
    const tries = Array.from({ length: 50 }, (_, n) =>
      prove(app, account, n % 2 ? { token: tokenIn(mail) } : { code: codeIn(mail) }),
    );
    expect((await Promise.all(tries)).sort()).toEqual([204, ...Array(49).fill(400)]);
    const rows = await auditOf(app, "user.email_verified", account.id);
    expect(rows.filter(({ outcome }) => outcome === "success")).toHaveLength(1);
  });

  test("a mail to the address that an administrator has replaced proves nothing", async () => {
    const owner = await registerOwner(app);
    const member = await createMember(app, owner);
    await app.call(RESEND, { token: member.accessToken });
    const mail = await app.lastMailTo(member.email);
    const email = `${randomName()}@new.example`;
    await app.call(`PATCH /v1/users/${member.id}`, { token: owner.accessToken, json: { email } });
    expect(await prove(app, member, { token: tokenIn(await app.lastMailTo(email)) })).toBe(204);
    expect(await prove(app, member, { token: tokenIn(mail) })).toBe(400);
    expect(await prove(app, member, { code: codeIn(mail) })).toBe(400);
    expect(await addressOf(app, member)).toEqual({ email, verified: true });
  });
});

test("an API key is no session: it can neither prove nor change an address", async () => {
  const owner = await registerOwner(app);
  const { key: token } = await createKey(app, owner);
  const calls: [string, object | undefined][] = [
    [VERIFY, { code: "123456" }],
    [RESEND, undefined],
    [CHANGE, { email: "new@example.com" }],
  ];
  for (const [route, json] of calls) {
    const { status, body } = await app.call(route, { token, ...(json && { json }) });
    expect([route, status, body.code]).toEqual([route, 403, "session_required"]);
  }
});

test("a session that has ended proves nothing", async () => {
  const account = await registerOwner(app);
  const mail = await app.lastMailTo(account.email);
  await app.call("POST /v1/auth/logout", { token: account.accessToken });
  expect(await prove(app, account, { token: tokenIn(mail) })).toBe(401);
  const again = await logIn(app, account.email, PASSWORD);
  expect(await prove(app, again, { token: tokenIn(mail) })).toBe(204);
});
