/** docs/guides/service.md: what checks tokens, what a log-out means for it, and a machine. */
import { afterAll, afterEach, beforeAll, expect, setSystemTime, test } from "bun:test";
import { SignJWT } from "jose";
import { type Account, logIn, PASSWORD, registerOwner } from "../support/app.ts";
import { privateKeyOf } from "../support/signing-key.ts";
import { createBrowser } from "./browser.ts";
import { type Client, type Guides, openGuides } from "./guide.ts";
import { openPage } from "./page.ts";
import { type Served, serve } from "./serve.ts";

type Verify = (token: string) => Promise<Record<string, unknown> | null>;
type Handle = (request: Request) => Promise<Response>;

let service: Bun.Server<undefined>;
let served: Served;
let guides: Guides;
let verify: Verify;
let handle: Handle;
let owner: Account;
beforeAll(async () => {
  service = Bun.serve({ port: 0, fetch: (request) => handle(request) });
  served = await serve({ CORS_ORIGINS: `http://localhost:${service.port}` });
  guides = openGuides(served.url);
  ({ verify } = await guides.load<{ verify: Verify }>("verify.ts"));
  ({ handle } = await guides.load<{ handle: Handle }>("service.ts"));
  owner = await registerOwner(served.app);
});
afterEach(() => void setSystemTime());
afterAll(async () => {
  guides.remove();
  await service.stop(true);
  await served.stop();
});

async function call(token?: string): Promise<{ status: number; challenge: string | null }> {
  const headers = new Headers(token === undefined ? [] : [["authorization", `Bearer ${token}`]]);
  const { status, headers: answered } = await handle(new Request("http://x/orders", { headers }));
  return { status, challenge: answered.get("www-authenticate") };
}

test("R41, R42: says who calls, and takes nothing but an access token of ours", async () => {
  const { userId, tenantId } = (await verify(owner.accessToken)) ?? {};
  expect([userId, tenantId]).toEqual([owner.id, owner.tenantId]);
  expect(await call(owner.accessToken)).toEqual({ status: 200, challenge: null });

  const { app } = served;
  const { id } = app.served.signingKeys.current();
  const privateKey = await privateKeyOf(app.served, id);
  const [, claims = ""] = owner.accessToken.split(".");
  const payload = JSON.parse(Buffer.from(claims, "base64url").toString());
  const sign = (change: object, header: object = {}) =>
    new SignJWT({ ...payload, ...change })
      .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: id, ...header })
      .sign(privateKey);
  expect(await verify(await sign({}))).not.toBeNull();
  const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString("base64url");
  const wrong = await Promise.all([
    sign({ iss: "https://other.example" }),
    sign({ aud: "other" }),
    sign({ exp: payload.iat - 1 }),
    sign({ sid: undefined }),
    sign({}, { typ: "JWT" }),
    sign({}, { kid: "unknown" }),
    `${none}.${claims}.`,
    "no-token",
  ]);
  for (const token of wrong) expect([token, await verify(token)]).toEqual([token, null]);
  const challenge = 'Bearer error="invalid_token"';
  expect(await call("no-token")).toEqual({ status: 401, challenge });
  expect(await call()).toEqual({ status: 401, challenge: "Bearer" });
});

test("takes a token after log-out until it expires, which Tenantry does not", async () => {
  const { accessToken: token } = await logIn(served.app, owner.email);
  await served.app.call("POST /v1/auth/logout", { token });
  expect((await served.app.call("GET /v1/auth/me", { token })).status).toBe(401);
  setSystemTime(new Date(Date.now() + 595_000));
  expect(await verify(token)).not.toBeNull();
  setSystemTime(new Date(Date.now() + 10_000));
  expect(await verify(token)).toBeNull();
});

test("answers 503 when the keys cannot be read: no token is wrong by that", async () => {
  const closed = Bun.serve({ port: 0, fetch: () => new Response(null, { status: 503 }) });
  const away = openGuides(`http://localhost:${closed.port}`);
  const there = await away.load<{ handle: Handle }>("service.ts");
  const request = () =>
    new Request("http://x/", { headers: { authorization: `Bearer ${owner.accessToken}` } });
  expect((await there.handle(request())).status).toBe(503);
  await closed.stop(true);
  expect((await there.handle(request())).status).toBe(503);
  away.remove();
});

test("the page's client refreshes when the service says that its token is too old", async () => {
  const realFetch = globalThis.fetch;
  const browser = createBrowser(`http://localhost:${service.port}`);
  globalThis.fetch = Object.assign(
    // What the service fetches is no business of the page's browser.
    (...args: Parameters<typeof fetch>) =>
      String(args[0]).endsWith("jwks.json") ? realFetch(...args) : browser.fetch(...args),
    { preconnect: realFetch.preconnect },
  );
  try {
    const client = await guides.load<Client>("client.ts");
    await client.post("/v1/auth/login", { email: owner.email, password: PASSWORD });
    setSystemTime(new Date(Date.now() + 601_000));
    const answer = await client.call("GET", `http://localhost:${service.port}/orders`);
    expect((await answer.json()).of).toBe(owner.tenantId);
    expect(browser.sent.slice(1)).toEqual([
      "GET /orders 401",
      "POST /v1/auth/refresh 200",
      "GET /orders 200",
    ]);
  } finally {
    globalThis.fetch = realFetch;
  }
});

test("a machine has a key, which is no JWT and which the check takes", async () => {
  const page = openPage(served.url);
  try {
    const { post } = await page.client();
    await post("/v1/auth/login", { email: owner.email, password: PASSWORD });
    const { createMachine } =
      await page.load<Record<"createMachine", (...args: unknown[]) => Promise<string>>>(
        "machine.ts",
      );
    const key = await createMachine("Nightly", ["auditor"], ["audit:read"]);
    expect(key).toMatch(/^tnk_/);
    expect(await verify(key)).toBeNull();
    const permissions = ["audit:read"];
    const { body } = await served.app.call("POST /v1/auth/check", {
      token: key,
      json: { permissions },
    });
    expect(body).toEqual({ allowed: true, missing: [] });
    const failure = await createMachine("No", ["nobody"], ["audit:read"]).then(() => null, String);
    expect(failure).toBe("Error: /v1/service-accounts answered 422");
  } finally {
    page.close();
  }
});
