/** Cookie mode: the refresh token of a web page, where no script and no other site can use it. */
import { beforeAll, describe, expect, test } from "bun:test";
import { type Account, type Answer, PASSWORD, registerOwner, testApp } from "../support/app.ts";
import { expectProblem } from "./problem.ts";

const PAGE = "https://app.example.com";
const MODE = { "tenantry-tokens": "cookie" };

const app = testApp({
  CORS_ORIGINS: PAGE,
  ISSUER: "https://id.example.com",
  SESSION_IDLE_SECONDS: "1000",
});
let owner: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
});

function logIn(headers: Record<string, string> = MODE) {
  const json = { email: owner.email, password: PASSWORD };
  return app.call("POST /v1/auth/login", { json, headers });
}

function refresh(cookie: string | undefined, headers: Record<string, string> = MODE) {
  return app.call("POST /v1/auth/refresh", {
    json: {},
    headers: { ...headers, ...(cookie !== undefined && { cookie }) },
  });
}

/** The cookie of an answer as a browser sends it back, and its attributes. */
function cookieOf({ headers }: Answer): { pair: string; attributes: string[] } {
  const [only, ...more] = headers.getSetCookie();
  expect(more).toEqual([]);
  const [pair = "", ...attributes] = only?.split("; ") ?? [];
  return { pair, attributes };
}

describe("R40: with Tenantry-Tokens: cookie", () => {
  test("the refresh token is in a __Host- cookie and nowhere else", async () => {
    const answer = await logIn();
    expect(answer.status).toBe(200);
    expect(answer.body.refreshToken).toBeUndefined();
    const { pair, attributes } = cookieOf(answer);
    expect(pair).toMatch(/^__Host-tenantry_refresh=[A-Za-z0-9_-]{43}$/);
    expect(attributes.sort()).toEqual([
      "HttpOnly",
      "Max-Age=1000",
      "Path=/",
      "SameSite=Strict",
      "Secure",
    ]);
    expect(JSON.stringify(answer.body)).not.toContain(pair.split("=")[1] ?? "?");
  });

  test("a refresh takes the cookie and sets its successor", async () => {
    const first = cookieOf(await logIn());
    const answer = await refresh(first.pair);
    expect(answer.status).toBe(200);
    expect(answer.body.refreshToken).toBeUndefined();
    const second = cookieOf(answer);
    expect(second.pair).not.toBe(first.pair);
    expect((await refresh(second.pair)).status).toBe(200);
    const me = await app.call("GET /v1/auth/me", { token: String(answer.body.accessToken) });
    expect(me.status).toBe(200);
  });

  test("a log-out takes the cookie back", async () => {
    const answer = await logIn();
    const token = String(answer.body.accessToken);
    const out = await app.call("POST /v1/auth/logout", { token, headers: MODE });
    const { pair, attributes } = cookieOf(out);
    expect(pair).toBe("__Host-tenantry_refresh=");
    expect(attributes).toEqual(expect.arrayContaining(["Max-Age=0", "Path=/", "Secure"]));
    expectProblem(await refresh(cookieOf(answer).pair), "invalid_refresh_token");
  });

  test("registering sets it too", async () => {
    const json = {
      email: "cookie@example.com",
      password: PASSWORD,
      tenant: { name: "Cookie", slug: "cookie" },
    };
    const answer = await app.call("POST /v1/auth/register", { json, headers: MODE });
    expect(answer.status).toBe(201);
    expect(answer.body.refreshToken).toBeUndefined();
    expect((await refresh(cookieOf(answer).pair)).status).toBe(200);
  });
});

describe("R40: the cookie counts for nothing", () => {
  test("without the header, which no foreign page can send without a preflight", async () => {
    const { pair } = cookieOf(await logIn());
    const others: Record<string, string>[] = [
      {},
      { "tenantry-tokens": "body" },
      { "tenantry-tokens": "Cookie" },
    ];
    for (const headers of others)
      expectProblem(await refresh(pair, headers), "invalid_refresh_token");
    expect((await refresh(pair)).status).toBe(200);
  });

  test("from a page of an origin that is not listed, even with the header", async () => {
    const { pair } = cookieOf(await logIn());
    for (const origin of [
      "https://evil.example",
      "null",
      `${PAGE}.evil.example`,
      "http://app.example.com",
    ])
      expectProblem(await refresh(pair, { ...MODE, origin }), "permission_denied");
    for (const origin of [PAGE, "https://id.example.com"]) {
      const answer = await refresh(pair, { ...MODE, origin });
      expect(answer.status).toBe(200);
    }
  });

  test("under another name, or for anything but a refresh", async () => {
    const { pair } = cookieOf(await logIn());
    expectProblem(await refresh(pair.replace("__Host-", "")), "invalid_refresh_token");
    expectProblem(await refresh(undefined), "invalid_refresh_token");
    const me = await app.call("GET /v1/auth/me", { headers: { ...MODE, cookie: pair } });
    expectProblem(me, "not_authenticated");
    const out = await app.call("POST /v1/auth/logout", { headers: { ...MODE, cookie: pair } });
    expectProblem(out, "not_authenticated");
    expect((await refresh(pair)).status).toBe(200);
  });

  test("where the body names a token", async () => {
    const { pair } = cookieOf(await logIn());
    const headers = { ...MODE, cookie: pair };
    const answer = await app.call("POST /v1/auth/refresh", {
      json: { refreshToken: "x" },
      headers,
    });
    expectProblem(answer, "invalid_refresh_token");
  });
});

test("without the header no answer sets a cookie", async () => {
  const answer = await logIn({});
  expect(answer.headers.getSetCookie()).toEqual([]);
  expect(answer.body.refreshToken).toEqual(expect.any(String));
});

test("R56: credentials are allowed to listed origins alone, and the preflight lists the headers", async () => {
  const preflight = (origin: string) =>
    app.call("OPTIONS /v1/auth/refresh", {
      headers: { origin, "access-control-request-method": "POST" },
    });
  const own = (await preflight(PAGE)).headers;
  expect(own.get("access-control-allow-origin")).toBe(PAGE);
  expect(own.get("access-control-allow-credentials")).toBe("true");
  expect(own.get("access-control-allow-headers")).toContain("tenantry-tokens");
  const foreign = (await preflight("https://evil.example")).headers;
  expect(foreign.get("access-control-allow-origin")).toBeNull();
  expect(foreign.get("access-control-allow-credentials")).toBeNull();
});
