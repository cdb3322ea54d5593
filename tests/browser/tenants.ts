/**
 * One person in two tenants, in two tabs of a real browser, by the code of docs/guides. It needs Chromium, so it is not among
 * the tests that run everywhere: bun test ./tests/browser/tenants.ts
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { filesOf } from "../guides/guide.ts";
import { type Server, startServer } from "../server/start.ts";
import { launchChromium } from "./chromium.ts";

setDefaultTimeout(60_000);

const PASSWORD = "correct horse battery staple";
const ADA = "ada@lovelace.example";
const CHARLES = "charles@babbage.example";
const SCRIPTS = {
  client: "web-page.md",
  tenants: "tenancy.md",
  "accept-invitation": "invitations.md",
};

let server: Server;
let pages: Bun.Server<undefined>;
let browser: Browser;
let profile: BrowserContext;
let lovelace: Page;
let babbage: Page;
const tenants: Record<string, string> = {};

beforeAll(async () => {
  pages = Bun.serve({
    port: 0,
    fetch: ({ url }) => {
      const name = /^\/(.+)\.ts$/.exec(new URL(url).pathname)?.[1];
      const code = name && script(name);
      return code
        ? new Response(code, { headers: { "content-type": "text/javascript" } })
        : new Response("<!doctype html><title>A page</title>", {
            headers: { "content-type": "text/html" },
          });
    },
  });
  const origin = `http://localhost:${pages.port}`;
  server = await startServer({ NODE_ENV: "development", APP_URL: origin, CORS_ORIGINS: origin });
  browser = await launchChromium();
  profile = await browser.newContext();
  lovelace = await tab(profile);
});
afterAll(async () => {
  await browser?.close();
  await pages?.stop(true);
  await server?.stop();
});

/** A file of the guides as JavaScript, for this server. */
function script(name: string): string | null {
  const guide = SCRIPTS[name as keyof typeof SCRIPTS];
  const code = guide && filesOf(guide).get(`${name}.ts`);
  const here = code?.replaceAll("https://id.example.com", `http://localhost:${server.port}`);
  return here ? new Bun.Transpiler({ loader: "ts" }).transformSync(here) : null;
}

async function tab(context: BrowserContext, path = "/"): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`http://localhost:${pages.port}${path}`);
  return page;
}

// biome-ignore lint/suspicious/noExplicitAny: a test names the fields that it expects, and fails when they are not there
function run(page: Page, code: string): Promise<any> {
  return page.evaluate(
    `Promise.all([import("/client.ts"), import("/tenants.ts")]).then(async ([{ call, post }, tenants]) => ${code})`,
  );
}

const logIn = (page: Page, email: string) =>
  run(page, `post("/v1/auth/login", ${JSON.stringify({ email, password: PASSWORD })})`);
const register = (page: Page, email: string, slug: string) =>
  run(
    page,
    `post("/v1/auth/register", ${JSON.stringify({ email, password: PASSWORD, tenant: { name: slug, slug } })})`,
  );
/** The slug of the tenant in which the tab works, or the status. */
const where = (page: Page) =>
  run(
    page,
    `call("GET", "/v1/auth/me").then(async (me) => me.ok ? (await me.json()).tenant.slug : me.status)`,
  );

async function lastLinkTo(address: string): Promise<string> {
  for (let tries = 0; tries < 300; tries++) {
    const inbox = (await (await fetch(`${server.url}/dev/mail.json`)).json()) as {
      to: string;
      text: string;
    }[];
    const text = inbox.find(
      ({ to, text }) => to === address && text.includes("accept-invitation"),
    )?.text;
    const link = /http\S+#token=\S+/.exec(text ?? "")?.[0];
    if (link) return link;
    await Bun.sleep(100);
  }
  throw new Error("no mail has come");
}

test("Ada registers, and so does Charles, who invites her", async () => {
  tenants.lovelace = (await register(lovelace, ADA, "lovelace")).user.tenantId;
  const his = await tab(await browser.newContext());
  tenants.babbage = (await register(his, CHARLES, "babbage")).user.tenantId;
  const invited = await run(
    his,
    `call("POST", "/v1/invitations", { email: "${ADA}" }).then((a) => a.status)`,
  );
  expect(invited).toBe(201);
});

test("R78: she accepts with the account that she has", async () => {
  babbage = await tab(profile);
  await babbage.goto(await lastLinkTo(ADA));
  const answer = await babbage.evaluate(
    `import("/accept-invitation.ts").then(({ join }) => join())`,
  );
  expect(answer).toMatchObject({ user: { email: ADA, tenantId: tenants.babbage } });
});

test("R79: she works in both, a tab each", async () => {
  for (let round = 0; round < 3; round++) {
    expect(
      await run(
        lovelace,
        `tenants.workIn("${tenants.lovelace}").then(({ user }) => user.tenantId)`,
      ),
    ).toBe(tenants.lovelace);
    expect(
      await run(babbage, `tenants.workIn("${tenants.babbage}").then(({ user }) => user.tenantId)`),
    ).toBe(tenants.babbage);
    expect([await where(lovelace), await where(babbage)]).toEqual(["lovelace", "babbage"]);
  }
});

test("R82: a log-in asks in which of them", async () => {
  const other = await tab(await browser.newContext());
  const { tenantSelection, selectionToken } = await logIn(other, ADA);
  expect(
    tenantSelection.map(({ tenant }: { tenant: { slug: string } }) => tenant.slug).sort(),
  ).toEqual(["babbage", "lovelace"]);
  const choice = `tenants.choose(${JSON.stringify(selectionToken)}, "${tenants.babbage}")`;
  expect((await run(other, choice)).user.tenantId).toBe(tenants.babbage);
  expect((await run(other, choice)).code).toBe("invalid_one_time_token");
});

test("R80: she leaves her own tenant to somebody else, and goes on in the other", async () => {
  const made = await run(
    lovelace,
    `call("POST", "/v1/users", { email: "heir@lovelace.example", roles: ["owner"] }).then((a) => a.status)`,
  );
  expect(made).toBe(201);
  expect(await run(lovelace, `tenants.leave("${tenants.lovelace}")`)).toBeUndefined();
  expect(await where(babbage)).toBe("babbage");
  // Her tab finds that it belongs there no more, and goes where she still does.
  expect(await where(lovelace)).toBe("babbage");
});

test("R80: disabled there too, she is out, and let in again she logs in", async () => {
  const his = await tab(await browser.newContext());
  await logIn(his, CHARLES);
  const status = (to: string) =>
    run(
      his,
      `call("GET", "/v1/users?email=${ADA}").then((a) => a.json())
        .then(({ items: [ada] }) => call("PATCH", "/v1/users/" + ada.id, { status: "${to}" })).then((a) => a.status)`,
    );
  expect(await status("disabled")).toBe(200);
  expect(await where(babbage)).toBe(401);
  expect((await logIn(babbage, ADA)).code).toBe("invalid_credentials");
  expect(await status("active")).toBe(200);
  expect((await logIn(babbage, ADA)).user.tenantId).toBe(tenants.babbage);
});
