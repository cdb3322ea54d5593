/** docs/guides/second-factor.md: setting up an app, logging in with it, and proving again who one is. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, setSystemTime, test } from "bun:test";
import { PASSWORD, registerOwner } from "../support/app.ts";
import { claimsOf, totpCode } from "../support/factors.ts";
import type { Answers, Reply } from "./guide.ts";
import { openPage, type Page } from "./page.ts";
import { type Served, serve } from "./serve.ts";

type Ask = (methods: string[]) => Promise<{ method: string; code: string }>;
type Totp = {
  startTotp(): Answers;
  confirmTotp(code: string): Answers;
  renewRecoveryCodes(): Answers;
  removeTotp(): Promise<Reply>;
};
type LogIn = {
  logIn(email: string, password: string, ask: Ask): Answers;
  surely(
    send: () => Promise<Reply>,
    askForPassword: () => Promise<string>,
    ask: Ask,
  ): Promise<Reply>;
};

let served: Served;
let page: Page;
let email: string;
let totp: Totp;
let logIn: LogIn["logIn"];
let surely: LogIn["surely"];
beforeAll(async () => {
  served = await serve();
  page = openPage(served.url);
});
afterAll(async () => {
  page.close();
  await served.stop();
});
beforeEach(async () => {
  page.go();
  ({ email } = await registerOwner(served.app));
  totp = await page.load<Totp>("totp.ts");
  ({ logIn, surely } = await page.load<LogIn>("log-in.ts"));
  expect((await logIn(email, PASSWORD, never)).user.email).toBe(email);
});
afterEach(() => void setSystemTime());

const never = () => Promise.reject(new Error("nobody was to be asked"));
const passwordOf = (password: string) => async () => password;

/** So many steps of 30 seconds on: no code counts twice. */
function later(seconds: number): void {
  setSystemTime(new Date(Date.now() + seconds * 1000));
}

async function setUp(): Promise<{ secret: string; recoveryCodes: string[] }> {
  const { secret, uri } = await totp.startTotp();
  expect(uri).toContain(`secret=${secret}`);
  expect((await totp.confirmTotp("000000")).code).toBe("validation_failed");
  const { recoveryCodes } = await totp.confirmTotp(totpCode(secret));
  expect(recoveryCodes).toHaveLength(10);
  later(30);
  return { secret, recoveryCodes };
}

test("R20: the log-in asks for a code of the app from then on", async () => {
  const { secret } = await setUp();
  let offered: string[] = [];
  const answer = await logIn(email, PASSWORD, async (methods) => {
    offered = methods;
    return { method: "totp", code: totpCode(secret) };
  });
  expect(offered).toEqual(["totp", "recovery_code"]);
  expect(claimsOf(answer.accessToken).amr).toEqual(["pwd", "otp", "mfa"]);
  const wrong = await logIn(email, PASSWORD, async () => ({ method: "totp", code: "000000" }));
  expect(wrong.code).toBe("invalid_second_factor");
});

test("R23: a recovery code stands in once, and new ones void the old ones", async () => {
  const { recoveryCodes } = await setUp();
  const by = (code: string | undefined) =>
    logIn(email, PASSWORD, async () => ({ method: "recovery_code", code: code ?? "" }));
  expect((await by(recoveryCodes[0])).user.email).toBe(email);
  const { codes } = await totp.renewRecoveryCodes();
  for (const spent of [recoveryCodes[0], recoveryCodes[1]])
    expect((await by(spent)).code).toBe("invalid_second_factor");
  expect((await by(codes[0])).user.email).toBe(email);
});

test("R24: what needs a recent log-in is sent again once the person has proved who they are", async () => {
  const { secret } = await setUp();
  const { call } = await page.client();
  const ask = async () => ({ method: "totp", code: totpCode(secret) });
  later(601);
  page.browser.sent.length = 0;
  const refused = await surely(totp.removeTotp, passwordOf("not the password at all"), never);
  expect([refused.status, (await refused.json()).code]).toEqual([401, "reauthentication_required"]);
  // Of the two 401 only the first is for the token's age.
  expect(page.browser.sent).toEqual([
    "DELETE /v1/auth/me/totp 401",
    "POST /v1/auth/refresh 200",
    "DELETE /v1/auth/me/totp 401",
    "POST /v1/auth/reauthenticate 422",
  ]);
  expect((await call("GET", "/v1/auth/me")).status).toBe(200);
  expect((await surely(totp.removeTotp, passwordOf(PASSWORD), ask)).status).toBe(204);
  expect((await logIn(email, PASSWORD, never)).user.email).toBe(email);
});

test("what needs none is sent once, and nobody is asked", async () => {
  const { call } = await page.client();
  page.browser.sent.length = 0;
  const me = await surely(() => call("GET", "/v1/auth/me"), never, never);
  expect([me.status, page.browser.sent.length]).toEqual([200, 1]);
});
