import { expect, test } from "bun:test";
import { testApp } from "../support/app.ts";

const ORIGINS = ["https://app.example.com", "https://example.org"];

const app = testApp({ PASSKEY_RP_ID: "example.com", PASSKEY_ORIGINS: ORIGINS.join(",") });

test("R31: /.well-known/webauthn names the origins that may use the installation's passkeys", async () => {
  const { status, headers, body } = await app.call("GET /.well-known/webauthn");
  expect(status).toBe(200);
  expect(headers.get("content-type")).toBe("application/json");
  expect(body).toEqual({ origins: ORIGINS });
});
