/** The ways out of a lock that a stranger's guesses have put on an account. */
import { describe, expect, test } from "bun:test";
import type { ReceivedMail } from "../../src/mail/transport.ts";
import { makeUser, newAddress, tryEverywhere, tryPassword } from "../rate-limits/callers.ts";
import { PASSWORD, testApp } from "../support/app.ts";
import { createAuthenticator } from "../support/authenticator.ts";
import { enrolPasskey } from "../support/factors.ts";

const app = testApp({
  DATABASE_POOL_SIZE: "20",
  TRUSTED_PROXY_HOPS: "1",
  PASSWORD_HASH_QUEUE: "200",
});

async function status(email: string, password = PASSWORD, address = newAddress()) {
  return (await tryPassword(app, address, email, password)).status;
}

/** The failure that makes it so many; every one of them locks the account. */
async function failAs(nth: number, { id, email }: { id: string; email: string }) {
  await app.deps.db.account.update({
    where: { id },
    data: { loginAttempts: nth - 1, lockedUntil: null },
  });
  expect(await status(email, "wrong")).toBe(401);
}

/** The mails to an address that say that it is locked. They are queued beside the answer: so many are waited for. */
async function lockMails(address: string, count: number): Promise<ReceivedMail[]> {
  const isOne = ({ to, subject }: ReceivedMail) => to === address && subject.includes("locked");
  let found = (await app.mail()).filter(isOne);
  for (const end = Date.now() + 2000; found.length < count && Date.now() < end; await Bun.sleep(5))
    found = (await app.mail()).filter(isOne);
  return found;
}

function tokenIn(mail: ReceivedMail | undefined): string {
  return /#token=([\w-]+)/.exec(mail?.text ?? "")?.[1] ?? "";
}

function unlock(token: string) {
  return app.call("POST /v1/auth/unlock", { json: { token } });
}

function auditOf(id: string, action: string) {
  return app.deps.db.auditLog.findMany({ where: { resourceId: id, action } });
}

describe("R12: the owner of a locked account", () => {
  test("is told once, however many guesses there are", async () => {
    const user = await makeUser(app);
    await failAs(49, user);
    await tryEverywhere(app, user.email, 20);
    expect(await lockMails(user.email, 1)).toHaveLength(1);
    await Bun.sleep(50);
    expect(await lockMails(user.email, 1)).toHaveLength(1);
    expect(await auditOf(user.id, "user.locked")).toMatchObject([
      { outcome: "success", actorId: null },
    ]);
  });

  test("opens it with the link of the mail, which works once and logs nobody in", async () => {
    const user = await makeUser(app);
    await failAs(50, user);
    const [mail] = await lockMails(user.email, 1);
    expect(await status(user.email)).toBe(401);

    const opened = await unlock(tokenIn(mail));
    expect([opened.status, opened.body, opened.headers.get("set-cookie")]).toEqual([204, "", null]);
    expect(await app.deps.db.session.count({ where: { accountId: user.id } })).toBe(0);
    expect(await auditOf(user.id, "user.unlocked")).toMatchObject([{ actorId: user.id }]);
    expect(await status(user.email)).toBe(200);

    const again = await unlock(tokenIn(mail));
    expect([again.status, again.body.code]).toEqual([400, "invalid_one_time_token"]);
  });

  test("is told again when nothing but the link, a new password or a passkey opens it", async () => {
    const user = await makeUser(app);
    await failAs(50, user);
    await failAs(100, user);
    const [first, second] = await lockMails(user.email, 2);
    // The newer one is the one that counts.
    expect((await unlock(tokenIn(first))).status).toBe(400);
    await app.deps.db.account.update({ where: { id: user.id }, data: { lockedUntil: null } });
    expect(await status(user.email)).toBe(401);
    expect((await unlock(tokenIn(second))).status).toBe(204);
    expect(await status(user.email)).toBe(200);
  });

  test("is not mailed to more than five times an hour", async () => {
    const user = await makeUser(app);
    for (let lock = 1; lock <= 7; lock++) {
      await failAs(50, user);
      await lockMails(user.email, Math.min(lock, 5));
    }
    await Bun.sleep(50);
    expect(await lockMails(user.email, 5)).toHaveLength(5);
  });

  test("gets in with a new password by mail", async () => {
    const user = await makeUser(app);
    await failAs(100, user);
    await app.call("POST /v1/auth/forgot-password", { json: { email: user.email } });
    let token = "";
    for (const end = Date.now() + 2000; !token && Date.now() < end; await Bun.sleep(5))
      token = tokenIn(
        (await app.mail()).findLast(
          ({ to, text }) => to === user.email && text.includes("reset-password"),
        ),
      );
    const newPassword = "a wholly different password";
    const reset = await app.call("POST /v1/auth/reset-password", { json: { token, newPassword } });
    expect(reset.status).toBe(204);
    expect(await status(user.email, newPassword)).toBe(200);
  });

  test("gets in with a passkey, which cannot be guessed, and so opens it for the password", async () => {
    const user = await makeUser(app);
    const { body } = await tryPassword(app, newAddress(), user.email);
    const passkey = await enrolPasskey(app, body, createAuthenticator());
    await failAs(100, user);
    expect(await status(user.email)).toBe(401);

    const options = (await app.call("POST /v1/auth/passkey/options")).body;
    const response = passkey.authenticator.assert(options);
    const entered = await app.call("POST /v1/auth/passkey/login", { json: { response } });
    expect(entered.status).toBe(200);
    const { loginAttempts, lockedUntil } = await app.deps.db.account.findUniqueOrThrow({
      where: { id: user.id },
    });
    expect([loginAttempts, lockedUntil]).toEqual([0, null]);
    // The password is the first of two factors by now.
    expect(await status(user.email)).toBe(200);
  });
});

describe("R12: what opens no lock", () => {
  test.each(["x", "A".repeat(43), "../../x"])("the token %s", async (token) => {
    const { status, body } = await unlock(token);
    expect([status, body.code]).toEqual([400, "invalid_one_time_token"]);
  });

  test.each([
    {},
    { token: "" },
    { token: 1 },
    { token: "x", email: "a@b.example" },
    { token: "x".repeat(513) },
  ])("%j, which is a 422", async (json) =>
    expect((await app.call("POST /v1/auth/unlock", { json })).status).toBe(422),
  );

  test("a link after the account was disabled", async () => {
    const user = await makeUser(app);
    await failAs(50, user);
    const [mail] = await lockMails(user.email, 1);
    await app.deps.db.user.update({ where: { id: user.id }, data: { status: "disabled" } });
    expect((await unlock(tokenIn(mail))).status).toBe(400);
    expect(await auditOf(user.id, "user.unlocked")).toEqual([]);
  });

  test("a link of another kind", async () => {
    const user = await makeUser(app);
    await failAs(50, user);
    const [mail] = await lockMails(user.email, 1);
    const json = { token: tokenIn(mail), newPassword: "a wholly different password" };
    expect((await app.call("POST /v1/auth/reset-password", { json })).status).toBe(400);
    expect(
      (await app.call("POST /v1/auth/magic-link/verify", { json: { token: json.token } })).status,
    ).toBe(400);
  });

  test("one link used twenty times at once: it counts once", async () => {
    const user = await makeUser(app);
    await failAs(50, user);
    const [mail] = await lockMails(user.email, 1);
    const answers = await Promise.all(Array.from({ length: 20 }, () => unlock(tokenIn(mail))));
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(await auditOf(user.id, "user.unlocked")).toHaveLength(1);
  });
});
