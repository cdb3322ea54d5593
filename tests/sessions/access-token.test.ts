import { beforeAll, describe, expect, setSystemTime, test } from "bun:test";
import { createHmac } from "node:crypto";
import {
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
} from "jose";
import { registerOwner, testApp } from "../support/app.ts";
import { privateKeyOf } from "../support/signing-key.ts";

const app = testApp();
let owner: Awaited<ReturnType<typeof registerOwner>>;
beforeAll(async () => {
  owner = await registerOwner(app);
});

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const now = () => Math.floor(Date.now() / 1000);

/** A token with our key that differs from a good one in what the test says. `undefined` leaves a claim out. */
async function forge({
  header = {},
  claims = {},
  key,
}: {
  header?: object;
  claims?: JWTPayload;
  key?: CryptoKey;
} = {}) {
  const { id } = app.deps.signingKeys.current();
  const good = decodeJwt(owner.accessToken);
  return new SignJWT({ ...good, ...claims })
    .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: id, ...header })
    .sign(key ?? (await privateKeyOf(app.deps, id)), { crit: { "x-unknown": true } });
}

async function expectRefused(token: string) {
  const { status, body, headers } = await app.call("GET /v1/auth/me", { token });
  expect({ status, code: body.code }).toEqual({ status: 401, code: "invalid_token" });
  expect(headers.get("www-authenticate")).toBe('Bearer realm="tenantry", error="invalid_token"');
}

test("a token with nothing changed is accepted, so the refusals below are for what was changed", async () => {
  const { status } = await app.call("GET /v1/auth/me", { token: await forge() });
  expect(status).toBe(200);
});

test("R43: a token has the claims of RFC 9068, tenant and session, and no personal data", () => {
  const { iat = 0, ...claims } = decodeJwt(owner.accessToken);
  expect(decodeProtectedHeader(owner.accessToken)).toEqual({
    alg: "ES256",
    typ: "at+jwt",
    kid: app.deps.signingKeys.current().id,
  });
  expect(claims).toEqual({
    iss: "http://localhost:3000",
    aud: "tenantry",
    sub: owner.id,
    tid: owner.tenantId,
    sid: expect.stringMatching(/^[0-9a-f-]{36}$/),
    jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
    client_id: "first-party",
    amr: ["pwd"],
    auth_time: expect.any(Number),
    exp: iat + 600,
  });
  expect(Math.abs(iat - now())).toBeLessThan(30);
  expect(Math.abs(Number(claims.auth_time) - iat)).toBeLessThan(2);
});

describe("R41: the algorithm and the key are ours to choose", () => {
  test("alg none, in any case and with any signature", async () => {
    const [header = "", payload = "", signature = ""] = owner.accessToken.split(".");
    for (const alg of ["none", "None", "NONE", "nOnE", ""]) {
      const unsigned = encode({ ...decodeProtectedHeader(owner.accessToken), alg });
      await expectRefused(`${unsigned}.${payload}.`);
      await expectRefused(`${unsigned}.${payload}.${signature}`);
    }
    await expectRefused(`${header}.${payload}.`);
  });

  test("HS256 with the public key, in every form that it is served in", async () => {
    const [jwk] = app.deps.signingKeys.jwks().keys;
    const payload = encode(decodeJwt(owner.accessToken));
    for (const secret of [
      JSON.stringify(jwk),
      JSON.stringify({ keys: [jwk] }),
      jwk?.x,
      jwk?.y,
      jwk?.kid,
      "",
    ]) {
      const input = `${encode({ alg: "HS256", typ: "at+jwt", kid: jwk?.kid })}.${payload}`;
      await expectRefused(
        `${input}.${createHmac("sha256", secret ?? "")
          .update(input)
          .digest("base64url")}`,
      );
    }
  });

  test("an algorithm of another key type, or one that is not on the list", async () => {
    const [, payload, signature] = owner.accessToken.split(".");
    for (const alg of ["EdDSA", "ES384", "RS256", "PS256", "HS512", "ES256K", "dir", 5, null]) {
      const header = encode({ ...decodeProtectedHeader(owner.accessToken), alg });
      await expectRefused(`${header}.${payload}.${signature}`);
    }
  });

  test("another server's key, under its own id, under ours and under none", async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const jwk = await exportJWK(publicKey);
    await expectRefused(await forge({ key: privateKey }));
    for (const kid of [
      "another",
      "",
      "../../etc/passwd",
      "' OR 1=1 --",
      undefined,
      5,
      { $ne: null },
    ]) {
      await expectRefused(await forge({ key: privateKey, header: { kid } }));
    }
    for (const header of [
      { jwk },
      { jwk, kid: undefined },
      { jku: "https://evil.example/jwks.json" },
    ]) {
      await expectRefused(await forge({ key: privateKey, header }));
    }
  });

  test.each([
    ["jwk", { kty: "EC" }],
    ["jku", "https://evil.example/jwks.json"],
    ["x5u", "https://evil.example/cert.pem"],
    ["x5c", ["MIIB"]],
  ])(
    "R41: a header that brings or names a key is refused although our own key signed: %s",
    async (name, value) => {
      await expectRefused(await forge({ header: { [name]: value } }));
    },
  );

  test("an extension that must be understood and is not (RFC 7515, 4.1.11)", async () => {
    await expectRefused(await forge({ header: { crit: ["x-unknown"], "x-unknown": true } }));
  });
});

describe("R42: what the token says must hold", () => {
  test.each([["JWT"], ["id+jwt"], ["rt+jwt"], ["application/jwt"], [undefined], [""], [5]])(
    "the type: %s",
    async (typ) => {
      await expectRefused(await forge({ header: { typ } }));
    },
  );

  test.each<[string, () => JWTPayload]>([
    ["another issuer", () => ({ iss: "https://evil.example" })],
    ["an issuer that only begins like ours", () => ({ iss: "http://localhost:3000/" })],
    ["no issuer", () => ({ iss: undefined })],
    ["another audience", () => ({ aud: "other-api" })],
    ["many audiences without ours", () => ({ aud: ["a", "b"] })],
    ["no audience", () => ({ aud: undefined })],
    ["expired now", () => ({ exp: now() })],
    ["expired long ago", () => ({ exp: now() - 86_400 })],
    ["no expiry", () => ({ exp: undefined })],
    ["an expiry that is no number", () => ({ exp: "tomorrow" as unknown as number })],
    ["not valid yet", () => ({ nbf: now() + 60 })],
    ["no subject", () => ({ sub: undefined })],
    ["no session", () => ({ sid: undefined })],
    ["a session that is no text", () => ({ sid: { id: 1 } })],
    ["no id", () => ({ jti: undefined })],
    ["no time of issue", () => ({ iat: undefined })],
    ["no methods", () => ({ amr: undefined })],
    ["methods that are no list", () => ({ amr: "pwd" })],
    ["no time of the log-in", () => ({ auth_time: undefined })],
    ["a time of the log-in that is no number", () => ({ auth_time: "yesterday" })],
  ])("%s", async (_name, claims) => {
    await expectRefused(await forge({ claims: claims() }));
  });

  test("a token that was accepted, and is remembered, is refused once it has expired", async () => {
    const token = await forge({ claims: { exp: now() + 60 } });
    expect((await app.call("GET /v1/auth/me", { token })).status).toBe(200);
    setSystemTime(Date.now() + 60_000);
    try {
      await expectRefused(token);
    } finally {
      setSystemTime();
    }
  });
});

test("a token longer than any of ours is refused unread, although its signature is right", async () => {
  await expectRefused(await forge({ claims: { padding: "x".repeat(2000) } }));
});
