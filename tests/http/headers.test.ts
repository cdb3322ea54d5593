/** What every answer carries, and what browsers may do with it. */
import { beforeAll, describe, expect, test } from "bun:test";
import { createApp } from "../../src/app.ts";
import { type Account, registerOwner, testApp } from "../support/app.ts";

const ORIGIN = "https://app.example.com";
const app = testApp({ CORS_ORIGINS: `${ORIGIN}, http://localhost:5173` });
let owner: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
});

const SECURITY = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "strict-transport-security": "max-age=31536000; includeSubDomains",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
};

describe("R53, R56: every answer", () => {
  const routes = [
    "GET /v1/auth/me",
    "GET /v1/users",
    "POST /v1/auth/login",
    "GET /v1/nope",
    "PUT /v1/users",
    "OPTIONS /v1/users",
    "GET /health/live",
    "GET /openapi.json",
    "GET /.well-known/jwks.json",
  ];
  for (const route of routes) {
    test(`${route} carries the security headers and tells no version`, async () => {
      const { headers } = await app.call(route, { token: owner.accessToken });
      for (const [name, value] of Object.entries(SECURITY)) expect(headers.get(name)).toBe(value);
      for (const name of ["server", "x-powered-by"]) expect(headers.has(name)).toBe(false);
    });
  }

  test("under /v1 is kept out of caches, whatever its status", async () => {
    const { accessToken: token, email } = owner;
    const answers = await Promise.all([
      app.call("GET /v1/auth/me", { token }),
      app.call("GET /v1/auth/me"),
      app.call("GET /v1/nope"),
      app.call("OPTIONS /v1/users"),
      app.call("POST /v1/auth/login", { json: { email, password: "wrong" } }),
      app.call("POST /v1/users", { token, json: { email: "new@members.example" } }),
      app.call("DELETE /v1/users/0", { token }),
    ]);
    expect(answers.map((answer) => answer.status)).toEqual([200, 401, 404, 204, 401, 201, 404]);
    for (const { headers } of answers) expect(headers.get("cache-control")).toBe("no-store");
  });

  test("R52: 201 says where the new thing is", async () => {
    const json = { email: "found@members.example" };
    const made = await app.call("POST /v1/users", { token: owner.accessToken, json });
    const location = made.headers.get("location");
    expect(location).toBe(`/v1/users/${made.body.id}`);
    const found = await app.call(`GET ${location}`, { token: owner.accessToken });
    expect(found.body).toEqual(made.body);
  });
});

describe("the request id", () => {
  test("of the caller is kept when it is a plain word", async () => {
    const headers = { "x-request-id": "trace-0123.abc_DEF" };
    const answer = await app.call("GET /v1/nope", { headers });
    expect(answer.headers.get("x-request-id")).toBe("trace-0123.abc_DEF");
    expect(answer.body.instance).toBe("urn:tenantry:request:trace-0123.abc_DEF");
  });

  for (const id of [
    "short",
    "x".repeat(65),
    "a b c d e f g",
    '{"level":"x"}',
    "<script>alert(1)",
    "a\tbcdefgh",
    "é".repeat(9),
  ]) {
    test(`is ours when the caller's is ${JSON.stringify(id.slice(0, 20))}`, async () => {
      const { headers } = await app.call("GET /health/live", { headers: { "x-request-id": id } });
      expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    });
  }
});

describe("R56: other origins", () => {
  const corsHeaders = (headers: Headers) =>
    [...headers.keys()].filter((name) => name.startsWith("access-control"));
  const preflight = (origin: string) => ({
    origin,
    "access-control-request-method": "PATCH",
    "access-control-request-headers": "authorization,content-type",
  });

  for (const origin of [ORIGIN, "http://localhost:5173"]) {
    test(`${origin}, which is listed, may call and read`, async () => {
      const asked = await app.call("OPTIONS /v1/users/0", { headers: preflight(origin) });
      expect(asked.status).toBe(204);
      expect(asked.headers.get("access-control-allow-origin")).toBe(origin);
      expect(asked.headers.get("access-control-allow-methods")).toContain("PATCH");
      expect(asked.headers.get("access-control-allow-headers")).toContain("authorization");
      const failed = await app.call("GET /v1/auth/me", { headers: { origin } });
      expect(failed.status).toBe(401);
      expect(failed.headers.get("access-control-allow-origin")).toBe(origin);
      expect(failed.headers.get("access-control-expose-headers")).toContain("www-authenticate");
      expect(failed.headers.get("vary")).toBe("Origin");
    });
  }

  test("an app in a web view may, where its scheme is listed, and no other app", async () => {
    const APP = "capacitor://localhost";
    const native = createApp(
      { ...app.served, config: { ...app.served.config, corsOrigins: [APP] } },
      [],
    );
    const ask = async (origin: string) => {
      const init = { method: "OPTIONS", headers: preflight(origin) };
      return (await native.request("/v1/users/0", init)).headers.get("access-control-allow-origin");
    };
    expect(await ask(APP)).toBe(APP);
    for (const origin of ["capacitor://evil", "ionic://localhost", "http://localhost", "null"])
      expect(await ask(origin)).toBeNull();
  });

  const strangers = [
    "https://evil.example",
    "null",
    `${ORIGIN}.evil.example`,
    "http://app.example.com",
    `${ORIGIN}:444`,
    ORIGIN.toUpperCase(),
    `${ORIGIN}/`,
    "*",
    "",
  ];
  for (const origin of strangers) {
    test(`${JSON.stringify(origin)}, which is not, is told nothing`, async () => {
      const asked = await app.call("OPTIONS /v1/users", { headers: preflight(origin) });
      const got = await app.call("GET /v1/auth/me", {
        token: owner.accessToken,
        headers: { origin },
      });
      expect(corsHeaders(asked.headers)).toEqual([]);
      expect(corsHeaders(got.headers)).toEqual([]);
      expect(got.headers.get("vary")).toBe("Origin");
    });
  }

  test("a preflight for a path that is not there is answered all the same: the call itself gets the 404", async () => {
    const asked = await app.call("OPTIONS /v1/nope", { headers: preflight(ORIGIN) });
    expect(asked.status).toBe(204);
  });
});

test("R45: the key set says what it is, how long it may be kept, and holds public members only", async () => {
  const { headers, body } = await app.call("GET /.well-known/jwks.json");
  expect(headers.get("content-type")).toBe("application/jwk-set+json");
  expect(headers.get("cache-control")).toBe("public, max-age=300");
  expect(body.keys.length).toBeGreaterThan(0);
  for (const key of body.keys) {
    expect(Object.keys(key).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
    expect(key).toMatchObject({ alg: "ES256", use: "sig" });
  }
});
