import { beforeAll, describe, expect, test } from "bun:test";
import {
  type Account,
  createMember,
  createSuperAdmin,
  PASSWORD,
  registerOwner,
  testApp,
} from "../../support/app.ts";
import { enrolTotp, stopClock, totpCode } from "../../support/factors.ts";
import { replaceAddress } from "../mails/mails.ts";

const app = testApp();
beforeAll(() => stopClock());

type Enrolled = Account & { secret: string };

async function enrolled(): Promise<Enrolled> {
  const member = await createMember(app, await registerOwner(app));
  return { ...member, ...(await enrolTotp(app, member)) };
}

async function firstStep({ email }: Account): Promise<string> {
  return (await app.call("POST /v1/auth/login", { json: { email, password: PASSWORD } })).body
    .mfaToken;
}

function verify(mfaToken: string, code: string) {
  return app.call("POST /v1/auth/mfa/verify", { json: { mfaToken, method: "totp", code } });
}

describe("between the two steps", () => {
  const DISTURBANCES: Record<string, (owner: Enrolled, root: Account) => Promise<unknown>> = {
    "the password is changed": (owner) =>
      app.call("POST /v1/auth/change-password", {
        token: owner.accessToken,
        json: { currentPassword: PASSWORD, newPassword: `${PASSWORD} of another kind` },
      }),
    "the user is disabled": (owner, root) =>
      app.call(`PATCH /v1/users/${owner.id}`, {
        token: root.accessToken,
        json: { status: "disabled" },
      }),
    "the user is deleted": (owner, root) =>
      app.call(`DELETE /v1/users/${owner.id}`, { token: root.accessToken }),
    "the address is changed": (owner, root) =>
      replaceAddress(app, root, owner, `new-${owner.email}`),
    "the tenant is suspended": (owner, root) =>
      app.call(`POST /v1/tenants/${owner.tenantId}/suspend`, { token: root.accessToken }),
    "the time runs out": ({ id }) =>
      app.deps.pool.query(
        "UPDATE one_time_tokens SET created_at = now() - interval '6 minutes', expires_at = now() - interval '1 second' WHERE user_id = $1",
        [id],
      ),
  };
  for (const [name, disturb] of Object.entries(DISTURBANCES)) {
    test(`${name}: the right code begins no session`, async () => {
      const root = await createSuperAdmin(app);
      const user = await enrolled();
      const mfaToken = await firstStep(user);
      const before = await app.deps.db.session.count({ where: { accountId: user.id } });
      const done = await disturb(user, root);
      if (done && typeof done === "object" && "status" in done)
        expect(done.status).toBeOneOf([200, 204]);
      const { status, body } = await verify(mfaToken, totpCode(user.secret));
      expect({ status, code: body.code }).toEqual({ status: 401, code: "invalid_mfa_token" });
      expect(await app.deps.db.session.count({ where: { accountId: user.id } })).toBe(before);
    });
  }

  test("the account is locked: the right code is answered as a wrong one", async () => {
    const owner = await enrolled();
    const mfaToken = await firstStep(owner);
    await app.deps.pool.query(
      "UPDATE accounts SET login_attempts = 60, locked_until = now() + interval '1 minute' WHERE id = $1",
      [owner.id],
    );
    const { status, body } = await verify(mfaToken, totpCode(owner.secret));
    expect({ status, code: body.code }).toEqual({ status: 401, code: "invalid_second_factor" });
    // The code was not looked at, so it is good once the lock is over.
    await app.deps.pool.query("UPDATE accounts SET locked_until = NULL WHERE id = $1", [owner.id]);
    expect((await verify(mfaToken, totpCode(owner.secret))).status).toBe(200);
  });

  test("a password that is found weak and hashed anew voids nothing of its own log-in", async () => {
    const owner = await enrolled();
    const weak = await Bun.password.hash(PASSWORD, {
      algorithm: "argon2id",
      memoryCost: 8,
      timeCost: 1,
    });
    await app.deps.db.account.update({ where: { id: owner.id }, data: { passwordHash: weak } });
    const mfaToken = await firstStep(owner);
    expect((await verify(mfaToken, totpCode(owner.secret))).status).toBe(200);
  });

  test("the user is disabled while the code is under way: it waits for that, and fails", async () => {
    const user = await enrolled();
    const mfaToken = await firstStep(user);
    const client = await app.deps.pool.connect();
    await client.query("BEGIN");
    await client.query("UPDATE users SET status = 'disabled' WHERE id = $1", [user.id]);
    const pending = verify(mfaToken, totpCode(user.secret));
    await lockAwaited();
    await client.query("COMMIT");
    client.release();
    expect((await pending).body.code).toBe("invalid_mfa_token");
  });
});

/** Until somebody waits for a lock. */
async function lockAwaited(): Promise<void> {
  for (;;) {
    const { rowCount } = await app.deps.pool.query(
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    if (rowCount) return;
    await Bun.sleep(5);
  }
}
