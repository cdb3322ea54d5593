/** Codes as people type and copy them: in a mail's six digits, an app's and a printed one's alike. */
import { beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { TypedCode } from "../../src/fields.ts";
import { PASSWORD, registerOwner, testApp } from "../support/app.ts";
import { enrolTotp, forgetSteps, stopClock, totpCode } from "../support/factors.ts";
import { followLink, magicLink, verify } from "./mails/mails.ts";

const app = testApp();
beforeAll(() => stopClock());

const fullWidth = (text: string) =>
  text.replace(/[!-~]/g, (char) => String.fromCodePoint((char.codePointAt(0) ?? 0) + 0xfee0));
const arabic = (text: string) =>
  text.replace(/\d/g, (char) => String.fromCodePoint(0x660 + Number(char)));
const between = (text: string, what: string) => [...text].join(what);

/** Ways to write the same six digits, or the same groups of letters. */
const WAYS: ((code: string) => string)[] = [
  (code) => ` ${code}\n`,
  (code) => `${code.slice(0, 3)}-${code.slice(3)}`,
  (code) => `${code.slice(0, 3)}\u00a0${code.slice(3)}`,
  (code) => code.replaceAll("-", "–"),
  (code) => `${code.slice(0, 3)}—${code.slice(3)}`,
  (code) => `${code.slice(0, 3)}\u2212${code.slice(3)}`,
  (code) => `${code.slice(0, 2)}\u2011${code.slice(2)}`,
  (code) => `\u200b${code}\u200b`,
  (code) => between(code, "\u200b"),
  (code) => `\ufeff${code}`,
  (code) => `\u202d${code}\u202c`,
  (code) => `${code.slice(0, 3)}\u00ad${code.slice(3)}`,
  (code) => `${code.slice(0, 3)}.${code.slice(3)}`,
  (code) => `${code.slice(0, 3)},${code.slice(3)}`,
  (code) => `${code.slice(0, 3)}/${code.slice(3)}`,
  (code) => `"${code}"`,
  (code) => `**${code}**,`,
  (code) => `(${code})`,
  (code) => `• ${code}`,
  fullWidth,
  (code) => fullWidth(`${code.slice(0, 3)}-${code.slice(3)}`),
  arabic,
];

test("a mail's six digits are right, however they were typed", async () => {
  const account = await registerOwner(app);
  await verify(app, account);
  for (const [at, way] of WAYS.entries()) {
    await app.deps.pool.query("DELETE FROM one_time_tokens");
    const { challengeId, code } = await magicLink(app, account.email);
    expect([at, (await followLink(app, { challengeId, code: way(code) })).status]).toEqual([
      at,
      200,
    ]);
  }
});

test("the words around six digits are copied with them, and other digits are not taken for some of them", async () => {
  const account = await registerOwner(app);
  await verify(app, account);
  for (const [words, status] of [
    ["Your code is #.", 200],
    ["Code: #", 200],
    ["G-#", 200],
    ["Ihr Code lautet: #\n", 200],
    ["кодът е #", 200],
    ["# (10 minutes)", 422],
    ["code", 422],
  ] as const) {
    await app.deps.pool.query("DELETE FROM one_time_tokens");
    const { challengeId, code } = await magicLink(app, account.email);
    const typed = words.replace("#", code);
    expect([words, (await followLink(app, { challengeId, code: typed })).status]).toEqual([
      words,
      status,
    ]);
  }
});

test("so are an app's, when it is set up and at the log-in, and a recovery code", async () => {
  const owner = await registerOwner(app);
  const { secret, recoveryCodes } = await enrolTotp(app, owner);
  async function show(method: string, code: string) {
    const json = { email: owner.email, password: PASSWORD };
    const { mfaToken } = (await app.call("POST /v1/auth/login", { json })).body;
    return (await app.call("POST /v1/auth/mfa/verify", { json: { mfaToken, method, code } }))
      .status;
  }
  for (const [at, way] of WAYS.entries()) {
    await forgetSteps(app, owner);
    expect([at, await show("totp", way(totpCode(secret)))]).toEqual([at, 200]);
  }
  for (const [at, code] of recoveryCodes.entries())
    expect([at, await show("recovery_code", (WAYS[at + 3] ?? String)(code.toLowerCase()))]).toEqual(
      [at, 200],
    );
  const other = await registerOwner(app);
  const started = await app.as(other, "POST /v1/auth/me/totp");
  const code = between(fullWidth(totpCode(started.body.secret)), "\u2009");
  expect((await app.as(other, "POST /v1/auth/me/totp/confirm", { code })).status).toBe(200);
});

test("digits of every script are read as what they are worth, and reading twice changes nothing", () => {
  for (let point = 0x80; point < 0x1fbff; point++) {
    const char = String.fromCodePoint(point);
    if (!/\p{Nd}/u.test(char)) continue;
    const value = Number(TypedCode.parse(char));
    expect(TypedCode.parse(String.fromCodePoint(point - value))).toBe("0");
  }
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 5 }), (text) => {
      const once = TypedCode.parse(text);
      expect(TypedCode.parse(once)).toBe(once);
    }),
    { numRuns: 2000 },
  );
});
