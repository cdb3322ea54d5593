import { afterAll, beforeAll, expect, test } from "bun:test";
import { createTestApp, type TestApp } from "../support/app.ts";

const ORIGINS = ["https://app.example.com", "https://example.org"];

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp({ PASSKEY_RP_ID: "example.com", PASSKEY_ORIGINS: ORIGINS.join(",") });
});
afterAll(() => app.close());

test("R31: /.well-known/webauthn names the origins that may use the installation's passkeys", async () => {
  const { status, headers, body } = await app.call("GET /.well-known/webauthn");
  expect(status).toBe(200);
  expect(headers.get("content-type")).toBe("application/json");
  expect(body).toEqual({ origins: ORIGINS });
});
