/** What login, refresh and logout cost does not grow with the number of users: their statements read by index only. */
import { beforeAll, expect, test } from "bun:test";
import pg from "pg";
import { executing, type Statement } from "../../src/operations/performance/plan.ts";
import { PASSWORD, registerOwner, testApp } from "../support/app.ts";
import { statementsOf } from "../support/statements.ts";

const USERS = 100_000;
const SESSIONS_EACH = 3;
/** The refresh tokens of a user's first session: the last one is unused. */
const TOKENS_EACH = 3;

const app = testApp({ RATE_LIMITS: "database", TRUSTED_PROXY_HOPS: "1" });
let owner: Awaited<ReturnType<typeof registerOwner>>;
beforeAll(async () => {
  owner = await registerOwner(app);
  await fill();
}, 180_000);

/** Keys and triggers are not what is tested here. */
async function fill() {
  const client = new pg.Client({ connectionString: app.database.url });
  await client.connect();
  const id = (kind: number, n: string) =>
    `('00000000-0000-7000-800${kind}-' || lpad((${n})::text, 12, '0'))::uuid`;
  await client.query(`
    SET session_replication_role = replica;
    INSERT INTO tenants (id, slug, name)
      SELECT ${id(1, "n")}, 'tenant-' || n, 'Tenant' FROM generate_series(1, ${USERS / 10}) AS n;
    INSERT INTO accounts (id, email, password_hash)
      SELECT ${id(2, "n")}, 'user' || n || '@example.com', 'x' FROM generate_series(1, ${USERS}) AS n;
    INSERT INTO users (id, tenant_id, account_id, email)
      SELECT id, ${id(1, "n / 10 + 1")}, id, 'user' || n || '@example.com'
      FROM generate_series(1, ${USERS}) AS n, LATERAL (SELECT ${id(2, "n")} AS id) AS ids;
    INSERT INTO sessions (id, account_id, ip, device_name, amr, idle_expires_at, expires_at)
      SELECT ${id(3, "n")}, ${id(2, `n % ${USERS} + 1`)},
        '10.0.0.0'::inet + n, 'Firefox on Linux', '{pwd}', now() + interval '1 day', now() + interval '2 days'
      FROM generate_series(1, ${USERS * SESSIONS_EACH}) AS n;
    INSERT INTO session_users (session_id, user_id, tenant_id, ip)
      SELECT sessions.id, users.id, users.tenant_id, sessions.ip FROM sessions JOIN users USING (account_id)
      ON CONFLICT DO NOTHING;
    INSERT INTO refresh_tokens (id, session_id, token_hash, used_at, expires_at)
      SELECT ${id(4, "n")}, ${id(3, `n / ${TOKENS_EACH} + 1`)}, sha256(n::text::bytea),
        CASE WHEN n % ${TOKENS_EACH} > 0 THEN now() END, now() + interval '1 day'
      FROM generate_series(0, ${USERS * TOKENS_EACH - 1}) AS n;
    INSERT INTO rate_limits SELECT 'login:' || n, 1, n FROM generate_series(1, ${USERS}) AS n;
    ANALYZE tenants, accounts, users, sessions, session_users, refresh_tokens, rate_limits;`);
  await client.end();
}

/** What is sent about these tables while `act` runs, each statement once. */
async function sentDuring(act: () => Promise<unknown>): Promise<Statement[]> {
  const statements = (await statementsOf(act)).filter(({ text }) =>
    /\b(accounts|users|sessions|session_users|refresh_tokens|tenants|rate_limits)\b/.test(text),
  );
  return [...new Map(statements.map((statement) => [statement.text, statement])).values()];
}

type Plan = { "Node Type": string; "Relation Name"?: string; Plans?: Plan[] };

/** How PostgreSQL would run it: with the values known, and with the one plan for all values that it may keep. */
async function scansOf(
  { text, values }: Statement,
  mode: "force_custom_plan" | "force_generic_plan",
): Promise<string[]> {
  const client = new pg.Client({ connectionString: app.database.url });
  await client.connect();
  try {
    await client.query(`SET plan_cache_mode = ${mode}`);
    await client.query(`PREPARE statement AS ${text}`);
    const { rows } = await client.query(`EXPLAIN (FORMAT JSON, COSTS OFF) ${executing(values)}`);
    return scansIn(rows[0]["QUERY PLAN"][0].Plan);
  } finally {
    await client.end();
  }
}

function scansIn(plan: Plan): string[] {
  const below = (plan.Plans ?? []).flatMap(scansIn);
  const table = plan["Relation Name"];
  return table === undefined || plan["Node Type"] === "ModifyTable"
    ? below
    : [`${plan["Node Type"]} on ${table}`, ...below];
}

const headers = { "x-forwarded-for": "2001:db8::1", "tenantry-device": "Laptop" };
const login = () =>
  app.call("POST /v1/auth/login", { json: { email: owner.email, password: PASSWORD }, headers });
const acts: Record<string, () => Promise<{ status: number }>> = {
  login,
  "login that names the tenant": () =>
    app.call("POST /v1/auth/login", {
      json: { email: owner.email, password: PASSWORD, tenant: owner.slug },
    }),
  "refused login": () =>
    app.call("POST /v1/auth/login", { json: { email: owner.email, password: "wrong" }, headers }),
  "list of a user's sessions": () =>
    app.call(`GET /v1/users/${owner.id}/sessions`, { token: owner.accessToken }),
  "end of the other sessions": () =>
    app.call("DELETE /v1/auth/sessions", { token: owner.accessToken }),
  "refresh, and its retry": async () => {
    const json = { refreshToken: owner.refreshToken };
    expect((await app.call("POST /v1/auth/refresh", { json })).status).toBe(200);
    return app.call("POST /v1/auth/refresh", { json });
  },
  "list of sessions": () => app.call("GET /v1/auth/sessions", { token: owner.accessToken }),
  logout: () => app.call("POST /v1/auth/logout", { token: owner.accessToken }),
};

for (const [name, act] of Object.entries(acts)) {
  test(`${name}: of ${USERS} users and ${USERS * SESSIONS_EACH} sessions nothing is read but by index`, async () => {
    let status = 0;
    const statements = await sentDuring(async () => {
      ({ status } = await act());
    });
    expect(status).toBeOneOf(name === "refused login" ? [401] : [200, 204]);
    expect(statements.length).toBeGreaterThan(0);
    for (const statement of statements) {
      for (const mode of ["force_custom_plan", "force_generic_plan"] as const) {
        const scans = await scansOf(statement, mode);
        expect(
          // Roles and what they hold are a page each: PostgreSQL is right to read it whole.
          scans.filter((scan) => /^Seq Scan on (?!roles$|role_permissions$)/.test(scan)),
          `${mode}: ${statement.text}`,
        ).toEqual([]);
      }
    }
  });
}
