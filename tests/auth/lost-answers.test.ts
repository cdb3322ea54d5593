/** R55: what is done once may be asked for again when its answer was lost, before there is a session too. */
import { describe, expect, test } from "bun:test";
import { hashToken } from "../../src/crypto/secret.ts";
import {
  type Account,
  logIn,
  PASSWORD,
  randomName,
  registerOwner,
  type TestApp,
  testApp,
} from "../support/app.ts";
import { enrolTotp, stopClock, totpCode } from "../support/factors.ts";

const app = testApp({ DATABASE_POOL_SIZE: "25" });
const withMail = testApp({ EMAIL_VERIFICATION: "required" });

const newKey = () => crypto.randomUUID();
const registration = () => {
  const name = randomName();
  return { email: `${name}@x.example`, password: PASSWORD, tenant: { name, slug: name } };
};

function send(path: string, key: string, json: object, { to = app, ...as }: As = {}) {
  const headers = { "idempotency-key": key, ...as.headers };
  return to.call(`POST ${path}`, { headers, json, ...(as.token && { token: as.token }) });
}
type As = { to?: TestApp; token?: string; headers?: Record<string, string> };

async function sessionsOf({ id }: Pick<Account, "id">) {
  return app.deps.db.session.count({ where: { accountId: id, revokedAt: null } });
}

describe("registering", () => {
  test("twice under one key is once, and the tokens are the same", async () => {
    const key = newKey();
    const json = registration();
    const [first, second] = [
      await send("/v1/auth/register", key, json),
      await send("/v1/auth/register", key, json),
    ];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get("location")).toBe(first.headers.get("location"));
    expect(await sessionsOf(first.body.user)).toBe(1);
    const { accessToken: token, refreshToken } = second.body;
    expect((await app.call("GET /v1/auth/me", { token })).status).toBe(200);
    expect((await app.call("POST /v1/auth/refresh", { json: { refreshToken } })).status).toBe(200);
  });

  test("of fifty at once under one key one is done, and no other is refused for good", async () => {
    const key = newKey();
    const json = registration();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => send("/v1/auth/register", key, json)),
    );
    const done = answers.filter(({ status }) => status === 201);
    expect(done.length).toBeGreaterThan(0);
    expect(new Set(done.map(({ body }) => body.refreshToken)).size).toBe(1);
    const codes = answers.filter(({ status }) => status !== 201).map(({ body }) => body.code);
    expect(new Set([...codes, "idempotency_key_in_use"])).toEqual(
      new Set(["idempotency_key_in_use"]),
    );
    expect((await send("/v1/auth/register", key, json)).body).toEqual(done[0]?.body);
  });

  test("the key tells nobody anything without the same request, password included", async () => {
    const key = newKey();
    const json = registration();
    await send("/v1/auth/register", key, json);
    for (const other of [{ ...json, password: `${PASSWORD}!` }, registration()]) {
      const { status, body } = await send("/v1/auth/register", key, other);
      expect([status, body.code]).toEqual([422, "idempotency_key_reused"]);
      expect(JSON.stringify(body)).not.toContain("refreshToken");
    }
  });

  test("what was refused is not kept: it is mended and sent under the same key", async () => {
    const key = newKey();
    const taken = registration();
    await app.call("POST /v1/auth/register", { json: taken });
    const mended = registration();
    const refused = await send("/v1/auth/register", key, { ...mended, tenant: taken.tenant });
    expect([refused.status, refused.body.code]).toEqual([409, "slug_taken"]);
    expect((await send("/v1/auth/register", key, mended)).status).toBe(201);
  });

  test("the cookies of the first answer come with the second", async () => {
    const key = newKey();
    const json = registration();
    const headers = { "tenantry-tokens": "cookie", "tenantry-device-token": "cookie" };
    const first = await send("/v1/auth/register", key, json, { headers });
    const second = await send("/v1/auth/register", key, json, { headers });
    expect(first.headers.getSetCookie()).toHaveLength(2);
    expect(second.headers.getSetCookie()).toEqual(first.headers.getSetCookie());
    expect(second.body.refreshToken).toBeUndefined();
  });

  test("tokens are kept for ten minutes, encrypted, and by nobody's id", async () => {
    const key = newKey();
    const { body } = await send("/v1/auth/register", key, registration());
    const { rows } = await app.deps.pool.query(
      "SELECT user_id, tenant_id, response, extract(epoch FROM expires_at - now()) AS seconds FROM idempotency_keys WHERE key = $1",
      [key],
    );
    expect(rows).toMatchObject([{ user_id: null, tenant_id: null }]);
    expect(Number(rows[0].seconds)).toBeWithin(590, 601);
    expect(rows[0].response.includes(body.refreshToken)).toBe(false);
  });

  test("with a mail to answer first, one mail is sent, and completing it may be asked for again", async () => {
    const [key, completing] = [newKey(), newKey()];
    const json = registration();
    const first = await send("/v1/auth/register", key, json, { to: withMail });
    const second = await send("/v1/auth/register", key, json, { to: withMail });
    expect([first.status, second.status, second.body]).toEqual([202, 202, first.body]);
    const mail = await withMail.lastMailTo(json.email);
    const code = /^\d{6}$/m.exec(mail.text)?.[0];
    const proof = { challengeId: first.body.challengeId, code };
    const path = "/v1/auth/register/complete";
    const done = await send(path, completing, proof, { to: withMail });
    expect(done.status).toBe(201);
    expect((await send(path, completing, proof, { to: withMail })).body).toEqual(done.body);
  });
});

describe("logging in again from within a session", () => {
  const path = "/v1/auth/reauthenticate";
  const json = { password: PASSWORD };

  test("twice under one key answers the same new session, though the token's own has ended", async () => {
    const owner = await registerOwner(app);
    const key = newKey();
    const first = await send(path, key, json, { token: owner.accessToken });
    const second = await send(path, key, json, { token: owner.accessToken });
    expect([first.status, second.status, second.body]).toEqual([200, 200, first.body]);
    expect(await sessionsOf(owner)).toBe(1);
    const { refreshToken } = second.body;
    expect((await app.call("POST /v1/auth/refresh", { json: { refreshToken } })).status).toBe(200);
  });

  test("twice without a key is a log-in each time, and neither client is left without tokens", async () => {
    const owner = await registerOwner(app);
    for (const _ of ["first", "second"]) {
      const { status, body } = await app.as(owner, `POST ${path}`, json);
      expect(status).toBe(200);
      const { accessToken: token } = body;
      expect((await app.call("GET /v1/auth/me", { token })).status).toBe(200);
    }
  });

  test("the token of the session that gave way opens nothing else, takes no wrong password, and is over after a minute", async () => {
    const owner = await registerOwner(app);
    const token = owner.accessToken;
    await send(path, newKey(), json, { token });
    for (const route of ["GET /v1/auth/me", "GET /v1/users", "POST /v1/auth/logout"])
      expect([route, (await app.call(route, { token })).status]).toEqual([route, 401]);
    const wrong = await app.call(`POST ${path}`, { token, json: { password: `${PASSWORD}!` } });
    expect(wrong.status).toBe(422);
    await app.deps.pool.query(
      "UPDATE sessions SET revoked_at = revoked_at - interval '61 seconds' WHERE id IN (SELECT session_id FROM refresh_tokens WHERE token_hash = $1)",
      [hashToken(owner.refreshToken)],
    );
    expect((await app.call(`POST ${path}`, { token, json })).status).toBe(401);
  });

  test("nor does it take the token of a session that was ended in another way", async () => {
    const owner = await registerOwner(app);
    await app.as(owner, "POST /v1/auth/logout");
    expect((await app.as(owner, `POST ${path}`, json)).status).toBe(401);
  });
});

test("the second step of a log-in, which uses its code up, may be asked for again", async () => {
  stopClock();
  const owner = await registerOwner(app);
  const { secret } = await enrolTotp(app, owner);
  const login = { email: owner.email, password: PASSWORD };
  const { mfaToken } = (await app.call("POST /v1/auth/login", { json: login })).body;
  const json = { mfaToken, method: "totp", code: totpCode(secret, 1) };
  const key = newKey();
  const first = await send("/v1/auth/mfa/verify", key, json);
  const second = await send("/v1/auth/mfa/verify", key, json);
  expect([first.status, second.status, second.body]).toEqual([200, 200, first.body]);
  // Without the key the code is used up, as RFC 6238, section 5.2, has it.
  expect((await app.call("POST /v1/auth/mfa/verify", { json })).status).toBe(401);
});

test("what is shown once may be asked for again: recovery codes", async () => {
  const owner = await registerOwner(app);
  const { body } = await app.as(owner, "POST /v1/auth/me/totp");
  stopClock();
  const json = { code: totpCode(body.secret) };
  const key = newKey();
  const path = "/v1/auth/me/totp/confirm";
  const as = { token: owner.accessToken };
  const first = await send(path, key, json, as);
  expect(first.body.recoveryCodes).toHaveLength(10);
  expect((await send(path, key, json, as)).body).toEqual(first.body);
});

test("a changed password is changed once, and the second request hears so", async () => {
  const owner = await registerOwner(app);
  const json = { currentPassword: PASSWORD, newPassword: `${PASSWORD} two` };
  const as = { token: owner.accessToken };
  const key = newKey();
  for (const _ of ["first", "second"])
    expect((await send("/v1/auth/change-password", key, json, as)).status).toBe(204);
  expect((await logIn(app, owner.email, json.newPassword)).id).toBe(owner.id);
});
