/** A log-in in one packet waits for whoever holds its account, user or tenant, and goes by what that leaves. */
import { describe, expect, test } from "bun:test";
import { newId } from "../../src/db/id.ts";
import { type Account, PASSWORD, registerOwner, testApp } from "../support/app.ts";

const app = testApp({ TRUSTED_PROXY_HOPS: "1", SESSION_LIMIT: "30", DATABASE_POOL_SIZE: "8" });
const HERE = {
  "x-forwarded-for": "192.0.2.7",
  "user-agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0",
};
type Owner = Account & { tenantId: string };

const logIn = ({ email }: Account, password = PASSWORD) =>
  app.call("POST /v1/auth/login", { json: { email, password }, headers: HERE });

/** Someone who has been here before: their next log-in is one of the plain ones. */
async function familiar(): Promise<Owner> {
  const owner = await registerOwner(app);
  expect((await logIn(owner)).status).toBe(200);
  return owner;
}

async function waits(): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    const { rows } = await app.deps.pool.query(
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    if (rows.length > 0) return;
    await Bun.sleep(20);
  }
  throw new Error("nobody waits");
}

async function liveSessions({ id }: Account): Promise<number> {
  const { rows } = await app.deps.pool.query(
    "SELECT count(*)::int AS count FROM sessions WHERE account_id = $1 AND revoked_at IS NULL",
    [id],
  );
  return rows[0].count;
}

/** What is done in a transaction for which the log-in has to wait, and what becomes of it then. */
const CHANGES: Record<string, { sql: [string, (owner: Owner) => unknown[]][]; status: number }> = {
  "the password is another one": {
    sql: [["UPDATE accounts SET password_hash = 'x' WHERE id = $1", ({ id }) => [id]]],
    status: 401,
  },
  "the account is locked out": {
    sql: [["UPDATE accounts SET login_attempts = 1000 WHERE id = $1", ({ id }) => [id]]],
    status: 401,
  },
  "the user is disabled": {
    sql: [["UPDATE users SET status = 'disabled' WHERE id = $1", ({ id }) => [id]]],
    status: 401,
  },
  "the user is deleted": {
    sql: [
      ["UPDATE users SET is_deleted = true, deleted_at = now() WHERE id = $1", ({ id }) => [id]],
    ],
    status: 401,
  },
  "the account is deleted": {
    sql: [
      ["UPDATE accounts SET is_deleted = true, deleted_at = now() WHERE id = $1", ({ id }) => [id]],
    ],
    status: 401,
  },
  "the tenant is suspended": {
    sql: [["UPDATE tenants SET status = 'suspended' WHERE id = $1", ({ tenantId }) => [tenantId]]],
    status: 401,
  },
  "a second factor is there": {
    sql: [
      ["SELECT FROM accounts WHERE id = $1 FOR UPDATE", ({ id }) => [id]],
      [
        "INSERT INTO totp_factors (id, account_id, secret, confirmed_at) VALUES ($2, $1, 'x', now())",
        ({ id }) => [id, newId()],
      ],
    ],
    status: 200,
  },
};

describe("while a log-in waits", () => {
  for (const [what, { sql, status }] of Object.entries(CHANGES))
    for (const isCommitted of [true, false])
      test(`${what}, and ${isCommitted ? "stays so" : "is taken back"}`, async () => {
        const owner = await familiar();
        const before = await liveSessions(owner);
        const client = await app.deps.pool.connect();
        await client.query("BEGIN");
        for (const [text, values] of sql) await client.query(text, values(owner));
        const answering = logIn(owner);
        await waits();
        await client.query(isCommitted ? "COMMIT" : "ROLLBACK");
        client.release();
        const answer = await answering;
        expect(answer.status).toBe(isCommitted ? status : 200);
        const begins = "accessToken" in answer.body;
        expect(begins).toBe(!isCommitted);
        if (what.startsWith("a second factor") && isCommitted)
          expect(answer.body).toMatchObject({ mfaToken: expect.any(String) });
        expect(await liveSessions(owner)).toBe(before + (begins ? 1 : 0));
      });
});

test("fifty at once, right and wrong: each right one is a session and an entry, each wrong one a failure", async () => {
  const owner = await familiar();
  const before = await liveSessions(owner);
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) => logIn(owner, n % 2 ? "wrong" : PASSWORD)),
  );
  const right = answers.filter(({ status }) => status === 200).length;
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 401]));
  const { rows } = await app.deps.pool.query(
    `SELECT count(*) FILTER (WHERE action = 'auth.logged_in')::int AS began, count(*) FILTER (WHERE action = 'auth.login_failed')::int AS failed,
      (SELECT count(*)::int FROM sessions WHERE account_id = $1) AS sessions
     FROM audit_log WHERE tenant_id = $2 AND (actor_id = $1 OR details ? 'reason')`,
    [owner.id, owner.tenantId],
  );
  // The first of them was that of `familiar`; the session before it came with the tenant.
  expect(rows).toEqual([{ began: right + 1, failed: 50 - right, sessions: before + right }]);
});
