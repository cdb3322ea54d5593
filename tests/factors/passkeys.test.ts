import { describe, expect, test } from "bun:test";
import { type Account, createMember, logIn, registerOwner, testApp } from "../support/app.ts";
import { enrolPasskey, enrolTotp } from "../support/factors.ts";

const app = testApp();

function rename({ accessToken: token }: Account, id: string, name: unknown = "Phone") {
  return app.call(`PATCH /v1/auth/me/passkeys/${id}`, { token, json: { name } });
}

function remove({ accessToken: token }: Account, id: string) {
  return app.call(`DELETE /v1/auth/me/passkeys/${id}`, { token });
}

async function factorsOf({ accessToken: token }: Account) {
  return (await app.call("GET /v1/auth/me/factors", { token })).body;
}

test("a passkey is renamed, and the change is audited", async () => {
  const owner = await registerOwner(app);
  const { id } = await enrolPasskey(app, owner);
  const { status, body } = await rename(owner, id);
  expect({ status, name: body.name }).toEqual({ status: 200, name: "Phone" });
  expect((await factorsOf(owner)).passkeys).toEqual([body]);
  for (const name of ["", " ", "x".repeat(121), "a\u0007b", 1])
    expect((await rename(owner, id, name)).status).toBe(422);
  expect(
    await app.deps.db.auditLog.count({
      where: { resourceId: owner.id, action: "factor.renamed" },
    }),
  ).toBe(1);
});

test("R24: any passkey can be removed; with the last factor the recovery codes go", async () => {
  const owner = await registerOwner(app);
  const [first, second] = [await enrolPasskey(app, owner), await enrolPasskey(app, owner)];
  await app.call("POST /v1/auth/me/recovery-codes", { token: owner.accessToken });
  expect((await remove(owner, first.id)).status).toBe(204);
  expect(await factorsOf(owner)).toMatchObject({
    passkeys: [{ id: second.id }],
    recoveryCodesLeft: 10,
  });
  expect((await remove(owner, second.id)).status).toBe(204);
  expect(await factorsOf(owner)).toMatchObject({ passkeys: [], recoveryCodesLeft: 0 });
  expect((await logIn(app, owner.email)).accessToken).toBeString();
});

test("the recovery codes stay while an authenticator app does", async () => {
  const owner = await registerOwner(app);
  const { id } = await enrolPasskey(app, owner);
  await enrolTotp(app, owner);
  expect((await remove(owner, id)).status).toBe(204);
  expect(await factorsOf(owner)).toMatchObject({
    totp: { createdAt: expect.any(String) },
    recoveryCodesLeft: 10,
  });
});

describe("R59: somebody else's passkey", () => {
  test("is the same 404 as an absent one, and stays", async () => {
    const owner = await registerOwner(app);
    const colleague = await createMember(app, owner);
    const stranger = await registerOwner(app);
    const { id } = await enrolPasskey(app, colleague);
    const problems: string[] = [];
    for (const [account, which] of [
      [owner, id],
      [stranger, id],
      [owner, crypto.randomUUID()],
      [owner, "x"],
    ] as const) {
      for (const call of [rename, remove]) {
        const { status, body } = await call(account, which);
        expect(status).toBe(404);
        problems.push(body.detail);
      }
    }
    expect(new Set(problems).size).toBe(1);
    expect((await factorsOf(colleague)).passkeys).toMatchObject([{ id, name: "Laptop" }]);
  });
});

test("a change by a session that was ended while it was under way does not happen", async () => {
  const owner = await registerOwner(app);
  const { id } = await enrolPasskey(app, owner);
  const { pool, db } = app.deps;
  const client = await pool.connect();
  await client.query("BEGIN");
  // As a password reset does: the account is locked, the sessions end, and only then it commits.
  await client.query("SELECT FROM accounts WHERE id = $1 FOR UPDATE", [owner.id]);
  const pending = remove(owner, id);
  await waiting();
  await client.query(
    "UPDATE sessions SET revoked_at = now(), revoked_reason = 'password_reset' WHERE account_id = $1",
    [owner.id],
  );
  await client.query("COMMIT");
  client.release();
  const { status, body } = await pending;
  expect({ status, code: body.code }).toEqual({ status: 401, code: "invalid_token" });
  expect(await db.passkey.count({ where: { accountId: owner.id } })).toBe(1);
});

/** Until somebody waits for a lock. */
async function waiting(): Promise<void> {
  for (;;) {
    const { rowCount } = await app.deps.pool.query(
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    if (rowCount) return;
    await Bun.sleep(5);
  }
}

test.each([
  "GET /v1/auth/me/factors",
  "POST /v1/auth/me/totp",
  "POST /v1/auth/me/totp/confirm",
  "DELETE /v1/auth/me/totp",
  "POST /v1/auth/me/recovery-codes",
  "POST /v1/auth/me/passkeys/options",
  "POST /v1/auth/me/passkeys",
  "PATCH /v1/auth/me/passkeys/x",
  "DELETE /v1/auth/me/passkeys/x",
  "POST /v1/auth/reauthenticate",
  "POST /v1/auth/reauthenticate/passkey-options",
  "DELETE /v1/users/x/factors",
])("%s needs an access token", async (route) => {
  const { status, body } = await app.call(route, { json: {} });
  expect({ status, code: body.code }).toEqual({ status: 401, code: "not_authenticated" });
});
