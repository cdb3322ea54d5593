/**
 * A person's way through everything, in a real browser against a running server. It needs Chromium and oathtool, which
 * the independent proofs come from, so it is not among the tests that run everywhere:
 *   apt-get install chromium oathtool && bun test ./tests/browser/tour.ts
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { Browser, BrowserContext, Page, Route } from "playwright-core";
import { filesOf } from "../guides/guide.ts";
import { type Server, startServer } from "../server/start.ts";
import { launchChromium } from "./chromium.ts";

setDefaultTimeout(120_000);

const PASSWORD = "correct horse battery staple";
const NEW_PASSWORD = "a quite different set of words";
const EMAIL = "ada@lovelace.example";

let server: Server;
let pages: Bun.Server<undefined>;
let browser: Browser;
let page: Page;
let secret = "";
let recoveryCodes: string[] = [];

beforeAll(async () => {
  const files = { "/page.js": "page.js" } as Record<string, string>;
  pages = Bun.serve({
    port: 0,
    fetch: ({ url }) =>
      new URL(url).pathname === "/client.js"
        ? new Response(guideClient(), { headers: { "content-type": "text/javascript" } })
        : new Response(
            Bun.file(join(import.meta.dir, files[new URL(url).pathname] ?? "page.html")),
          ),
  });
  const origin = `http://localhost:${pages.port}`;
  server = await startServer({
    NODE_ENV: "development",
    APP_URL: origin,
    CORS_ORIGINS: origin,
    LOG_LEVEL: "info",
  });
  browser = await launchChromium();
  page = await open(await browser.newContext());
  await addAuthenticator(page);
});
afterAll(async () => {
  await browser?.close();
  await pages?.stop(true);
  await server?.stop();
});

/** As the guide has it, in JavaScript, for this server. */
function guideClient(): string {
  const code = filesOf("web-page.md").get("client.ts") ?? "";
  const here = code.replaceAll("https://id.example.com", `http://localhost:${server.port}`);
  return new Bun.Transpiler({ loader: "ts" }).transformSync(here);
}

async function open(context: BrowserContext, path = "/"): Promise<Page> {
  const opened = await context.newPage();
  const api = `http://localhost:${server.port}`;
  await opened.goto(`http://localhost:${pages.port}${path}?api=${encodeURIComponent(api)}`);
  await shows(opened, "welcome");
  return opened;
}

/** A platform authenticator that makes sure of its user, as a telephone has. */
async function addAuthenticator(on: Page): Promise<void> {
  const session = await on.context().newCDPSession(on);
  await session.send("WebAuthn.enable");
  await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}

async function shows(on: Page, status: string): Promise<void> {
  await on.waitForFunction(`document.getElementById("status").textContent !== "…"`);
  expect(await on.textContent("#status")).toBe(status);
}

async function submit(on: Page, form: string, values: Record<string, string>, button = "button") {
  for (const [name, value] of Object.entries(values))
    await on.fill(`#${form} [name=${name}]`, value);
  await on.click(`#${form} ${button}`);
}

async function press(on: Page, id: string): Promise<void> {
  await on.click(`#${id}`);
}

/** The newest mail to Ada with this subject, as the local inbox shows it. */
async function mail(subject: RegExp): Promise<{ text: string; link: string; code: string }> {
  for (let tries = 0; tries < 300; tries++) {
    const inbox = (await (await fetch(`${server.url}/dev/mail.json`)).json()) as {
      to: string;
      subject: string;
      text: string;
    }[];
    const found = inbox.find((each) => each.to === EMAIL && subject.test(each.subject));
    if (found) {
      const [link = ""] = /http\S+#token=\S+/.exec(found.text) ?? [];
      const [code = ""] = /^\d{6}$/m.exec(found.text) ?? [];
      return { text: found.text, link, code };
    }
    await Bun.sleep(100);
  }
  throw new Error(`no mail ${subject} has come`);
}

/** A code of another implementation. The step after this one counts too, and none counts twice. */
async function oathtool(stepsAhead: number): Promise<string> {
  const at = new Date(Date.now() + stepsAhead * 30_000)
    .toISOString()
    .replace("T", " ")
    .slice(0, 19);
  const run = Bun.spawn(["oathtool", "--totp", "--base32", `--now=${at} UTC`, secret]);
  const code = (await run.stdout.text()).trim();
  expect(code).toMatch(/^\d{6}$/);
  return code;
}

test("registers, and proves the address with the code of the mail", async () => {
  await submit(page, "register", { email: EMAIL, password: PASSWORD, slug: "lovelace" });
  await shows(page, "logged in");
  expect(await page.textContent("#verified")).toBe("false");
  await submit(page, "verify", { code: (await mail(/address|verif|confirm/i)).code });
  await shows(page, "verified");
  expect(await page.textContent("#verified")).toBe("true");
});

test("stays logged in when the page is loaded again, by a cookie that no script sees", async () => {
  await page.reload();
  await shows(page, "welcome back");
  expect(await page.evaluate("document.cookie")).toBe("");
  const [cookie] = await page.context().cookies();
  expect(cookie).toMatchObject({
    name: "__Host-tenantry_refresh",
    httpOnly: true,
    secure: true,
    sameSite: "Strict",
  });
});

test("R20: sets up an authenticator app with codes of an independent implementation", async () => {
  await press(page, "totp");
  await shows(page, "secret shown");
  secret = (await page.textContent("#secret")) ?? "";
  await submit(page, "totp-confirm", { code: await oathtool(0) });
  await shows(page, "authenticator set up");
  recoveryCodes = await page.locator("#recovery-codes li").allTextContents();
  expect(recoveryCodes).toHaveLength(10);
});

test("logs in with the password, and is asked for the app", async () => {
  await press(page, "logout");
  await shows(page, "logged out");
  await submit(page, "login", { email: EMAIL, password: PASSWORD });
  await shows(page, "second factor");
  await submit(page, "second-code", { code: await oathtool(1) }, "[value=totp]");
  await shows(page, "logged in");
  expect(await page.textContent("#amr")).toBe("pwd otp mfa");
});

test("adds a passkey, and logs in with nothing else", async () => {
  await press(page, "passkey");
  await shows(page, "passkey added");
  await press(page, "logout");
  await shows(page, "logged out");
  await press(page, "passkey-login");
  await shows(page, "logged in");
  expect(await page.textContent("#amr")).toMatch(/^(hwk|swk) user mfa$/);
  expect(await page.textContent("#me")).toBe(EMAIL);
});

test("logs in with the password and a recovery code, once a code", async () => {
  const [code = ""] = recoveryCodes;
  for (const outcome of ["logged in", "failed: 401 invalid_second_factor"]) {
    await press(page, "logout");
    await shows(page, "logged out");
    await submit(page, "login", { email: EMAIL, password: PASSWORD });
    await shows(page, "second factor");
    await submit(page, "second-code", { code }, "[value=recovery_code]");
    await shows(page, outcome);
  }
  await press(page, "second-passkey");
  await shows(page, "logged in");
  expect(await page.textContent("#amr")).toMatch(/^pwd (hwk|swk)( user)? mfa$/);
});

test("R16: sets a new password by mail, and is still asked for the second factor", async () => {
  await press(page, "logout");
  await shows(page, "logged out");
  await submit(page, "forgot", { email: EMAIL });
  await shows(page, "look into your mailbox");
  await page.goto((await mail(/new password/i)).link);
  await page.reload(); // Only the part after the # has changed: the page does not load by itself.
  await shows(page, "choose a password");
  await submit(page, "new-password", { newPassword: NEW_PASSWORD });
  await shows(page, "password set");
  await submit(page, "login", { email: EMAIL, password: PASSWORD });
  await shows(page, "failed: 401 invalid_credentials");
  await submit(page, "login", { email: EMAIL, password: NEW_PASSWORD });
  await shows(page, "second factor");
  await press(page, "second-passkey");
  await shows(page, "logged in");
});

test("logs in by a link, and is asked for the second factor too", async () => {
  await press(page, "logout");
  await shows(page, "logged out");
  await submit(page, "magic", { email: EMAIL });
  await shows(page, "look into your mailbox");
  await page.goto((await mail(/^Log in to /)).link);
  await shows(page, "second factor");
  await press(page, "second-passkey");
  await shows(page, "logged in");
  expect(await page.textContent("#amr")).toMatch(/^email (hwk|swk)/);
});

test("sees the devices, and ends one, which notices at once", async () => {
  const other = await open(await browser.newContext());
  await submit(other, "login", { email: EMAIL, password: NEW_PASSWORD });
  await shows(other, "second factor");
  await submit(other, "second-code", { code: recoveryCodes[1] ?? "" }, "[value=recovery_code]");
  await shows(other, "logged in");

  await page.goto(`http://localhost:${pages.port}/`);
  await shows(page, "welcome back");
  const devices = await page.locator("#sessions li").allTextContents();
  expect(devices.filter((text) => text.includes("this one"))).toHaveLength(1);
  expect(devices).toHaveLength(2);
  for (const device of devices) expect(device).toMatch(/Chrom.* on Linux at /);
  await page.click("#sessions button");
  await shows(page, "ended");

  await press(other, "passkey");
  await shows(other, "failed: 401 invalid_token");
  await other.reload();
  await shows(other, "welcome");
});

test("the client of docs/guides/web-page.md is logged in, over a refused token and a reload, until it logs out", async () => {
  const tab = await (await browser.newContext()).newPage();
  const run = (code: string) =>
    tab.evaluate(`import("/client.js").then(async ({ call, post, logOut }) => ${code})`);
  const status = () => run(`(await call("GET", "/v1/auth/me")).status`);
  await tab.goto(`http://localhost:${pages.port}/empty?api=x`);
  expect(await status()).toBe(401);
  const login = JSON.stringify({ email: EMAIL, password: NEW_PASSWORD });
  const shown = `{ mfaToken, method: "recovery_code", code: "${recoveryCodes[2]}" }`;
  expect(
    await run(`post("/v1/auth/login", ${login})
      .then(({ mfaToken }) => post("/v1/auth/mfa/verify", ${shown})).then(({ user }) => user.email)`),
  ).toBe(EMAIL);
  expect(await status()).toBe(200);
  // What the page itself was answered: the browser tells others of an answer with cookies late, or in another order.
  await tab.evaluate(`{
    const { fetch } = window;
    window.seen = [];
    window.fetch = async (url, init) => {
      const answer = await fetch(url, init);
      window.seen.push(init.method + " " + new URL(url).pathname + " " + answer.status);
      return answer;
    };
  }`);
  const spoil = (route: Route) =>
    route.continue({ headers: { ...route.request().headers(), authorization: "Bearer spoiled" } });
  await tab.route("**/v1/auth/me", spoil, { times: 1 });
  expect(await status()).toBe(200);
  const again = ["GET /v1/auth/me 401", "POST /v1/auth/refresh 200", "GET /v1/auth/me 200"];
  expect(await tab.evaluate<unknown>("window.seen")).toEqual(again);
  await tab.reload();
  expect(await status()).toBe(200);
  await run("logOut()");
  // The browser stays known, which buys nothing but attempts of its own; no session is left.
  const left = (await tab.context().cookies()).map(({ name, httpOnly }) => ({ name, httpOnly }));
  const device = { name: "__Host-tenantry_device", httpOnly: true };
  expect([await status(), left]).toEqual([401, [device]]);
});

test("R66: nothing secret of all this is in the server's log", async () => {
  const log = server.output();
  expect(log).toContain("/v1/auth/mfa/verify");
  for (const text of [PASSWORD, NEW_PASSWORD, EMAIL, secret, ...recoveryCodes, "token="])
    expect(log).not.toContain(text);
});
