/** What is seeded past triggers and keys is what they would have let in, and the application takes it for its own. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { createTestApp, PASSWORD, type TestApp } from "../support/app.ts";
import { withClient } from "./database.ts";
import {
  addressOf,
  emailOf,
  idOf,
  type Layout,
  layoutOf,
  refreshTokenOf,
  scattered,
  sessionOfLater,
  tenantOf,
  userOfSession,
} from "./layout.ts";
import { REFRESH } from "./peers/bare-sql.ts";
import { addTenants, seed, seedSessions } from "./seed.ts";
import { createMint, ISSUER, type Mint } from "./tokens.ts";

const SIZES = { users: 997, tenants: 12, auditRows: 3000, sessions: 60 };
const INDEXES =
  "SELECT count(*)::int AS count FROM pg_indexes WHERE schemaname IN ('public', 'audit') AND tablename !~ '_\\d{4}_\\d\\d$'";

let app: TestApp;
let layout: Layout;
let mint: Mint;
let indexes: Record<string, unknown>[];
beforeAll(async () => {
  const secretKey = randomBytes(32).toString("base64");
  app = await createTestApp({ SECRET_KEY: secretKey, ISSUER });
  layout = layoutOf(SIZES);
  indexes = await rowsOf(INDEXES);
  const hash = await app.served.passwords.hash(PASSWORD);
  await withClient(app.database.url, async (client) => {
    await seed(client, layout, hash);
    await addTenants(client, [{ ...layout.later, size: 5 }], hash);
    await seedSessions(client, new Map([[sessionOfLater(layout), layout.later.first]]));
  });
  mint = await createMint(app.database.url, secretKey, layout);
});
afterAll(() => app.close());

async function rowsOf(sql: string): Promise<Record<string, unknown>[]> {
  return (await app.deps.pool.query(sql)).rows;
}

describe("the layout", () => {
  test("has every user in one tenant, a fifth of them in the first", () => {
    const { tenants, users } = layoutOf({ ...SIZES, users: 100_000, tenants: 100 });
    expect(tenants.map(({ size }) => size).slice(0, 2)).toEqual([20_000, 5000]);
    expect(tenants.reduce((sum, { size }) => sum + size, 0)).toBe(users);
    for (const [at, { first, size }] of tenants.entries())
      expect(tenants[at + 1]?.first ?? users + 1).toBe(first + size);
  });

  test("scatters everybody, nobody twice", () => {
    const people = Array.from({ length: layout.users }, (_, n) => scattered(layout, n));
    expect(new Set(people).size).toBe(layout.users);
    expect([Math.min(...people), Math.max(...people)]).toEqual([1, layout.users]);
  });

  test("knows the tenant of everybody, from its first user to its last", () => {
    for (const { number, first, size } of [...layout.tenants, layout.later])
      expect([tenantOf(layout, first), tenantOf(layout, first + size - 1)]).toEqual([
        number,
        number,
      ]);
  });

  test("knows the owner's session of each tenant, and of the one that is added later", () => {
    for (const { number, first } of layout.tenants)
      expect(tenantOf(layout, userOfSession(layout, number))).toBe(tenantOf(layout, first));
    expect(tenantOf(layout, userOfSession(layout, sessionOfLater(layout)))).toBe(13);
  });
});

describe("the database", () => {
  test("has as many rows as were asked for", async () => {
    const [counts] =
      await rowsOf(`SELECT (SELECT count(*)::int FROM tenants) AS tenants, (SELECT count(*)::int FROM users) AS users,
      (SELECT count(*)::int FROM audit_log) AS audit, (SELECT count(*)::int FROM audit_seals) AS seals,
      (SELECT count(*)::int FROM audit.audit_log_default) AS strays, (SELECT count(*)::int FROM sessions) AS sessions`);
    expect(counts).toEqual({
      ...{ tenants: 13, users: 1002, audit: 3000, seals: 3000, strays: 0, sessions: 61 },
    });
  });

  test("has all its indexes again, those of the partitions too", async () => {
    expect(await rowsOf(INDEXES)).toEqual(indexes);
    const each =
      await rowsOf(`SELECT DISTINCT (SELECT count(*)::int FROM pg_index WHERE indrelid = inhrelid) AS count
      FROM pg_inherits WHERE inhparent = 'audit_log'::regclass`);
    expect(each).toEqual([{ count: Number(each[0]?.count) }]);
    expect(Number(each[0]?.count)).toBeGreaterThan(5);
  });

  test("holds every foreign key", async () => {
    const keys = await rowsOf(`
      SELECT conrelid::regclass::text AS child, confrelid::regclass::text AS parent,
        (SELECT string_agg(format('child.%I = parent.%I', c.attname, p.attname), ' AND ')
         FROM unnest(conkey, confkey) AS k (c, p)
           JOIN pg_attribute AS c ON c.attrelid = conrelid AND c.attnum = k.c
           JOIN pg_attribute AS p ON p.attrelid = confrelid AND p.attnum = k.p) AS same,
        (SELECT string_agg(format('child.%I IS NOT NULL', attname), ' AND ') FROM pg_attribute
         WHERE attrelid = conrelid AND attnum = ANY (conkey)) AS whole
      FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace`);
    expect(keys.length).toBeGreaterThan(20);
    for (const { child, parent, same, whole } of keys)
      expect(
        await rowsOf(`SELECT '${child}' AS orphan FROM ${child} AS child WHERE ${whole}
          AND NOT EXISTS (SELECT FROM ${parent} AS parent WHERE ${same}) LIMIT 1`),
      ).toEqual([]);
  });

  test("has in each row what the triggers would have written", async () => {
    const written = `lower(unaccent(concat_ws(' ', email, first_name, last_name)))`;
    expect(await rowsOf(`SELECT id FROM users WHERE search_text <> ${written}`)).toEqual([]);
    const found = "user_search.user_id = users.id AND text = ' ' || search_text";
    expect(
      await rowsOf(
        `SELECT id FROM users WHERE kind = 'person' AND NOT EXISTS (SELECT FROM user_search WHERE ${found})`,
      ),
    ).toEqual([]);
    const copied = "users.email <> accounts.email OR users.email_verified_at IS NULL";
    expect(
      await rowsOf(
        `SELECT users.id FROM users JOIN accounts ON accounts.id = account_id WHERE ${copied}`,
      ),
    ).toEqual([]);
  });
});

describe("the application", () => {
  test("lets a seeded person log in", async () => {
    const user = scattered(layout, 500);
    const { status, body } = await app.call("POST /v1/auth/login", {
      json: { email: emailOf(user), password: PASSWORD },
      headers: { "x-forwarded-for": addressOf(user) },
    });
    expect(status).toBe(200);
    expect(body.user.id).toBe(idOf("user", user));
  });

  test("exchanges a seeded refresh token", async () => {
    const refreshToken = refreshTokenOf(40);
    const { status, body } = await app.call("POST /v1/auth/refresh", { json: { refreshToken } });
    expect(status).toBe(200);
    expect(body.user.id).toBe(idOf("user", userOfSession(layout, 40)));
  });

  test("writes with a refresh what the bare statement writes", async () => {
    const [ours, bare] = [41, 42];
    const json = { refreshToken: refreshTokenOf(ours) };
    await app.call("POST /v1/auth/refresh", { json });
    const [spent, next] = [refreshTokenOf(bare), "next"].map((token) =>
      createHash("sha256").update(token).digest(),
    );
    const [tokenId, auditId] = [Bun.randomUUIDv7(), Bun.randomUUIDv7()];
    const values = [spent, tokenId, next, auditId, "10.0.0.1", "bench", "request"];
    expect((await app.deps.pool.query({ ...REFRESH, values })).rowCount).toBe(1);
    const written = async (session: number) => {
      const id = idOf("session", session);
      return rowsOf(`SELECT
        (SELECT array_agg(used_at IS NULL ORDER BY used_at) FROM refresh_tokens WHERE session_id = '${id}') AS tokens,
        (SELECT last_used_at > created_at FROM sessions WHERE id = '${id}') AS prolonged,
        (SELECT last_used_at > created_at FROM session_users WHERE session_id = '${id}') AS spoken,
        (SELECT array_agg(action) FROM audit_log WHERE session_id = '${id}') AS audited`);
    };
    expect(await written(bare)).toEqual(await written(ours));
    expect(await written(ours)).toEqual([
      { tokens: [false, true], prolonged: true, spoken: true, audited: ["auth.refreshed"] },
    ]);
  });

  test("takes a token that was made here for its own, of an owner and of a member", async () => {
    const me = async (session: number) =>
      (await app.call("GET /v1/auth/me", { token: await mint(session) })).body;
    expect(await me(1)).toMatchObject({ roles: ["owner"], tenant: { slug: "tenant-1" } });
    expect(await me(20)).toMatchObject({
      roles: ["member"],
      user: { id: idOf("user", userOfSession(layout, 20)) },
    });
    expect(await me(sessionOfLater(layout))).toMatchObject({ tenant: { slug: "tenant-13" } });
  });

  test("has nothing to seal: no background work would run beside the load", async () => {
    const [unsealed] =
      await rowsOf(`SELECT count(*)::int AS count FROM audit_log AS l WHERE resource_id::text LIKE '%-8004-%'
      AND NOT EXISTS (SELECT FROM audit_seals AS s WHERE s.audit_id = l.id AND s.created_at = l.created_at) AND l.created_at < now() - interval '1 hour'`);
    expect(unsealed).toEqual({ count: 0 });
  });
});
