/** The usual way of a refresh against the one for every case: what the first answers and writes, the second does too. */
import { beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { CONTINUE, ROTATE } from "../../src/auth/refresh-sql.ts";
import { hashToken } from "../../src/crypto/secret.ts";
import { acrossTenants } from "../../src/db/scope.ts";
import { goTo, type TwoTenants, twoTenants } from "../sessions/joined.ts";
import { testApp } from "../support/app.ts";

const app = testApp();
let two: TwoTenants;
/** A token of a session that has spoken in both tenants, last in the second. */
let token: string;
beforeAll(async () => {
  two = await twoTenants(app);
  token = (await goTo(app, two.person.refreshToken, two.other.tenantId)).refreshToken;
});

const ID = (n: number) => `01990000-0000-7000-8000-00000000000${n}`;
const DAY = 86_400;

/** What may have happened to the session, its users and tenants before: each is done or left out. */
const EVENTS: [sql: string, values: () => unknown[]][] = [
  ["UPDATE sessions SET revoked_at = now(), revoked_reason = 'x' WHERE account_id = $1", account],
  ["UPDATE refresh_tokens SET used_at = now() WHERE token_hash = $1", () => [hashToken(token)]],
  [
    "UPDATE session_users SET revoked_at = now(), revoked_reason = 'x' WHERE user_id = $1",
    () => [two.there],
  ],
  ["UPDATE session_users SET last_used_at = now() WHERE user_id = $1", () => [two.person.id]],
  ["DELETE FROM session_users WHERE user_id = $1", () => [two.there]],
  ["UPDATE users SET status = 'disabled' WHERE id = $1", () => [two.there]],
  ["UPDATE users SET status = 'disabled' WHERE id = $1", () => [two.person.id]],
  ["UPDATE tenants SET status = 'suspended' WHERE id = $1", () => [two.other.tenantId]],
  ...["mfaRequired", "sessionMaxSeconds", "sessionIdleSeconds"].map(
    (name): (typeof EVENTS)[number] => [
      "UPDATE tenants SET settings = settings || $2::jsonb WHERE id = $1",
      () => [two.other.tenantId, JSON.stringify({ [name]: name === "mfaRequired" || 3600 })],
    ],
  ),
  [
    "UPDATE sessions SET created_at = created_at - interval '2 hours' WHERE account_id = $1",
    account,
  ],
  [
    "UPDATE session_users SET last_used_at = last_used_at - interval '2 hours' WHERE session_id IN (SELECT id FROM sessions WHERE account_id = $1)",
    account,
  ],
];

function account() {
  return [two.person.id];
}

const WRITTEN = `
  SELECT (SELECT json_agg(t ORDER BY t.id) FROM (SELECT id, session_id, token_hash, used_at = now() AS is_used FROM refresh_tokens) AS t) AS tokens,
    (SELECT json_agg(s) FROM (SELECT user_id, ip, last_used_at = now() AS is_last FROM session_users ORDER BY session_id, user_id) AS s) AS spoken,
    (SELECT json_agg(s) FROM (SELECT id, ip, user_agent, last_used_at = now() AS is_last, idle_expires_at - now() AS lasts FROM sessions
      WHERE last_used_at = now() ORDER BY id) AS s) AS sessions,
    (SELECT json_agg(a) FROM (SELECT id, tenant_id, actor_id, session_id, action, resource_type, resource_id, outcome, ip, user_agent, request_id
      FROM audit_log WHERE action = 'auth.refreshed' AND created_at = now() ORDER BY id) AS a) AS audited`;

/** What a statement answers and writes after the events; nothing of it stays. */
async function tried(statement: typeof ROTATE, events: typeof EVENTS, tenantId: string | null) {
  const client = await app.deps.pool.connect();
  try {
    await client.query("BEGIN");
    for (const [sql, values] of events) await client.query(sql, values());
    const values = [
      ...[hashToken(token), ID(1), hashToken("next"), 30 * DAY, "192.0.2.7", "a browser"],
      ...[ID(2), ID(3), tenantId, 90 * DAY],
    ];
    const { rows } = await client.query({ text: statement.text, values });
    const written = (await client.query(WRITTEN)).rows[0];
    return { answer: rows[0], written };
  } finally {
    await client.query("ROLLBACK");
    client.release();
  }
}

/** Both statements also answer what they need within. */
const ANSWERED = [
  ...["id", "tenantId", "email", "firstName", "status", "version", "sessionId", "amr"],
  ...["authenticatedAt", "mfaRequired", "isAnswered", "refreshSeconds"],
];
const pick = (row: Record<string, unknown>) =>
  Object.fromEntries(ANSWERED.map((name) => [name, row[name]]));

test("whatever has happened before, the usual way answers and writes what the other does, or leaves it alone", async () => {
  await acrossTenants(async () => {
    let continued = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.subarray(EVENTS, { maxLength: 3 }),
        fc.constantFrom(null, "home", "other"),
        async (events, named) => {
          const ids = { home: two.person.tenantId, other: two.other.tenantId };
          const tenantId = named === null ? null : ids[named];
          const usual = await tried(CONTINUE, events, tenantId);
          if (!usual.answer) return;
          continued += 1;
          const general = await tried(ROTATE, events, tenantId);
          expect(general.answer).toMatchObject({ isLive: true, lacks: null, isAnswered: true });
          expect(pick(usual.answer)).toEqual(pick(general.answer));
          expect(usual.written).toEqual(general.written);
        },
      ),
      { numRuns: 200, examples: [[[], null]] },
    );
    expect(continued).toBeGreaterThan(20);
  });
});
