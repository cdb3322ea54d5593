/** What other services do: verify our tokens with libraries that are not ours, from the JWKS document alone. */
import { beforeAll, describe, expect, test } from "bun:test";
import { createPublicKey, type JsonWebKeyInput } from "node:crypto";
import { JwtVerifier } from "aws-jwt-verify";
import type { Jwks } from "aws-jwt-verify/jwk";
import { createVerifier, type DecodedJwt } from "fast-jwt";
import { type Account, createSuperAdmin, createTestApp, testApp } from "../support/app.ts";

const ISSUER = "https://id.example.com";
const AUDIENCE = "acme-api";
const JWKS_URI = `${ISSUER}/.well-known/jwks.json`;

type Verify = (token: string) => Promise<Record<string, unknown>>;

const libraries: Record<string, (jwks: Jwks) => Verify> = {
  "aws-jwt-verify": (jwks) => {
    const verifier = JwtVerifier.create({ issuer: ISSUER, audience: AUDIENCE, jwksUri: JWKS_URI });
    verifier.cacheJwks(jwks);
    return async (token) => verifier.verify(token);
  },
  "fast-jwt": (jwks) => {
    const verifier = createVerifier({
      key: async ({ header }: DecodedJwt) => {
        const jwk = jwks.keys.find(({ kid }) => kid === header.kid);
        if (!jwk) throw new Error("no such key");
        const key = createPublicKey({ key: jwk, format: "jwk" } as JsonWebKeyInput);
        return key.export({ type: "spki", format: "pem" }).toString();
      },
      algorithms: ["ES256", "EdDSA"],
      allowedIss: ISSUER,
      allowedAud: AUDIENCE,
      requiredClaims: ["exp", "iat", "jti"],
    });
    return verifier;
  },
};

for (const algorithm of ["ES256", "EdDSA"]) {
  describe(`R45: with ${algorithm}`, () => {
    const app = testApp({ SIGNING_ALGORITHM: algorithm, ISSUER, AUDIENCE });
    let account: Account;
    let jwks: Jwks;
    beforeAll(async () => {
      account = await createSuperAdmin(app);
      const { body, headers } = await app.call("GET /.well-known/jwks.json");
      expect(headers.get("content-type")).toBe("application/jwk-set+json");
      jwks = body;
    });

    test("our own API accepts the token", async () => {
      const { status } = await app.call("GET /v1/auth/me", { token: account.accessToken });
      expect(status).toBe(200);
    });

    for (const [name, make] of Object.entries(libraries)) {
      test(`${name} accepts the token and reads its claims`, async () => {
        expect(await make(jwks)(account.accessToken)).toMatchObject({
          iss: ISSUER,
          aud: AUDIENCE,
          sub: account.id,
          amr: ["pwd"],
          auth_time: expect.any(Number),
        });
      });

      test(`${name} refuses a token that was changed, and one without a signature`, async () => {
        const verify = make(jwks);
        const [header = "", payload = "", signature = ""] = account.accessToken.split(".");
        const decoded = JSON.parse(Buffer.from(payload, "base64url").toString());
        const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
        const flipped = Buffer.from(signature, "base64url");
        flipped[5] = (flipped[5] ?? 0) ^ 1;
        for (const token of [
          `${header}.${encode({ ...decoded, sub: "somebody else" })}.${signature}`,
          `${header}.${payload}.${flipped.toString("base64url")}`,
          `${header}.${payload}.`,
          `${encode({ alg: "none", typ: "at+jwt" })}.${payload}.`,
        ])
          await expect(verify(token)).rejects.toThrow();
      });

      test(`${name} refuses the token of another installation with the same issuer`, async () => {
        const other = await createTestApp({ SIGNING_ALGORITHM: algorithm, ISSUER, AUDIENCE });
        try {
          const { accessToken } = await createSuperAdmin(other);
          const verifying = make(jwks)(accessToken);
          await expect(verifying).rejects.toThrow();
        } finally {
          await other.close();
        }
      });
    }
  });
}
