/** docs/guides/web-page.md: its client in a page of another origin, and in one of the same origin behind a proxy. */
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  setSystemTime,
  test,
} from "bun:test";
import { type DatabaseProxy, startProxy } from "../server/proxy.ts";
import { logIn, PASSWORD, registerOwner } from "../support/app.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Browser, createBrowser } from "./browser.ts";
import { type Client, type Guides, openGuides } from "./guide.ts";
import { type Served, serve } from "./serve.ts";

const OTHER_ORIGIN = "http://127.0.0.1:4000";
const ME = "/v1/auth/me";

describe.each(["another origin", "the same origin"])("a page of %s", (where) => {
  const isCross = where === "another origin";
  let database: TestDatabase;
  let toDatabase: DatabaseProxy;
  /** In front of Tenantry; on the page's own origin it is the proxy of the guide. */
  let toTenantry: DatabaseProxy;
  let served: Served;
  let guides: Guides;
  let browser: Browser;
  let client: Client;
  let email: string;
  const realFetch = globalThis.fetch;

  beforeAll(async () => {
    database = await createDatabase();
    toDatabase = await startProxy(database.appUrl);
    served = await serve(async (url) => {
      toTenantry = await startProxy(url);
      const { origin } = new URL(toTenantry.url);
      return {
        ...(isCross ? { CORS_ORIGINS: OTHER_ORIGIN } : { ISSUER: origin }),
        DATABASE_URL: toDatabase.url,
        DATABASE_TIMEOUT_SECONDS: "1",
        RATE_LIMITS: "memory",
        RATE_LIMIT_MAIL: "20/3600",
      };
    }, database);
    guides = openGuides(new URL(toTenantry.url).origin);
  });
  afterAll(async () => {
    guides.remove();
    await served.stop();
    await toTenantry.close();
    await toDatabase.close();
  });
  beforeEach(async () => {
    browser = createBrowser(isCross ? OTHER_ORIGIN : new URL(toTenantry.url).origin);
    globalThis.fetch = browser.fetch;
    await loadAgain();
    ({ email } = await registerOwner(served.app));
    const answer = await client.post("/v1/auth/login", { email, password: PASSWORD });
    expect(answer.user.email).toBe(email);
    browser.sent.length = 0;
  });
  afterEach(() => {
    globalThis.fetch = realFetch;
    toDatabase.restore();
    toTenantry.restore();
    setSystemTime();
  });

  async function loadAgain(): Promise<void> {
    guides.reload();
    client = await guides.load<Client>("client.ts");
  }

  /** Every access token that is out is too old then. */
  function expireAccessTokens(): void {
    setSystemTime(new Date(Date.now() + 601_000));
  }

  /** Until the pool has connections again. */
  async function comesBack(): Promise<number> {
    // Not by the clock, which stands still where a test has set it.
    for (let tries = 0; tries < 160; tries++, await Bun.sleep(50)) {
      const answer = await client.call("GET", ME).catch(() => null);
      if (answer?.status === 200) return 200;
    }
    return 0;
  }

  test("R40: keeps the access token in memory and the refresh token where no script reads it", async () => {
    expect([...browser.cookies.keys()]).toEqual([
      "__Host-tenantry_refresh",
      "__Host-tenantry_device",
    ]);
    expect((await client.call("GET", ME)).status).toBe(200);
    expect(browser.sent).toEqual([`GET ${ME} 200`]);
  });

  test("stays logged in when it is loaded again", async () => {
    await loadAgain();
    expect((await client.call("GET", ME)).status).toBe(200);
    expect(browser.sent).toEqual(["POST /v1/auth/refresh 200", `GET ${ME} 200`]);
  });

  test("sends again what was refused for its age, after one refresh for all who wait", async () => {
    expireAccessTokens();
    const answers = await Promise.all([1, 2, 3].map(() => client.call("GET", ME)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(browser.sent.toSorted()).toEqual([
      ...Array(3).fill(`GET ${ME} 200`),
      ...Array(3).fill(`GET ${ME} 401`),
      "POST /v1/auth/refresh 200",
    ]);
  });

  test("sends a body again too", async () => {
    expireAccessTokens();
    const answer = await client.call("PATCH", "/v1/auth/me/profile", { language: "de" });
    expect([answer.status, (await answer.json()).language]).toEqual([200, "de"]);
  });

  test("R34: stays logged in when the answer to a refresh is lost", async () => {
    expireAccessTokens();
    browser.lose("/v1/auth/refresh", 1);
    expect((await client.call("GET", ME)).status).toBe(200);
    expect(browser.sent.slice(1, 3)).toEqual([
      "POST /v1/auth/refresh 0",
      "POST /v1/auth/refresh 200",
    ]);
  });

  test("stays logged in over a 503", async () => {
    expireAccessTokens();
    toDatabase.cut();
    const fails = () => client.call("GET", ME).then(() => null, String);
    expect(await fails()).toBe("Error: Tenantry answered 503");
    await loadAgain();
    expect(await fails()).toBe("Error: Tenantry answered 503");
    expect(new Set(browser.sent)).toEqual(new Set([`GET ${ME} 401`, "POST /v1/auth/refresh 503"]));
    toDatabase.restore();
    expect(await comesBack()).toBe(200);
  });

  test("stays logged in over a network that is gone", async () => {
    expireAccessTokens();
    toTenantry.cut();
    for (const again of [1, 2])
      expect([
        again,
        await client.call("GET", ME).then(
          () => "answered",
          () => "thrown",
        ),
      ]).toEqual([again, "thrown"]);
    toTenantry.restore();
    expect((await client.call("GET", ME)).status).toBe(200);
  });

  test("stays logged in over a 429", async () => {
    const statuses = [];
    for (let n = 0; n < 21; n++)
      statuses.push((await client.call("POST", "/v1/auth/me/email/verification")).status);
    expect([statuses[0], statuses.at(-1)]).toEqual([202, 429]);
    expect((await client.call("GET", ME)).status).toBe(200);
    expect(browser.sent.filter((line) => line.includes("refresh"))).toEqual([]);
  });

  test("logs out, also when its access token is too old, and is then told 401", async () => {
    expireAccessTokens();
    await client.logOut();
    // By what is left the browser is known at its next log-in, and nothing else.
    expect([...browser.cookies.keys()]).toEqual(["__Host-tenantry_device"]);
    expect((await client.call("GET", ME)).status).toBe(401);
    await loadAgain();
    expect((await client.call("GET", ME)).status).toBe(401);
  });

  test("does not say that it logged out when nobody knows", async () => {
    toTenantry.cut();
    const failure = await client.logOut().then(() => null, String);
    expect(failure).not.toBeNull();
    toTenantry.restore();
    expect((await client.call("GET", ME)).status).toBe(200);
    toDatabase.cut();
    expect(await client.logOut().then(() => null, String)).toBe("Error: Tenantry answered 503");
    toDatabase.restore();
    expect(await comesBack()).toBe(200);
    await client.logOut();
    expect((await client.call("GET", ME)).status).toBe(401);
  });

  test("a session that somebody ended is a 401, and no loop", async () => {
    const { accessToken: token } = await logIn(served.app, email);
    await served.app.call("DELETE /v1/auth/sessions", { token });
    expireAccessTokens();
    expect((await client.call("GET", ME)).status).toBe(401);
    expect(browser.sent).toEqual([`GET ${ME} 401`, "POST /v1/auth/refresh 401", `GET ${ME} 401`]);
  });
});

test("an origin that is neither listed nor the issuer's is refused, and logs nobody out", async () => {
  const served = await serve({ ISSUER: "https://id.example.com" });
  const guides = openGuides(served.url);
  const realFetch = globalThis.fetch;
  try {
    const { email } = await registerOwner(served.app);
    globalThis.fetch = createBrowser(served.url).fetch;
    const { post } = await guides.load<Client>("client.ts");
    await post("/v1/auth/login", { email, password: PASSWORD });
    guides.reload();
    const { call } = await guides.load<Client>("client.ts");
    expect(await call("GET", ME).then(() => null, String)).toBe("Error: Tenantry answered 403");
  } finally {
    globalThis.fetch = realFetch;
    guides.remove();
    await served.stop();
  }
});
