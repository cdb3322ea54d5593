/** A tenant that asks for a second factor: who has none may do nothing but set one up, from the moment it asks. */
import { afterAll, beforeAll, expect, setSystemTime, test } from "bun:test";
import { createKey, createService, use } from "../api-keys/keys.ts";
import {
  type Account,
  createMember,
  createTestApp,
  logIn,
  PASSWORD,
  registerOwner,
  type TestApp,
} from "../support/app.ts";
import { claimsOf, enrolTotp, forgetSteps, stopClock, totpCode } from "../support/factors.ts";
import { set } from "./tenants.ts";

let app: TestApp;
let second: TestApp;
beforeAll(async () => {
  app = await createTestApp();
  second = await createTestApp({
    DATABASE_URL: app.database.url,
    SECRET_KEY: app.deps.config.secretKey.toString("base64"),
  });
});
afterAll(async () => {
  setSystemTime();
  await second.close();
  await app.close();
});

async function codeOf(route: string, token: string, on = app) {
  const { status, body } = await on.call(route, { token });
  return body.code ?? status;
}

/** A log-in with both factors. */
async function logInWithTotp({ id, email }: Account, secret: string): Promise<Account> {
  const first = await app.call("POST /v1/auth/login", { json: { email, password: PASSWORD } });
  await forgetSteps(app, { id });
  const { body } = await app.call("POST /v1/auth/mfa/verify", {
    json: { mfaToken: first.body.mfaToken, method: "totp", code: totpCode(secret) },
  });
  return { ...body, id, email, tenantId: body.user.tenantId };
}

test("R36: switched on, it ends every session without a second factor within a second, on every instance", async () => {
  const owner = await registerOwner(app);
  const bystander = await registerOwner(app);
  const member = await createMember(app, owner);
  expect(await codeOf("GET /v1/users", member.accessToken, second)).toBe(200);
  stopClock();
  const { secret } = await enrolTotp(app, member);
  const strong = await logInWithTotp(member, secret);
  setSystemTime();
  const machine = await createKey(app, owner, { userId: (await createService(app, owner)).id });

  await set(app, owner, { mfaRequired: true });
  const end = Date.now() + 1000;
  while ((await codeOf("GET /v1/users", owner.accessToken, second)) === 200)
    expect(Date.now()).toBeLessThan(end);
  for (const on of [app, second]) {
    expect(await codeOf("GET /v1/users", owner.accessToken, on)).toBe("invalid_token");
    expect(await codeOf("GET /v1/users", strong.accessToken, on)).toBe(200);
    expect(await codeOf("GET /v1/users", bystander.accessToken, on)).toBe(200);
  }
  const { refreshToken } = owner;
  expect((await app.call("POST /v1/auth/refresh", { json: { refreshToken } })).status).toBe(401);
  // A machine has no second factor, and is not asked for one.
  expect(await use(app, machine)).toBe(200);
  const { rows } = await app.deps.pool.query(
    "SELECT DISTINCT revoked_reason AS reason FROM session_users WHERE user_id = $1",
    [owner.id],
  );
  expect(rows).toEqual([{ reason: "mfa_required" }]);
});

test("a log-in with one factor then leads to setting up the second one and nowhere else, by refreshes too", async () => {
  const owner = await registerOwner(app);
  await set(app, owner, { mfaRequired: true });
  let session = await logIn(app, owner.email);
  for (const _ of [1, 2]) {
    expect(claimsOf(session.accessToken).mfa_required).toBe(true);
    for (const on of [app, second])
      expect(await codeOf("GET /v1/users", session.accessToken, on)).toBe(
        "mfa_enrollment_required",
      );
    expect(await codeOf("GET /v1/auth/me", session.accessToken)).toBe(200);
    const { refreshToken } = session;
    const { body } = await app.call("POST /v1/auth/refresh", { json: { refreshToken } });
    session = { ...session, ...body };
    // A retry of the same is answered with the same.
    const retried = await app.call("POST /v1/auth/refresh", { json: { refreshToken } });
    expect(claimsOf(retried.body.accessToken).mfa_required).toBe(true);
  }
  stopClock();
  const { secret } = await enrolTotp(app, session);
  const strong = await logInWithTotp(owner, secret);
  setSystemTime();
  expect(await codeOf("GET /v1/users", strong.accessToken)).toBe(200);

  // Taken back, the next refresh of a session of one factor is free of it.
  const member = await createMember(app, strong);
  expect(await codeOf("GET /v1/users", member.accessToken)).toBe("mfa_enrollment_required");
  await set(app, strong, { mfaRequired: null });
  const { refreshToken } = member;
  const { body } = await app.call("POST /v1/auth/refresh", { json: { refreshToken } });
  expect(claimsOf(body.accessToken).mfa_required).toBeUndefined();
  expect(await codeOf("GET /v1/users", body.accessToken)).toBe(200);
});

test("of log-ins while it is switched on none is left without the second factor", async () => {
  const owner = await registerOwner(app);
  const { email } = await createMember(app, owner);
  const login = async () => {
    const { body } = await app.call("POST /v1/auth/login", { json: { email, password: PASSWORD } });
    return body.accessToken as string;
  };
  const begun = Array.from({ length: 10 }, login);
  await set(app, owner, { mfaRequired: true });
  for (const token of await Promise.all([...begun, login()]))
    expect(["invalid_token", "mfa_enrollment_required"]).toContain(
      await codeOf("GET /v1/users", token),
    );
});
