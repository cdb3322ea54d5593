/** What the clean-up deletes, what it leaves, and by which index it finds it. */
import { beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import type pg from "pg";
import { CLEAN_UPS, cleanUp } from "../../src/clean-up.ts";
import { registerOwner, testApp } from "../support/app.ts";

const DAY = 24 * 3600 * 1000;

const app = testApp();
let owner: Awaited<ReturnType<typeof registerOwner>>;
beforeAll(async () => {
  owner = await registerOwner(app);
});

function query(sql: string, values: unknown[] = []): Promise<pg.QueryResult> {
  return app.deps.pool.query(sql, values);
}

function daysAgo(days: number): Date {
  return new Date(Date.now() - days * DAY);
}

type SessionTimes = { created: number; idle: number; expires: number; revoked?: number };

/** A session with one refresh token; all times in days ago. */
async function addSession(name: string, { created, idle, expires, revoked }: SessionTimes) {
  const id = Bun.randomUUIDv7("hex", daysAgo(created));
  await query(
    `INSERT INTO sessions (id, account_id, device_name, amr, created_at, idle_expires_at, expires_at, revoked_at, revoked_reason)
     VALUES ($1, $2, $3, '{pwd}', $4, $5, $6, $7, $8)`,
    [
      id,
      owner.id,
      name,
      daysAgo(created),
      daysAgo(idle),
      daysAgo(expires),
      revoked === undefined ? null : daysAgo(revoked),
      revoked === undefined ? null : "logout",
    ],
  );
  await query(
    `INSERT INTO refresh_tokens (id, session_id, token_hash, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5)`,
    [Bun.randomUUIDv7(), id, randomBytes(32), daysAgo(created), daysAgo(idle)],
  );
}

test("old sessions go with their tokens; what is in use, or ended lately, stays", async () => {
  const kept = {
    "in use": { created: 200, idle: -10, expires: -20 },
    "expired lately": { created: 200, idle: 89, expires: 89 },
    "revoked lately": { created: 200, idle: -10, expires: -20, revoked: 89 },
    "idle lately": { created: 200, idle: 89, expires: -20 },
  };
  const gone = {
    "expired long ago": { created: 200, idle: 91, expires: 91 },
    "revoked long ago": { created: 200, idle: -10, expires: -20, revoked: 91 },
    "idle long ago": { created: 200, idle: 91, expires: -20 },
  };
  for (const [name, times] of Object.entries({ ...kept, ...gone })) await addSession(name, times);
  await cleanUp(app.deps);
  const { rows } = await query(
    `SELECT s.device_name AS name, count(t.id)::int AS tokens
     FROM sessions s LEFT JOIN refresh_tokens t ON t.session_id = s.id
     WHERE s.device_name IS NOT NULL GROUP BY 1 ORDER BY 1`,
  );
  expect(rows).toEqual([
    { name: "expired lately", tokens: 0 },
    { name: "idle lately", tokens: 0 },
    { name: "in use", tokens: 1 },
    { name: "revoked lately", tokens: 1 },
  ]);
  const me = await app.call("GET /v1/auth/me", { token: owner.accessToken });
  expect(me.status).toBe(200);
});

test("one-time tokens go a day after they expire, counters when they expire", async () => {
  for (const [email, days] of Object.entries({ "old@example.com": 1.1, "new@example.com": 0.9 }))
    await query(
      `INSERT INTO one_time_tokens (id, purpose, user_id, tenant_id, email, token_hash, created_at, expires_at)
       VALUES ($1, 'reset_password', $2, $3, $4, $5, $6, $7)`,
      [
        Bun.randomUUIDv7(),
        owner.id,
        owner.tenantId,
        email,
        randomBytes(32),
        daysAgo(3),
        daysAgo(days),
      ],
    );
  await query(
    "INSERT INTO rate_limits (key, points, expire) VALUES ('past', 1, $1), ('future', 1, $2), ('never', 1, NULL)",
    [Date.now() - 1000, Date.now() + 60_000],
  );
  await cleanUp(app.deps);
  const tokens = await query("SELECT email FROM one_time_tokens WHERE purpose = 'reset_password'");
  expect(tokens.rows).toEqual([{ email: "new@example.com" }]);
  const counters = await query("SELECT key FROM rate_limits ORDER BY key");
  expect(counters.rows).toEqual([{ key: "future" }, { key: "never" }]);
});

test("idempotency keys go when they expire", async () => {
  for (const [key, days] of Object.entries({ old: 0.1, new: -0.1 }))
    await query(
      `INSERT INTO idempotency_keys (id, tenant_id, user_id, route, key, request_hash, created_at, expires_at)
       VALUES ($1, $2, $3, 'POST /v1/users', $4, $5, $6, $7)`,
      [
        Bun.randomUUIDv7(),
        owner.tenantId,
        owner.id,
        key,
        randomBytes(32),
        daysAgo(2),
        daysAgo(days),
      ],
    );
  await cleanUp(app.deps);
  const { rows } = await query("SELECT key FROM idempotency_keys");
  expect(rows).toEqual([{ key: "new" }]);
});

test("more than one batch goes in one run, and rows that somebody holds are left for the next", async () => {
  await query(
    "INSERT INTO rate_limits (key, points, expire) SELECT 'k' || n, 1, 1 FROM generate_series(1, 2500) AS n",
  );
  const holder = await app.deps.pool.connect();
  await holder.query("BEGIN");
  await holder.query("SELECT FROM rate_limits WHERE key = 'k7' FOR UPDATE");
  await cleanUp(app.deps);
  await holder.query("COMMIT");
  holder.release();
  const left = await query("SELECT key FROM rate_limits WHERE key LIKE 'k%'");
  expect(left.rows).toEqual([{ key: "k7" }]);
});

test("no table whose rows come to an end is forgotten", async () => {
  const { rows } = await query(
    `SELECT DISTINCT table_name FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
     WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND column_name ~ '(^|_)expires?(_at)?$' ORDER BY 1`,
  );
  const statements = Object.values(CLEAN_UPS)
    .map(({ remove }) => remove)
    .join();
  const forgotten = rows
    .map(({ table_name }) => table_name)
    .filter((table) => !statements.includes(`DELETE FROM ${table} `));
  // The key of a machine stays in its list when it has expired.
  expect(forgotten).toEqual(["api_keys"]);
});

test("each deletion finds its rows by an index", async () => {
  await query(`
    SET session_replication_role = replica;
    INSERT INTO sessions (id, account_id, amr, idle_expires_at, expires_at, revoked_at, revoked_reason)
      SELECT uuidv7(), '${owner.id}', '{pwd}', now() + interval '1 day', now() + interval '2 days',
        CASE WHEN n % 3 = 0 THEN now() END, CASE WHEN n % 3 = 0 THEN 'logout' END
      FROM generate_series(1, 20000) AS n;
    INSERT INTO refresh_tokens (id, session_id, token_hash, expires_at)
      SELECT uuidv7(), s.id, sha256(s.id::text::bytea), now() + interval '1 day' FROM sessions s
      WHERE NOT EXISTS (SELECT FROM refresh_tokens t WHERE t.session_id = s.id);
    INSERT INTO one_time_tokens (id, purpose, user_id, tenant_id, token_hash, expires_at)
      SELECT uuidv7(), 'mfa', '${owner.id}', '${owner.tenantId}', sha256(n::text::bytea), now() + interval '1 day'
      FROM generate_series(1, 20000) AS n;
    INSERT INTO rate_limits (key, points, expire)
      SELECT 'p' || n, 1, (extract(epoch FROM now()) * 1000)::bigint + 60000 FROM generate_series(1, 20000) AS n;
    INSERT INTO idempotency_keys (id, user_id, route, key, request_hash, expires_at)
      SELECT uuidv7(), '${owner.id}', 'POST /v1/users', n::text, sha256(n::text::bytea), now() + interval '1 day'
      FROM generate_series(1, 20000) AS n;
    INSERT INTO invitations (id, tenant_id, email, role_ids, token_hash, expires_at)
      SELECT uuidv7(), '${owner.tenantId}', 'a' || n || '@a.example', ARRAY[uuidv7()], sha256(n::text::bytea), now() + interval '1 day'
      FROM generate_series(1, 20000) AS n;
    SET session_replication_role = origin;
    ANALYZE invitations, idempotency_keys, sessions, refresh_tokens, one_time_tokens, rate_limits`);
  for (const [name, { remove }] of Object.entries(CLEAN_UPS)) {
    const { rows } = await query(`EXPLAIN (COSTS OFF) ${remove.replace("$1", "1000")}`);
    const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
    expect([name, plan]).toEqual([name, expect.not.stringContaining("Seq Scan")]);
    expect([name, plan]).toEqual([name, expect.stringContaining("Index")]);
  }
});
