/**
 * Two hundred clients of two tenants at two instances for a minute; afterwards the database is read. It takes its time,
 * so it is not among the tests that run everywhere: bun test ./tests/isolation/hammer.ts (HAMMER_SECONDS=10 for less).
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import pg from "pg";
import { type Server, startServer } from "../server/start.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { makePeople, type Person, type Tenant, workAsPerson } from "./shared-people.ts";

const SECONDS = Number(process.env.HAMMER_SECONDS ?? 60);
const CLIENTS = 200;
/** How many of them are people with one account in both tenants. */
const SHARED = 40;
const PASSWORD = "correct horse battery staple";
const SEARCH = "GET /v1/users?search";

setDefaultTimeout((SECONDS + 120) * 1000);

type Answer = { status: number; body: Record<string, unknown> };

/** What the clients were told, to be held against the database. */
const created = new Map<string, string>();
const changed = new Map<string, number>();
const deleted = new Set<string>();
const leaks: string[] = [];
const statuses = new Map<string, number>();

let database: TestDatabase;
let servers: Server[] = [];
let tenants: [Tenant, Tenant];
let people: Person[];
let client: pg.Client;

beforeAll(async () => {
  database = await createDatabase();
  const env = {
    DATABASE_URL: database.appUrl,
    SECRET_KEY: randomBytes(32).toString("base64"),
    ISSUER: "http://localhost:3000",
    RATE_LIMITS: "off",
    LOG_LEVEL: "info",
    SESSION_LIMIT: "0",
    PASSWORD_HASH_QUEUE: "1000",
  };
  servers = await Promise.all([startServer(env), startServer(env)]);
  tenants = [await register("alpha"), await register("beta")];
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  people = await makePeople(client, tenants, SHARED);
});
afterAll(async () => {
  await client?.end();
  for (const server of servers) await server.stop();
  await database.drop();
});

async function call(method: string, path: string, token?: string, json?: unknown): Promise<Answer> {
  const server = servers[Math.random() < 0.5 ? 0 : 1];
  const answer = await fetch(`${server?.url}${path}`, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(json !== undefined && { "content-type": "application/json" }),
    },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  });
  const text = await answer.text();
  const body = text ? JSON.parse(text) : {};
  const what = path.replace(/[0-9a-f-]{36}/g, ":id").replace(/=[^&]*/g, "");
  const again = answer.headers.has("retry-after") ? ", try again" : "";
  const fault = answer.status >= 500 ? ` ${body.code}${again}` : "";
  const route = `${method} ${what} ${answer.status}${fault}`;
  statuses.set(route, (statuses.get(route) ?? 0) + 1);
  return { status: answer.status, body };
}

async function register(name: string): Promise<Tenant> {
  const domain = `${name}.example`;
  const json = { email: `owner@${domain}`, password: PASSWORD, tenant: { name, slug: name } };
  const { body } = await call("POST", "/v1/auth/register", undefined, json);
  const { tenantId } = body.user as { tenantId: string };
  return { id: tenantId, domain, token: String(body.accessToken) };
}

/** Everything of an answer that names a tenant or an address must be of this one. */
function look(own: Tenant, other: Tenant, { body }: Answer): void {
  const text = JSON.stringify(body);
  if (text.includes(other.id) || text.includes(other.domain))
    leaks.push(`${own.domain}: ${text.slice(0, 300)}`);
}

async function work(own: Tenant, other: Tenant, until: number): Promise<void> {
  let mine: string[] = [];
  let session = { token: own.token, refreshToken: "" };
  const acts: (() => Promise<void>)[] = [
    async function create() {
      const email = `${randomBytes(8).toString("hex")}@${own.domain}`;
      const answer = await call("POST", "/v1/users", session.token, { email });
      look(own, other, answer);
      if (answer.status !== 201) return;
      mine.push(String(answer.body.id));
      created.set(String(answer.body.id), own.id);
    },
    async function change() {
      const id = mine.at(Math.floor(Math.random() * mine.length));
      if (id === undefined) return;
      const answer = await call("PATCH", `/v1/users/${id}`, session.token, { firstName: "Ada" });
      look(own, other, answer);
      if (answer.status === 200) changed.set(id, (changed.get(id) ?? 0) + 1);
    },
    async function remove() {
      const id = mine.pop();
      if (id === undefined) return;
      const { status } = await call("DELETE", `/v1/users/${id}`, session.token);
      if (status === 204) deleted.add(id);
    },
    async function lookAtWhoIsInBoth() {
      const id = people[Math.floor(Math.random() * people.length)]?.users[own.id];
      for (const path of ["", "/sessions", "/profile", "/roles", "/personal-data"])
        look(own, other, await call("GET", `/v1/users/${id}${path}`, session.token));
      for (const [method, path] of [
        ["POST", "/reset-password"],
        ["DELETE", "/factors"],
      ] as const) {
        const { status } = await call(method, `/v1/users/${id}${path}`, session.token);
        if (![401, 403].includes(status))
          leaks.push(`${method} ${path} of who is shared: ${status}`);
      }
      if (Math.random() < 0.2) await call("DELETE", `/v1/users/${id}/sessions`, session.token);
    },
    async function list() {
      look(own, other, await call("GET", "/v1/users?limit=50", session.token));
      look(own, other, await call("GET", `/v1/users?search=${other.domain}`, session.token));
      look(own, other, await call("GET", "/v1/audit-logs?limit=50", session.token));
    },
    async function trespass() {
      const foreign = [...created].find(([, tenantId]) => tenantId === other.id)?.[0];
      if (foreign === undefined) return;
      for (const method of ["GET", "DELETE"]) {
        const { status } = await call(method, `/v1/users/${foreign}`, session.token);
        if (status !== 404) leaks.push(`${method} of a user of ${other.domain}: ${status}`);
      }
    },
    async function refresh() {
      if (!session.refreshToken) {
        const json = { email: `owner@${own.domain}`, password: PASSWORD };
        const answer = await call("POST", "/v1/auth/login", undefined, json);
        if (answer.status !== 200) return;
        look(own, other, answer);
        session = tokensOf(answer);
      }
      const { refreshToken } = session;
      const answer = await call("POST", "/v1/auth/refresh", undefined, { refreshToken });
      look(own, other, answer);
      if (answer.status === 200) session = tokensOf(answer);
    },
  ];
  while (Date.now() < until) await acts[Math.floor(Math.random() * acts.length)]?.();
  mine = [];
}

function tokensOf({ body }: Answer) {
  return { token: String(body.accessToken), refreshToken: String(body.refreshToken) };
}

async function count(sql: string): Promise<number> {
  const { rows } = await client.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM (${sql}) AS found`,
  );
  return rows[0]?.n ?? Number.NaN;
}

test(`R60: ${CLIENTS} clients of two tenants at two instances leak nothing`, async () => {
  const until = Date.now() + SECONDS * 1000;
  await Promise.all(
    Array.from({ length: CLIENTS }, (_, n) => {
      const person = people[n];
      if (person) return workAsPerson({ call, look, leaks, tenants, until }, person);
      const [own, other] = n % 2 === 0 ? tenants : tenants.toReversed();
      return work(own as Tenant, other as Tenant, until);
    }),
  );
  console.error(Object.fromEntries([...statuses].sort()));
  expect(leaks).toEqual([]);
  expect(created.size).toBeGreaterThan(SECONDS);
  // A hundred of one tenant search at once, and have two turns: where the machine is slow some wait for too long, and are told.
  const refused = `${SEARCH} 503 overloaded, try again`;
  expect(statuses.get(`${SEARCH} 200`)).toBeGreaterThan(statuses.get(refused) ?? 0);
  const failures = [...statuses].filter(([route]) => / 5\d\d /.test(route) && route !== refused);
  expect(failures).toEqual([]);
});

test("what they were told is what the database has: nothing is lost", async () => {
  const { rows } = await client.query<{
    id: string;
    tenantId: string;
    version: number;
    gone: boolean;
  }>(
    `SELECT id, tenant_id AS "tenantId", version, is_deleted AS gone FROM users WHERE id = ANY($1)`,
    [[...created.keys()]],
  );
  expect(rows.length).toBe(created.size);
  for (const { id, tenantId, version, gone } of rows) {
    expect([id, tenantId, gone]).toEqual([id, created.get(id) ?? "", deleted.has(id)]);
    expect([id, version]).toEqual([id, 1 + (changed.get(id) ?? 0) + (gone ? 1 : 0)]);
  }
});

test("no row of one tenant hangs on a row of the other, and each change has its audit row", async () => {
  const owned = {
    "user_roles with another tenant's user": `SELECT FROM user_roles JOIN users ON users.id = user_id WHERE users.tenant_id IS DISTINCT FROM user_roles.tenant_id`,
    "what a session may do as another tenant's user": `SELECT FROM session_users JOIN users ON users.id = user_id WHERE users.tenant_id IS DISTINCT FROM session_users.tenant_id`,
    "what a session may do as somebody else's user": `SELECT FROM session_users JOIN users ON users.id = user_id JOIN sessions ON sessions.id = session_id WHERE users.account_id IS DISTINCT FROM sessions.account_id`,
    "audit rows of another tenant's user": `SELECT FROM audit_log JOIN users ON users.id = resource_id WHERE resource_type = 'user' AND audit_log.tenant_id IS NOT NULL AND users.tenant_id IS DISTINCT FROM audit_log.tenant_id`,
    "audit rows of another tenant's actor": `SELECT FROM audit_log JOIN users ON users.id = actor_id WHERE audit_log.tenant_id IS NOT NULL AND users.tenant_id IS DISTINCT FROM audit_log.tenant_id`,
    "audit rows of a session that never spoke for the tenant": `SELECT FROM audit_log WHERE session_id IS NOT NULL AND tenant_id IS NOT NULL AND NOT EXISTS (SELECT FROM session_users WHERE session_users.session_id = audit_log.session_id AND session_users.tenant_id = audit_log.tenant_id)`,
    "audit rows of the platform about who is in one tenant alone": `SELECT FROM audit_log JOIN users ON users.id = actor_id WHERE audit_log.tenant_id IS NULL AND users.tenant_id IS NOT NULL AND (SELECT count(*) FROM users AS others WHERE others.account_id = users.account_id) = 1`,
    "profiles of another tenant": `SELECT FROM user_profiles JOIN tenants ON tenants.id = tenant_id WHERE phone IS NOT NULL AND phone NOT LIKE CASE slug WHEN 'alpha' THEN '+4930%' ELSE '+4940%' END`,
    "forked families": `SELECT FROM refresh_tokens WHERE used_at IS NULL GROUP BY session_id HAVING count(*) > 1`,
  };
  for (const [what, sql] of Object.entries(owned))
    expect([what, await count(sql)]).toEqual([what, 0]);
  const audited = (action: string) => count(`SELECT FROM audit_log WHERE action = '${action}'`);
  expect(await audited("user.created")).toBe(created.size);
  expect(await audited("user.deleted")).toBe(deleted.size);
  expect(await audited("user.updated")).toBe([...changed.values()].reduce((sum, n) => sum + n, 0));
});
