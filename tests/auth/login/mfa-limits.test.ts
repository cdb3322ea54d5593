import { beforeAll, expect, test } from "bun:test";
import { PASSWORD, registerOwner, testApp } from "../../support/app.ts";
import { enrolTotp, stopClock, totpCode } from "../../support/factors.ts";

const app = testApp({ RATE_LIMITS: "memory", TRUSTED_PROXY_HOPS: "1" });
beforeAll(() => stopClock());

function call(route: string, address: string, json: unknown) {
  return app.call(route, { json, headers: { "x-forwarded-for": address } });
}

test("R12, R22: ten wrong codes for an account from one address hold that address off, and no other", async () => {
  const owner = await registerOwner(app);
  const { secret } = await enrolTotp(app, owner);
  const firstStep = async (address: string): Promise<string> => {
    const json = { email: owner.email, password: PASSWORD };
    return (await call("POST /v1/auth/login", address, json)).body.mfaToken;
  };
  const verify = (address: string, mfaToken: string, code: string) =>
    call("POST /v1/auth/mfa/verify", address, { mfaToken, method: "totp", code });

  for (let login = 0; login < 2; login++) {
    const mfaToken = await firstStep("192.0.2.1");
    for (let attempt = 0; attempt < 5; attempt++)
      expect((await verify("192.0.2.1", mfaToken, "000000")).status).toBe(401);
  }
  const held = await verify("192.0.2.1", await firstStep("192.0.2.1"), totpCode(secret));
  expect({ status: held.status, code: held.body.code }).toEqual({
    status: 429,
    code: "rate_limited",
  });
  expect(Number(held.headers.get("retry-after"))).toBeGreaterThan(0);

  const free = await verify("192.0.2.2", await firstStep("192.0.2.2"), totpCode(secret));
  expect(free.status).toBe(200);
});
