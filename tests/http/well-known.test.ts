import { describe, expect, test } from "bun:test";
import { createApp } from "../../src/app.ts";
import { createSuperAdmin, type TestApp, testApp } from "../support/app.ts";
import { expectProblem } from "./problem.ts";

const ORIGINS = ["https://app.example.com", "https://example.org"];
const ANDROID = "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

const app = testApp({
  PASSKEY_RP_ID: "example.com",
  PASSKEY_ORIGINS: [...ORIGINS, ANDROID].join(","),
});

test("R31: /.well-known/webauthn names the origins that may use the installation's passkeys", async () => {
  const { status, headers, body } = await app.call("GET /.well-known/webauthn");
  expect(status).toBe(200);
  expect(headers.get("content-type")).toBe("application/json");
  expect(body).toEqual({ origins: ORIGINS });
});

const METADATA = [
  "/.well-known/oauth-authorization-server",
  "/.well-known/openid-configuration",
] as const;

describe("discovery by RFC 8414 and OpenID Connect", () => {
  const id = testApp({ ISSUER: "https://id.example.com", CORS_ORIGINS: "https://app.example.com" });

  for (const path of METADATA) {
    test(`${path} names the issuer and its keys, and nothing that is not there`, async () => {
      const { status, headers, body } = await id.call(`GET ${path}`);
      expect([status, headers.get("content-type")]).toEqual([200, "application/json"]);
      expect(headers.get("cache-control")).toBe("public, max-age=300");
      expect(body).toEqual({
        issuer: "https://id.example.com",
        jwks_uri: "https://id.example.com/.well-known/jwks.json",
        response_types_supported: [],
        grant_types_supported: [],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["ES256"],
      });
    });
  }

  test("whoever starts from it finds the key of a token", async () => {
    const { accessToken } = await createSuperAdmin(id);
    const { body } = await id.call(`GET ${METADATA[0]}`);
    const { body: keys } = await id.call(`GET ${new URL(body.jwks_uri).pathname}`);
    const [header = "", payload = ""] = accessToken.split(".").map(decoded);
    const { kid, alg } = JSON.parse(header);
    expect(keys.keys.map((key: { kid: string }) => key.kid)).toContain(kid);
    expect(body.id_token_signing_alg_values_supported).toContain(alg);
    expect(JSON.parse(payload).iss).toBe(body.issuer);
  });

  test("any page may read it, as the key set, and no credentials come with that", async () => {
    for (const path of [...METADATA, "/.well-known/jwks.json"]) {
      for (const origin of [undefined, "https://evil.example", "null"]) {
        const headers: Record<string, string> = origin === undefined ? {} : { origin };
        const answer = await id.call(`GET ${path}`, { headers });
        expect(answer.headers.get("access-control-allow-origin")).toBe("*");
        expect(answer.headers.has("access-control-allow-credentials")).toBe(false);
      }
      const headers = { origin: "https://evil.example", "access-control-request-method": "GET" };
      const asked = await id.call(`OPTIONS ${path}`, { headers });
      expect([asked.status, asked.headers.get("access-control-allow-origin")]).toEqual([204, "*"]);
      expect(asked.headers.get("access-control-allow-methods")).toBe("GET, HEAD");
    }
    const own = { headers: { origin: "https://app.example.com" } };
    const listed = (await id.call(`GET ${METADATA[0]}`, own)).headers;
    expect(listed.get("access-control-allow-origin")).toBe("https://app.example.com");
    const others = await id.call("GET /v1/auth/me", {
      headers: { origin: "https://evil.example" },
    });
    expect(others.headers.has("access-control-allow-origin")).toBe(false);
  });

  test("of an issuer with a path it stands where both standards look", async () => {
    const at = (issuer: string) => withIssuer(id, issuer);
    for (const issuer of ["https://example.com/id/eu", "https://example.com/id/eu/"]) {
      const app = at(issuer);
      for (const path of [...METADATA, ...METADATA.map((path) => `${path}/id/eu`)]) {
        const body = (await (await app.request(path)).json()) as Record<string, unknown>;
        expect(body.issuer).toBe(issuer);
        expect(body.jwks_uri).toBe("https://example.com/id/eu/.well-known/jwks.json");
      }
      expect((await app.request(`${METADATA[0]}/id`)).status).toBe(404);
    }
    expectProblem(await id.call(`GET ${METADATA[1]}/id`), "not_found");
  });
});

describe("with EdDSA", () => {
  const eddsa = testApp({ SIGNING_ALGORITHM: "EdDSA" });
  test("the metadata says so", async () => {
    const { body } = await eddsa.call(`GET ${METADATA[1]}`);
    expect(body.id_token_signing_alg_values_supported).toEqual(["EdDSA"]);
  });
});

function withIssuer({ served }: TestApp, issuer: string) {
  return createApp({ ...served, config: { ...served.config, issuer } }, []);
}

function decoded(part: string): string {
  return Buffer.from(part, "base64url").toString();
}
