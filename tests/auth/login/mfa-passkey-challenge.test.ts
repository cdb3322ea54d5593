import { describe, expect, test } from "bun:test";
import {
  type Account,
  createMember,
  createSuperAdmin,
  PASSWORD,
  registerOwner,
  testApp,
} from "../../support/app.ts";
import { type Authenticator, createAuthenticator, FLAGS } from "../../support/authenticator.ts";
import { enrolPasskey } from "../../support/factors.ts";

const app = testApp({ DATABASE_POOL_SIZE: "20" });

async function options() {
  return (await app.call("POST /v1/auth/passkey/options")).body;
}

function send(response: unknown) {
  return app.call("POST /v1/auth/passkey/login", { json: { response } });
}

async function logIn(authenticator: Authenticator) {
  return send(authenticator.assert(await options()));
}

async function holder() {
  const owner = await registerOwner(app);
  const { id, authenticator } = await enrolPasskey(app, owner, createAuthenticator());
  return { ...owner, authenticator, passkeyId: id };
}

async function reasonsOf({ id }: Account) {
  const rows = await app.deps.db.auditLog.findMany({
    where: { resourceId: id, action: "auth.login_failed" },
    select: { details: true },
  });
  return rows.map(({ details }) => details as Record<string, unknown>);
}

describe("R27: a challenge", () => {
  test("logs in once, of twenty who show one answer at once", async () => {
    const owner = await holder();
    const response = owner.authenticator.assert(await options());
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(response)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect((await send(response)).status).toBe(401);
  });

  test("is spent by a refused answer", async () => {
    const owner = await holder();
    const given = await options();
    expect((await send(owner.authenticator.assert(given, { clear: FLAGS.UV }))).status).toBe(401);
    expect((await send(owner.authenticator.assert(given))).status).toBe(401);
  });

  test("expires", async () => {
    const owner = await holder();
    const given = await options();
    await app.deps.pool.query(
      "UPDATE one_time_tokens SET created_at = now() - interval '6 minutes', expires_at = now() - interval '1 second' WHERE purpose = 'passkey_login' AND used_at IS NULL",
    );
    expect((await send(owner.authenticator.assert(given))).status).toBe(401);
  });

  test("of a registration, a second step or a step-up is none for a log-in", async () => {
    const owner = await holder();
    const { accessToken: token } = owner;
    const json = { email: owner.email, password: PASSWORD };
    const { mfaToken } = (await app.call("POST /v1/auth/login", { json })).body;
    for (const given of [
      await app.call("POST /v1/auth/me/passkeys/options", { token }),
      await app.call("POST /v1/auth/reauthenticate/passkey-options", { token }),
      await app.call("POST /v1/auth/mfa/passkey-options", { json: { mfaToken } }),
    ]) {
      expect(given.status).toBe(200);
      expect((await send(owner.authenticator.assert(given.body))).status).toBe(401);
    }
  });
});

describe("a passkey opens no account that is closed", () => {
  const CLOSE: Record<string, (user: Account, root: Account) => Promise<{ status: number }>> = {
    "a disabled user's": (user, root) =>
      app.call(`PATCH /v1/users/${user.id}`, {
        token: root.accessToken,
        json: { status: "disabled" },
      }),
    "a deleted user's": (user, root) =>
      app.call(`DELETE /v1/users/${user.id}`, { token: root.accessToken }),
    "one in a suspended tenant": (user, root) =>
      app.call(`POST /v1/tenants/${user.tenantId}/suspend`, { token: root.accessToken }),
  };
  for (const [name, close] of Object.entries(CLOSE)) {
    test(name, async () => {
      const root = await createSuperAdmin(app);
      const member = await createMember(app, await registerOwner(app));
      const { authenticator } = await enrolPasskey(app, member);
      expect((await logIn(authenticator)).status).toBe(200);
      expect((await close(member, root)).status).toBeOneOf([200, 204]);
      const { status, body } = await logIn(authenticator);
      expect({ status, code: body.code }).toEqual({ status: 401, code: "invalid_passkey" });
      expect(await reasonsOf(member)).toEqual([{ method: "passkey", reason: "not_active" }]);
    });
  }

  test("but one that strangers have locked by guessing passwords", async () => {
    const owner = await holder();
    await app.deps.pool.query(
      "UPDATE accounts SET login_attempts = 60, locked_until = now() + interval '1 minute' WHERE id = $1",
      [owner.id],
    );
    expect((await logIn(owner.authenticator)).status).toBe(200);
  });

  test("nor does one that was removed", async () => {
    const owner = await holder();
    await app.call(`DELETE /v1/auth/me/passkeys/${owner.passkeyId}`, { token: owner.accessToken });
    expect((await logIn(owner.authenticator)).status).toBe(401);
  });
});
