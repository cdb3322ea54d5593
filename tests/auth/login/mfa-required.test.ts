/** MFA=required: who has no second factor yet may do nothing but set one up. */
import { beforeAll, describe, expect, test } from "bun:test";
import { withMfa } from "../../../src/sessions/facts.ts";
import {
  createTestApp,
  PASSWORD,
  randomName,
  registerOwner,
  type TestApp,
  testApp,
} from "../../support/app.ts";
import { claimsOf, enrolPasskey, enrolTotp, stopClock, totpCode } from "../../support/factors.ts";

const app = testApp({ MFA: "required" });
beforeAll(() => stopClock());

async function codeOf(route: string, token: string) {
  const { status, body } = await app.call(route, { token, json: {} });
  return status === 403 ? body.code : status;
}

test("the whole way: register, be let in nowhere, enrol, log in again, be let in", async () => {
  const owner = await registerOwner(app);
  for (const route of [
    "GET /v1/users",
    "GET /v1/auth/sessions",
    "POST /v1/auth/change-password",
    "GET /v1/tenants/current",
    "DELETE /v1/auth/me/totp",
  ])
    expect([route, await codeOf(route, owner.accessToken)]).toEqual([
      route,
      "mfa_enrollment_required",
    ]);
  expect(await codeOf("GET /v1/auth/me", owner.accessToken)).toBe(200);
  expect(await codeOf("GET /v1/auth/me/factors", owner.accessToken)).toBe(200);

  const { secret, recoveryCodes } = await enrolTotp(app, owner);
  expect(recoveryCodes).toHaveLength(10);
  // The session has not shown the factor yet.
  expect(await codeOf("GET /v1/users", owner.accessToken)).toBe("mfa_enrollment_required");
  const first = await app.call("POST /v1/auth/reauthenticate", {
    token: owner.accessToken,
    json: { password: PASSWORD },
  });
  const { body } = await app.call("POST /v1/auth/mfa/verify", {
    json: { mfaToken: first.body.mfaToken, method: "totp", code: totpCode(secret) },
  });
  expect(claimsOf(body.accessToken).amr).toContain("mfa");
  expect(await codeOf("GET /v1/users", body.accessToken)).toBe(200);
  const { body: next } = await app.call("POST /v1/auth/refresh", {
    json: { refreshToken: body.refreshToken },
  });
  expect(await codeOf("GET /v1/users", next.accessToken)).toBe(200);
});

test("the same way with a passkey", async () => {
  const owner = await registerOwner(app);
  const { authenticator } = await enrolPasskey(app, owner);
  const options = await app.call("POST /v1/auth/reauthenticate/passkey-options", {
    token: owner.accessToken,
  });
  const { body } = await app.call("POST /v1/auth/reauthenticate", {
    token: owner.accessToken,
    json: { response: authenticator.assert(options.body) },
  });
  expect(await codeOf("GET /v1/users", body.accessToken)).toBe(200);
});

test("R1: where a second factor is required, shorter passwords will do", async () => {
  const register = (on: TestApp, password: string) => {
    const name = randomName();
    const json = { email: `a@${name}.example`, password, tenant: { name, slug: name } };
    return on.call("POST /v1/auth/register", { json });
  };
  expect((await register(app, "wq8#Rz-T")).status).toBe(201);
  expect((await register(app, "wq8#Rz-")).status).toBe(422);
  const optional = await createTestApp();
  expect((await register(optional, "wq8#Rz-T")).status).toBe(422);
  await optional.close();
});

describe("R25: what amounts to two factors", () => {
  const TABLE: [string[], boolean][] = [
    [["pwd"], false],
    [["email"], false],
    [["otp"], false],
    [["pwd", "otp"], true],
    [["pwd", "recovery"], true],
    [["pwd", "hwk"], true],
    [["pwd", "swk", "user"], true],
    [["hwk"], false],
    [["swk"], false],
    [["hwk", "user"], true],
    [["swk", "user"], true],
    [["user"], false],
    // A mail is no second factor (SP 800-63B-4, 3.1.3.1), and both of these are something that one has.
    [["pwd", "email"], false],
    [["email", "otp"], false],
    [["email", "recovery"], false],
    [["email", "hwk"], false],
    [["email", "hwk", "user"], true],
    [["pwd", "pwd"], false],
    [["pwd", "mfa"], false],
    [["mfa"], false],
  ];
  test.each(TABLE)("%j: %p", (methods, amounts) => {
    const amr = withMfa(methods as Parameters<typeof withMfa>[0]);
    expect(amr.includes("mfa")).toBe(amounts);
    expect(new Set(amr).size).toBe(amr.length);
  });
});
