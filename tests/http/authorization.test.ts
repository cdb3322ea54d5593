/** The Authorization header: what is no access token, and what the answer says of it. What a token is worth: tests/auth. */
import { beforeAll, describe, expect, test } from "bun:test";
import { type Account, registerOwner, testApp } from "../support/app.ts";
import { expectProblem } from "./problem.ts";

const app = testApp();
let owner: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
});

const me = (authorization?: string) =>
  app.call("GET /v1/auth/me", { headers: authorization === undefined ? {} : { authorization } });

describe("R52: without an access token the challenge names no error (RFC 6750, section 3.1)", () => {
  for (const header of [
    undefined,
    "",
    "Bearer",
    "Bearer ",
    "Basic b3duZXI6cGFzcw==",
    "Token abc",
    "Digest x",
    "DPoP abc",
  ]) {
    test(JSON.stringify(header) ?? "no header", async () => {
      const answer = await me(header);
      expectProblem(answer, "not_authenticated");
      expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="tenantry"');
    });
  }
});

describe("R52: with something else in place of one it is invalid_token", () => {
  const tokens: Record<string, () => string> = {
    "a word": () => "x",
    "three words": () => "e.e.e",
    "an unsigned token": () => `${btoa('{"alg":"none"}')}.${btoa("{}")}.`,
    "two tokens": () => `${owner.accessToken} ${owner.accessToken}`,
    "two tokens of two headers": () => `${owner.accessToken}, Bearer ${owner.accessToken}`,
    "a refresh token": () => owner.refreshToken,
    "a token that goes on": () => `${owner.accessToken}x`,
    "a token in quotes": () => `"${owner.accessToken}"`,
    "a token with a space in it": () => owner.accessToken.replace(".", ". "),
    "other characters": () => "é\u00ff",
    "a very long one": () => "x".repeat(100_000),
    dots: () => ".".repeat(5000),
  };
  for (const [name, token] of Object.entries(tokens)) {
    test(name, async () => {
      const answer = await me(`Bearer ${token()}`);
      expectProblem(answer, "invalid_token");
      const challenge = 'Bearer realm="tenantry", error="invalid_token"';
      expect(answer.headers.get("www-authenticate")).toBe(challenge);
    });
  }
});

test("the scheme is read without regard to case, and the spaces after it do not count", async () => {
  for (const scheme of ["Bearer ", "bearer ", "BEARER   "]) {
    expect((await me(`${scheme}${owner.accessToken}`)).status).toBe(200);
  }
});

test("a token anywhere else is no token (RFC 9700, section 2.6)", async () => {
  const { accessToken } = owner;
  const headers = { cookie: `access_token=${accessToken}; token=${accessToken}` };
  expectProblem(
    await app.call(`GET /v1/auth/me?access_token=${accessToken}`, { headers }),
    "not_authenticated",
  );
});

test("cookies that nobody asked for change nothing", async () => {
  for (const cookie of ["a=;;;=;%%%", "__proto__=1", `x=${"y".repeat(5000)}`, "\u00ff=\u00fe"]) {
    const answer = await app.call("GET /v1/auth/me", {
      token: owner.accessToken,
      headers: { cookie },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.has("set-cookie")).toBe(false);
  }
});

test("R52: 403 has no challenge: another token is no remedy", async () => {
  const answer = await app.call("GET /v1/tenants", { token: owner.accessToken });
  expectProblem(answer, "permission_denied");
});
