/** What a caller is told of their limit (draft-ietf-httpapi-ratelimit-headers-10, RFC 9457). */
import { describe, expect, test } from "bun:test";
import { createApp } from "../../src/app.ts";
import { idempotent } from "../../src/http/idempotency.ts";
import { Problem } from "../../src/http/operation.ts";
import { rateLimit } from "../../src/http/rate-limit.ts";
import { POLICIES, type PolicyName } from "../../src/rate-limits/policies.ts";
import { type Document, routes } from "../http/document.ts";
import { PASSWORD, testApp } from "../support/app.ts";
import { createAuthenticator } from "../support/authenticator.ts";
import { from, makeUser, newAddress, tryPassword } from "./callers.ts";
import { parseList } from "./structured-field.ts";

const app = testApp({ RATE_LIMITS: "database", TRUSTED_PROXY_HOPS: "1" });

type Case = [policy: PolicyName, route: string, status: number, json: (n: number) => unknown];

const token = "x";
/** Each a request that is well-formed, and how it is answered. No account is guessed at twice: that is another limit. */
const CASES: Case[] = [
  ["login", "POST /v1/auth/login", 401, (n) => ({ email: `a${n}@b.example`, password: "wrong" })],
  [
    "login",
    "POST /v1/auth/passkey/login",
    401,
    () => ({ response: passkey.assert({ challenge: "eA" }, { userHandle: null }) }),
  ],
  [
    "proof",
    "POST /v1/auth/mfa/verify",
    401,
    () => ({ mfaToken: token, method: "totp", code: "123456" }),
  ],
  ["proof", "POST /v1/auth/magic-link/verify", 400, () => ({ token })],
  ["proof", "POST /v1/auth/reset-password", 400, () => ({ token, newPassword: PASSWORD })],
  ["proof", "POST /v1/auth/register/complete", 400, () => ({ token, password: PASSWORD })],
  ["proof", "POST /v1/auth/unlock", 400, () => ({ token })],
  [
    "register",
    "POST /v1/auth/register",
    422,
    () => ({ email: "a@b.example", password: "short", tenant }),
  ],
  ["mail", "POST /v1/auth/magic-link", 202, () => ({ email: "a@b.example" })],
  ["mail", "POST /v1/auth/forgot-password", 202, () => ({ email: "a@b.example" })],
  ["challenge", "POST /v1/auth/mfa/passkey-options", 401, () => ({ mfaToken: token })],
  ["challenge", "POST /v1/auth/passkey/options", 200, () => undefined],
];
const tenant = { name: "Acme", slug: "acme" };
const passkey = createAuthenticator();

describe("R54: the RateLimit fields", () => {
  test.each(CASES)(
    "of the policy %s stand in the answers of %s, and count down",
    async (policy, route, status, json) => {
      const { quota, windowSeconds } = POLICIES[policy];
      const headers = from(newAddress());
      for (let n = 1; n <= 3; n++) {
        const answer = await app.call(route, { json: json(n), headers });
        expect(answer.status).toBe(status);
        expect(answer.headers.get("ratelimit-policy")).toBe(
          `"${policy}";q=${quota};w=${windowSeconds}`,
        );
        expect(parseList(answer.headers.get("ratelimit-policy"))).toEqual([
          { name: policy, parameters: { q: quota, w: windowSeconds } },
        ]);
        const [state] = parseList(answer.headers.get("ratelimit"));
        expect(state).toEqual({
          name: policy,
          parameters: { r: quota - n, t: expect.any(Number) },
        });
        expect(state?.parameters.t).toBeWithin(windowSeconds - 10, windowSeconds + 1);
        expect(answer.headers.get("retry-after")).toBeNull();
      }
    },
  );

  test.each(CASES)(
    "and beyond the quota of %s the answer of %s is a 429 that says when to come back",
    async (policy, route, status, json) => {
      const { quota } = POLICIES[policy];
      const headers = from(newAddress());
      const attempt = (n: number) => app.call(route, { json: json(n), headers });
      const tries = await Promise.all(Array.from({ length: quota }, (_, n) => attempt(n)));
      for (const answer of tries) expect(answer.status).toBe(status);

      const refused = await attempt(quota);
      expect(refused.status).toBe(429);
      expect(refused.headers.get("content-type")).toBe("application/problem+json");
      expect(Problem.strict().parse(refused.body)).toMatchObject({
        type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
        code: "rate_limited",
        status: 429,
        "violated-policies": [policy],
      });
      const [state] = parseList(refused.headers.get("ratelimit"));
      expect(state).toMatchObject({ name: policy, parameters: { r: 0 } });
      const retryAfter = refused.headers.get("retry-after") ?? "";
      expect(retryAfter).toMatch(/^[1-9]\d*$/);
      expect(Number(retryAfter)).toBeGreaterThanOrEqual(state?.parameters.t ?? Number.NaN);
      // Somebody else is not held off.
      const other = await app.call(route, { json: json(quota), headers: from(newAddress()) });
      expect(other.status).toBe(status);
    },
  );

  test("stand in the answers of all operations that are documented with a 429, and of no other", async () => {
    const document: Document = (await app.call("GET /openapi.json")).body;
    const documented = routes(document).filter(({ operation }) => "429" in operation.responses);
    // Whoever sends an Idempotency-Key has a budget of answers that are kept.
    const limited = createApp(app.deps, [])
      .routes.filter(({ handler }) => [rateLimit.name, idempotent.name].includes(handler.name))
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
    expect(documented.map(({ name }) => name).sort()).toEqual([...new Set(limited)].sort());
    expect(limited).toContainValues(CASES.map(([, route]) => route));
  });

  test("do not stand in the answer to what is no request: that is no attempt", async () => {
    const headers = from(newAddress());
    for (let n = 0; n < 60; n++) {
      const answer = await app.call("POST /v1/auth/login", { json: {}, headers });
      expect([answer.status, answer.headers.get("ratelimit")]).toEqual([422, null]);
    }
  });

  test("are readable by the pages of listed origins", async () => {
    const origin = "https://app.example.com";
    const deps = { ...app.deps, config: { ...app.deps.config, corsOrigins: [origin] } };
    const { headers } = await createApp(deps, []).request("/health/live", { headers: { origin } });
    const exposed = headers.get("access-control-expose-headers")?.split(", ");
    expect(exposed).toContainValues(["ratelimit", "ratelimit-policy", "retry-after"]);
  });
});

describe("R54: nothing identifies the caller", () => {
  test("in any header of a refusal, by account or by address", async () => {
    const { email } = await makeUser(app);
    for (const attempt of [
      (address: string) => tryPassword(app, address, email, "wrong"),
      (address: string) =>
        app.call("POST /v1/auth/unlock", { json: { token: email }, headers: from(address) }),
    ]) {
      const address = newAddress();
      let { status, headers, body } = await attempt(address);
      for (let n = 0; status !== 429 && n < 51; n++)
        ({ status, headers, body } = await attempt(address));
      expect(status).toBe(429);
      const { rows } = await app.deps.pool.query("SELECT key FROM rate_limits");
      const told = `${JSON.stringify([...headers])} ${JSON.stringify(body)}`;
      const names = rows.map(({ key }) => String(key).split(":")[1] ?? "");
      for (const secret of [address, email, ...names]) expect(told).not.toContain(secret);
    }
  });

  test("in the table: its keys are of one form and tell no address, and no e-mail address", async () => {
    const { rows } = await app.deps.pool.query("SELECT * FROM rate_limits");
    expect(rows.length).toBeGreaterThan(20);
    for (const row of rows) {
      expect(Object.keys(row)).toEqual(["key", "points", "expire"]);
      expect(row.key).toMatch(/^[a-z_]+(-strikes)?:[A-Za-z0-9_-]{43}$/);
    }
    expect(JSON.stringify(rows)).not.toMatch(/@|limits\.example|10\.\d/);
  });
});
