/** Cookie mode: the refresh token of a web page, where no script and no other site can use it. */
import { beforeAll, describe, expect, test } from "bun:test";
import { type Account, type Answer, PASSWORD, registerOwner, testApp } from "../support/app.ts";
import { expectProblem } from "./problem.ts";

const PAGE = "https://app.example.com";
const MODE = { "tenantry-tokens": "cookie" };

const app = testApp({
  CORS_ORIGINS: PAGE,
  ISSUER: "https://id.example.com",
  APP_URL: "https://www.example.com/start",
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
    ]) {
      const refused = await refresh(pair, { ...MODE, origin });
      expectProblem(refused, "permission_denied");
      for (const setting of ["APP_URL", "ISSUER", "CORS_ORIGINS"])
        expect(refused.body.detail).toContain(setting);
      expect(refused.headers.getSetCookie()).toEqual([]);
      const headers = { ...MODE, origin, cookie: pair };
      expectProblem(await app.call("POST /v1/auth/logout", { headers }), "permission_denied");
    }
    // APP_URL is where the proxy has the page, and the API below it.
    for (const origin of [PAGE, "https://id.example.com", "https://www.example.com"]) {
      const answer = await refresh(pair, { ...MODE, origin });
      expect(answer.status).toBe(200);
    }
  });

  test("under another name, or for anything but a refresh and a log-out", async () => {
    const { pair } = cookieOf(await logIn());
    expectProblem(await refresh(pair.replace("__Host-", "")), "invalid_refresh_token");
    expectProblem(await refresh(undefined), "invalid_refresh_token");
    const me = await app.call("GET /v1/auth/me", { headers: { ...MODE, cookie: pair } });
    expectProblem(me, "not_authenticated");
    const all = await app.call("POST /v1/auth/logout-all", { headers: { ...MODE, cookie: pair } });
    expectProblem(all, "not_authenticated");
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
  // The name of an export's file.
  expect(own.get("access-control-expose-headers")).toContain("content-disposition");
  const foreign = (await preflight("https://evil.example")).headers;
  expect(foreign.get("access-control-allow-origin")).toBeNull();
  expect(foreign.get("access-control-allow-credentials")).toBeNull();
});

describe("a cookie whose token is dead", () => {
  const cleared = expect.stringMatching(/^__Host-tenantry_refresh=; Max-Age=0; Path=\/;/);

  test("is taken back with the 401", async () => {
    const answer = await logIn();
    const { pair } = cookieOf(answer);
    await app.as({ accessToken: String(answer.body.accessToken) }, "POST /v1/auth/logout");
    for (const cookie of [pair, "__Host-tenantry_refresh=x", "__Host-tenantry_refresh="]) {
      const refused = await refresh(cookie);
      expectProblem(refused, "invalid_refresh_token");
      expect(refused.headers.getSetCookie()).toEqual([cleared]);
    }
  });

  test("is left alone where it was not what was refused", async () => {
    const { pair } = cookieOf(await logIn());
    const json = { refreshToken: "x" };
    const named = { json, headers: { ...MODE, cookie: pair } };
    for (const answer of [
      await app.call("POST /v1/auth/refresh", named),
      await refresh(pair, {}),
      await refresh(undefined),
    ]) {
      expectProblem(answer, "invalid_refresh_token");
      expect(answer.headers.getSetCookie()).toEqual([]);
    }
    expect((await refresh(pair)).status).toBe(200);
  });
});

describe("Max-Age is what is left of the session", () => {
  const maxAge = (answer: Answer) =>
    Number(
      cookieOf(answer)
        .attributes.find((text) => text.startsWith("Max-Age="))
        ?.slice(8),
    );

  test("where the tenant's sessions are shorter, at log-in and at each refresh", async () => {
    const shorter = await registerOwner(app);
    const settings = { sessionIdleSeconds: 300 };
    const set = await app.as(shorter, `PATCH /v1/tenants/${shorter.tenantId}`, { settings });
    expect(set.status).toBe(200);
    const json = { email: shorter.email, password: PASSWORD };
    const answer = await app.call("POST /v1/auth/login", { json, headers: MODE });
    expect(maxAge(answer)).toBe(300);
    const next = await refresh(cookieOf(answer).pair);
    expect(maxAge(next)).toBe(300);
    // A second time within the grace window: the same successor, and as much of it as is left.
    expect(maxAge(await refresh(cookieOf(answer).pair))).toBeWithin(295, 301);
  });

  test("where the session ends before it is idle for so long", async () => {
    const answer = await logIn();
    const soon = "now() + interval '77 seconds'";
    await app.deps.pool.query(
      `UPDATE sessions SET expires_at = ${soon}, idle_expires_at = least(idle_expires_at, ${soon})`,
    );
    const next = await refresh(cookieOf(answer).pair);
    expect(maxAge(next)).toBeWithin(70, 78);
  });
});

describe("a log-out by the refresh token alone", () => {
  const EXPIRED = "eyJhbGciOiJFUzI1NiJ9.e30.AAAA";

  test("in the cookie or in the body, without an access token or with one that is over", async () => {
    for (const token of [undefined, EXPIRED]) {
      const bearer = token === undefined ? {} : { token };
      const { pair } = cookieOf(await logIn());
      const headers = { ...MODE, cookie: pair };
      const out = await app.call("POST /v1/auth/logout", { ...bearer, headers });
      expect([out.status, out.body]).toEqual([204, ""]);
      expect(cookieOf(out).pair).toBe("__Host-tenantry_refresh=");
      expectProblem(await refresh(pair), "invalid_refresh_token");

      const { refreshToken } = (await logIn({})).body;
      const json = { refreshToken };
      expect((await app.call("POST /v1/auth/logout", { ...bearer, json })).status).toBe(204);
      expectProblem(await app.call("POST /v1/auth/refresh", { json }), "invalid_refresh_token");
    }
  });

  test("ends the access token with it, and is in the audit log under the user's name", async () => {
    const { accessToken, refreshToken } = (await logIn({})).body;
    await app.call("POST /v1/auth/logout", { json: { refreshToken } });
    const me = await app.call("GET /v1/auth/me", { token: String(accessToken) });
    expectProblem(me, "invalid_token");
    const row = await app.deps.db.auditLog.findFirst({
      where: { action: "auth.logged_out" },
      orderBy: { createdAt: "desc" },
    });
    expect(row).toMatchObject({ actorId: owner.id, tenantId: owner.tenantId, outcome: "success" });
  });

  test("is a 204 for one that is used, dead or unknown (RFC 7009, section 2.2)", async () => {
    const { refreshToken, accessToken } = (await logIn({})).body;
    const json = { refreshToken };
    await app.call("POST /v1/auth/refresh", { json });
    const out = () => app.call("POST /v1/auth/logout", { json });
    expect((await out()).status).toBe(204);
    expectProblem(await app.call("GET /v1/auth/me", { token: accessToken }), "invalid_token");
    expect((await out()).status).toBe(204);
    const unknown = await app.call("POST /v1/auth/logout", { json: { refreshToken: "x" } });
    expect(unknown.status).toBe(204);
  });

  test("of one session and the access token of another ends both", async () => {
    const [one, other] = [(await logIn({})).body, (await logIn({})).body];
    const json = { refreshToken: one.refreshToken };
    const out = await app.call("POST /v1/auth/logout", { token: other.accessToken, json });
    expect(out.status).toBe(204);
    for (const { accessToken: token } of [one, other])
      expectProblem(await app.call("GET /v1/auth/me", { token }), "invalid_token");
  });

  test("without either it is as before, and the body may be left out or be empty", async () => {
    expectProblem(await app.call("POST /v1/auth/logout"), "not_authenticated");
    expectProblem(await app.call("POST /v1/auth/logout", { json: {} }), "not_authenticated");
    expectProblem(await app.call("POST /v1/auth/logout", { token: EXPIRED }), "invalid_token");
    expectProblem(
      await app.call("POST /v1/auth/logout", { json: { all: true } }),
      "validation_failed",
    );
    const headers = { "content-type": "application/json", "content-length": "0" };
    const token = String((await logIn({})).body.accessToken);
    expect((await app.call("POST /v1/auth/logout", { token, headers })).status).toBe(204);
  });
});
