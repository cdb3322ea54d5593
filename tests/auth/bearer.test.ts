import { beforeAll, describe, expect, test } from "bun:test";
import { registerOwner, testApp } from "../support/app.ts";

const app = testApp();
let owner: Awaited<ReturnType<typeof registerOwner>>;
beforeAll(async () => {
  owner = await registerOwner(app);
});

describe("not a byte can be changed", () => {
  test("of header, payload or signature", async () => {
    const { token } = await app.deps.accessTokens.sign({
      userId: owner.id,
      tenantId: owner.tenantId,
      sessionId: owner.id,
      amr: ["pwd"],
      authenticatedAt: 0,
    });
    const verify = app.deps.accessTokens.verify;
    for (let at = 0; at < token.length; at++) {
      // The last character of each part holds bits beyond the last byte: changing only those changes nothing.
      if (token[at] === "." || token[at + 1] === "." || at === token.length - 1) continue;
      const changed = `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
      await verify(changed).then(
        () => expect.unreachable(`accepted with character ${at} changed`),
        (err) => expect(err.code).toBe("invalid_token"),
      );
    }
  });

  test.each([
    "x",
    "..",
    "a.b.c",
    "a.b.c.d.e",
    ".".repeat(500),
    "A".repeat(2049),
    "A".repeat(100_000),
    Buffer.from('{"alg":"ES256"}').toString("base64url"),
  ])("and what is no token at all is refused", async (token) => {
    const { status, body } = await app.call("GET /v1/auth/me", { token });
    expect({ status, code: body.code }).toEqual({ status: 401, code: "invalid_token" });
  });
});

describe("the Authorization header", () => {
  test("R52: without one there is no error attribute in the challenge", async () => {
    const { status, body, headers } = await app.call("GET /v1/auth/me");
    expect({ status, code: body.code }).toEqual({ status: 401, code: "not_authenticated" });
    expect(headers.get("www-authenticate")).toBe('Bearer realm="tenantry"');
  });

  test.each(["", "Bearer", "Bearer ", "Basic YTpi", "Token x", "Bearer a b"])(
    "%j is no bearer token",
    async (authorization) => {
      expect((await app.call("GET /v1/auth/me", { headers: { authorization } })).status).toBe(401);
    },
  );

  test("the scheme is written in any case (RFC 9110, 11.1)", async () => {
    const headers = { authorization: `bEaReR ${owner.accessToken}` };
    expect((await app.call("GET /v1/auth/me", { headers })).status).toBe(200);
  });
});
