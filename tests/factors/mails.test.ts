/** R19: the owner of an account hears of every change of its factors. */
import { beforeAll, expect, test } from "bun:test";
import {
  type Account,
  createSuperAdmin,
  PASSWORD,
  proveAddress,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { enrolPasskey, enrolTotp, stopClock } from "../support/factors.ts";

const app = testApp();
beforeAll(() => stopClock());

/** The texts of the mails to this address that speak of factors. */
async function toldTo({ email }: Account): Promise<string[]> {
  const mails = (await app.mail()).filter(({ to }) => to === email);
  return mails.map(({ text }) => text.split("\n")[0] ?? "").filter((text) => FACTORS.test(text));
}

async function registerProved() {
  const owner = await registerOwner(app);
  await proveAddress(app, owner);
  return owner;
}

const FACTORS = /passkey|authenticator|recovery codes/i;

test("R19: adding and removing a factor, and new recovery codes, each one mail", async () => {
  const owner = await registerProved();
  const { accessToken: token } = owner;
  await enrolTotp(app, owner);
  await enrolPasskey(app, owner);
  await app.call("POST /v1/auth/me/recovery-codes", { token });
  await app.call("DELETE /v1/auth/me/totp", { token });
  const told = await toldTo(owner);
  expect(told).toHaveLength(4);
  expect(told[0]).toMatch(/authenticator app was added/);
  expect(told[1]).toMatch(/passkey was added/);
  expect(told[2]).toMatch(/recovery codes/);
  expect(told[3]).toMatch(/authenticator app was removed/);
});

test("a change that does not happen is not mailed", async () => {
  const owner = await registerProved();
  await app.call("POST /v1/auth/me/totp", { token: owner.accessToken });
  await app.call("POST /v1/auth/me/totp/confirm", {
    token: owner.accessToken,
    json: { code: "000000" },
  });
  await app.call("DELETE /v1/auth/me/totp", { token: owner.accessToken });
  expect(await toldTo(owner)).toEqual([]);
});

test("R19: a recovery code that was used, and how many are left", async () => {
  const owner = await registerProved();
  const [code = ""] = (await enrolTotp(app, owner)).recoveryCodes;
  const json = { email: owner.email, password: PASSWORD };
  const { mfaToken } = (await app.call("POST /v1/auth/login", { json })).body;
  const answer = await app.call("POST /v1/auth/mfa/verify", {
    json: { mfaToken, method: "recovery_code", code },
  });
  expect(answer.status).toBe(200);
  const { text } = await app.lastMailTo(owner.email);
  expect(text).toContain("Codes left: 9");
  expect(text).not.toContain(code);
});

test("R19: an administrator who took all of them", async () => {
  const [member, root] = [await registerProved(), await createSuperAdmin(app)];
  await enrolTotp(app, member);
  await enrolPasskey(app, member);
  await app.as(root, `DELETE /v1/users/${member.id}/factors`);
  expect((await toldTo(member)).slice(2)).toEqual([
    expect.stringMatching(/authenticator app was removed/),
    expect.stringMatching(/passkey was removed/),
  ]);
});

test("R8: a changed password", async () => {
  const owner = await registerProved();
  const newPassword = `${PASSWORD} of another kind`;
  await app.call("POST /v1/auth/change-password", {
    token: owner.accessToken,
    json: { currentPassword: PASSWORD, newPassword },
  });
  const { subject, text } = await app.lastMailTo(owner.email);
  expect(subject).toBe("Your password was changed");
  expect(text).not.toContain(newPassword);
});

test("R12: an account that locks by wrong second factors is mailed a way out", async () => {
  const owner = await registerProved();
  await enrolTotp(app, owner);
  await app.deps.db.account.update({ where: { id: owner.id }, data: { loginAttempts: 49 } });
  const json = { email: owner.email, password: PASSWORD };
  const { mfaToken } = (await app.call("POST /v1/auth/login", { json })).body;
  await app.call("POST /v1/auth/mfa/verify", { json: { mfaToken, method: "totp", code: "0" } });
  expect((await app.lastMailTo(owner.email)).text).toContain("/unlock#token=");
});
