/**
 * Every list of the API at 100,000 rows in one tenant: PostgreSQL reads it through an index. The statements are those
 * that are sent, caught on their way and explained as prepared ones, with the plan that repeated use settles on.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import pg from "pg";
import { executing, type Plan, planOf } from "../../src/operations/performance/plan.ts";
import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  createTestApp,
  registerOwner,
  type TestApp,
} from "../support/app.ts";
import { statementsOf } from "../support/statements.ts";

const ROWS = 100_000;
/**
 * Between two rows of the audit log. So many of them lie in this month, and the others before it, the last ones in the
 * middle of a month: in a month with a few rows PostgreSQL is right to read them all.
 */
const AUDIT_SECONDS = 330;
const THIS_MONTH = 8000;
/** Prisma's, and those by hand; not what the caller may do, which is asked for now and then. */
const LIST = /^(?!.*permission_key).*FROM ("public"\.)?"?(users|audit_log|search_users)\b/s;
/** Of a partition that has rows: to read one that has none is no work. */
const WHOLE_TABLE = /Seq Scan on (users|user_roles|audit_log\w*)\b.*\(actual.*rows=(?!0\b)/;
/** Pages of 8 KiB that a list may touch. The tables have some 1,700 and 2,500: time would say less on a busy machine. */
const NEAR = 150;
const FILTERED = 800;

let app: TestApp;
let owner: Account & { tenantId: string };
let superAdmin: Account;
let client: pg.Client;
/** Explains as the server's login, in the scope of the request: the policies are part of the plan. */
let server: pg.Client;

beforeAll(async () => {
  app = await createTestApp();
  owner = await registerOwner(app);
  superAdmin = await createSuperAdmin(app);
  client = new pg.Client({ connectionString: app.database.url });
  await client.connect();
  await load(owner);
  server = new pg.Client({ connectionString: app.database.appUrl });
  await server.connect();
}, 90_000);
afterAll(async () => {
  await server.end();
  await client.end();
  await app.close();
});

/** Foreign keys and triggers are left out while loading (what one would write to search_text is written here), and the search index is built at the end: minutes become seconds. */
async function load({ tenantId, id }: { tenantId: string; id: string }): Promise<void> {
  const uuid = (alias: string) =>
    `('00000000-0000-7000-8000-' || lpad(to_hex(${alias}), 12, '0'))::uuid`;
  await client.query("SET session_replication_role = replica");
  const { rows } = await client.query(
    "SELECT pg_get_indexdef('user_search_text'::regclass) AS sql",
  );
  await client.query("DROP INDEX user_search_text");
  await client.query(
    `INSERT INTO users (id, account_id, tenant_id, email, first_name, last_name, status, created_at, is_deleted, deleted_at, search_text)
     SELECT ${uuid("1000000 + n")}, ${uuid("1000000 + n")}, $1, 'user' || n || '@x.example', 'First' || n % 500, CASE WHEN n % 10 > 0 THEN 'Last' || n END,
       (CASE WHEN n % 50 = 0 THEN 'disabled' ELSE 'active' END)::user_status, now() - n * interval '1 second',
       n % 100 = 1, CASE WHEN n % 100 = 1 THEN now() END,
       concat_ws(' ', 'user' || n || '@x.example', 'first' || n % 500, CASE WHEN n % 10 > 0 THEN 'last' || n END)
     FROM generate_series(1, ${ROWS}) AS n`,
    [tenantId],
  );
  await client.query(
    "INSERT INTO user_search SELECT id, tenant_id, ' ' || search_text FROM users WHERE NOT is_deleted ON CONFLICT DO NOTHING",
  );
  await client.query(rows[0].sql);
  await client.query(
    `INSERT INTO user_roles (user_id, role_id, tenant_id)
     SELECT id, CASE WHEN email LIKE '%000@%' THEN '${SYSTEM_ROLES.auditor}' ELSE '${SYSTEM_ROLES.member}' END::uuid, tenant_id
     FROM users WHERE email LIKE 'user%'`,
  );
  await client.query(
    `INSERT INTO audit_log (id, tenant_id, actor_id, action, resource_type, resource_id, outcome, created_at)
     SELECT ${uuid("2000000 + n")}, $1, CASE WHEN n % 1000 = 0 THEN $2 ELSE ${uuid("1000000 + n % 5000")} END,
       CASE WHEN n % 1000 = 1 THEN 'user.deleted' ELSE 'auth.refreshed' END, CASE WHEN n % 1000 < 2 THEN 'user' ELSE 'session' END,
       ${uuid("1000000 + n")}, (CASE WHEN n % 100 = 0 THEN 'failure' ELSE 'success' END)::audit_outcome,
       CASE WHEN n <= ${THIS_MONTH} THEN now() - (now() - date_trunc('month', now())) * n / ${THIS_MONTH + 1}
         ELSE date_trunc('month', now()) - (n - ${THIS_MONTH}) * interval '${AUDIT_SECONDS} seconds' END
     FROM generate_series(1, ${ROWS}) AS n`,
    [tenantId, id],
  );
  await client.query("SELECT prepare_audit_partitions()");
  await client.query("VACUUM ANALYZE users, user_search, user_roles, audit_log");
}

/** The plans of the lists that a request sends. SHOW_PLANS=1 prints what they cost. */
async function plansOf(path: string, who: Account, { times = 6 } = {}): Promise<Plan[]> {
  app.served.me.forget();
  const sent = await statementsOf(async () => {
    const { status } = await app.call(`GET ${path}`, { token: who.accessToken });
    expect(status).toBe(200);
  });
  await server.query(`SET tenantry.scope = '${who.tenantId ?? "platform"}'`);
  const lists = sent.filter(({ text }) => LIST.test(text));
  expect(lists.length).toBeGreaterThan(0);
  const plans: Plan[] = [];
  for (const list of lists) {
    const plan = await planOf(server, list, times);
    plans.push(plan);
    if (process.env.SHOW_PLANS) {
      const [, millis] = /Execution Time: ([\d.]+)/.exec(plan.text) ?? [];
      console.log(
        `${millis?.padStart(9)} ms ${String(plan.pages).padStart(6)} pages  ${path.slice(0, 60)}`,
      );
    }
  }
  return plans;
}

async function expectIndexed(path: string, who: Account, pagesAtMost: number): Promise<void> {
  for (const { text, pages } of await plansOf(path, who)) {
    expect(`${path}\n${text}`).not.toMatch(WHOLE_TABLE);
    expect(`${pages <= pagesAtMost} ${pages} pages\n${path}\n${text}`).toStartWith("true");
  }
}

/** A cursor far into the list, made from a page in its middle. */
async function deep(list: string, who: Account): Promise<string> {
  const page = `${list}${list.includes("?") ? "&" : "?"}limit=100&page=400`;
  return (await app.call(`GET ${page}`, { token: who.accessToken })).body.nextCursor;
}

for (const sort of ["createdAt", "-createdAt", "email", "-email", "lastName", "-lastName"]) {
  test(`users by ${sort}: the first page and one after 40,000 users are equally near`, async () => {
    const list = `/v1/users?sort=${sort}`;
    await expectIndexed(list, owner, NEAR);
    await expectIndexed(`${list}&cursor=${await deep(list, owner)}`, owner, NEAR);
  });
}

test("one user, and who the caller is: a few rows are read", async () => {
  const one = "00000000-0000-7000-8000-000000100000";
  for (const who of [owner, superAdmin]) {
    await expectIndexed(`/v1/users/${one}`, who, 20);
    await expectIndexed("/v1/auth/me", who, 20);
  }
});

test("what is asked for most is planned once a connection, in a tenant of 100,000 users and in one of three", async () => {
  const small = await registerOwner(app);
  for (let n = 0; n < 2; n += 1) await createMember(app, small);
  for (const who of [owner, small]) {
    const audit = (await app.as(who, "GET /v1/audit-logs?limit=2")).body.nextCursor;
    const users = (await app.as(who, "GET /v1/users?limit=2")).body.nextCursor;
    const lists = ["users", "audit-logs", `users?cursor=${users}`, `audit-logs?cursor=${audit}`];
    for (const path of ["auth/me", `users/${who.id}`, ...lists])
      expect([path, await plansMade(`/v1/${path}`, who)]).toEqual([path, TRIED]);
  }
});

/** PostgreSQL tries so many plans for the values at hand before it settles for one for all. */
const TRIED = 5;

/** How many of them it makes of the one statement that a request takes. */
async function plansMade(path: string, who: Account): Promise<number> {
  app.served.me.forget();
  const sent = await statementsOf(() => app.as(who, `GET ${path}`));
  const [statement, ...more] = sent.filter(({ text }) => LIST.test(text));
  if (!statement || more.length > 0) throw new Error(`${path} takes ${more.length + 1} statements`);
  await server.query(`SET tenantry.scope = '${who.tenantId}'`);
  await server.query(`PREPARE statement AS ${statement.text}`);
  for (let time = 0; time < 2 * TRIED; time += 1) await server.query(executing(statement.values));
  const { rows } = await server.query(
    "SELECT custom_plans::int AS made FROM pg_prepared_statements WHERE name = 'statement'",
  );
  await server.query("DEALLOCATE statement");
  return rows[0].made;
}

test("users by name, among the 10,000 who have none", async () => {
  const none = (direction: string) =>
    Buffer.from(
      JSON.stringify([`users lastName ${direction}`, null, "00000000-0000-7000-8000-0000000f9000"]),
    ).toString("base64url");
  await expectIndexed(`/v1/users?sort=lastName&cursor=${none("asc")}`, owner, NEAR);
  await expectIndexed(`/v1/users?sort=-lastName&cursor=${none("desc")}`, owner, NEAR);
});

/** LIKE is not leakproof, so below a policy PostgreSQL asks it of no index: search_users does (migrations-sql/035_user_search.sql). */
test("users by search: as near as a filtered list, whatever is looked for and by whom", async () => {
  for (const query of [
    "search=user77777",
    "search=first77%20user7777",
    "search=zzzzz",
    "search=user",
    // One or two letters: beginnings of words, which are trigrams too.
    "search=zq",
    "search=z",
    "search=la",
    "search=Zo\u00eb%20zq",
  ]) {
    for (const who of [owner, superAdmin])
      for (const sort of ["-createdAt", "email"])
        await expectIndexed(`/v1/users?sort=${sort}&${query}`, who, FILTERED);
  }
  // Nobody of the first 10,000 in this order, who have no name, and everybody after them: walked through once.
  await expectIndexed("/v1/users?sort=-lastName&search=la", owner, 5000);
});

test("users by their address: one row is read", async () => {
  for (const query of ["", "&sort=email", "&sort=lastName", "&status=active", "&page=1"]) {
    const list = `/v1/users?email=USER77777@x.example${query}`;
    await expectIndexed(list, owner, NEAR);
    await expectIndexed(list, superAdmin, NEAR);
  }
  await expectIndexed("/v1/users?email=user77777@x.example&deleted=true", owner, 1100);
});

test("users by status and role, frequent and rare", async () => {
  for (const query of ["status=disabled", "status=disabled&sort=email"])
    await expectIndexed(`/v1/users?${query}`, owner, FILTERED);
  for (const role of ["member", "auditor", "owner", "nobody"])
    await expectIndexed(`/v1/users?role=${role}`, owner, FILTERED);
});

test("users by what no index knows: the tenant's rows are read once, and no more", async () => {
  for (const query of [
    // A sign makes no trigram.
    "search=%25",
    "deleted=true",
    "page=1",
    "page=500&limit=100",
    "role=member&page=1",
  ]) {
    for (const { text, pages } of await plansOf(`/v1/users?${query}`, owner, { times: 1 })) {
      expect(`${pages <= 5000} ${pages} pages\n${query}\n${text}`).toStartWith("true");
    }
  }
});

test("users of every tenant, for a super admin", async () => {
  for (const sort of ["createdAt", "-createdAt", "email", "-email"]) {
    await expectIndexed(`/v1/users?sort=${sort}`, superAdmin, NEAR);
    await expectIndexed(
      `/v1/users?sort=${sort}&cursor=${await deep(`/v1/users?sort=${sort}`, superAdmin)}`,
      superAdmin,
      NEAR,
    );
  }
  await expectIndexed(`/v1/users?tenantId=${owner.tenantId}&role=auditor`, superAdmin, FILTERED);
});

test("audit rows: all, by actor, action, resource, outcome and time, and far down the log", async () => {
  const id = "00000000-0000-7000-8000-0000000f4240";
  const time = new Date(Date.now() - 50_000 * AUDIT_SECONDS * 1000).toISOString();
  const cursor = Buffer.from(JSON.stringify(["audit-logs createdAt desc", time, id])).toString(
    "base64url",
  );
  const queries = [
    ...[
      "",
      `cursor=${cursor}`,
      `actorId=${owner.id}`,
      `actorId=${owner.id}&cursor=${cursor}`,
      "action=user.deleted",
    ],
    ...[
      "action=user.deleted&outcome=failure",
      "resourceType=user",
      `resourceType=session&resourceId=${id}`,
    ],
    ...["outcome=failure", `from=${time}`, `to=${time}`, `from=${time}&to=${time}`],
  ];
  for (const query of queries) await expectIndexed(`/v1/audit-logs?${query}`, owner, FILTERED);
  for (const query of ["", `cursor=${cursor}`, `to=${time}`])
    await expectIndexed(`/v1/audit-logs?${query}`, superAdmin, NEAR);
});

test("audit rows of a time: the months outside it are not read, also where no index knows the filter", async () => {
  const from = Date.now() - 50_000 * AUDIT_SECONDS * 1000;
  const range = `from=${new Date(from).toISOString()}&to=${new Date(from + 3_600_000).toISOString()}`;
  for (const filter of ["", "&ip=203.0.113.7", "&requestId=none", "&outcome=failure"]) {
    for (const { text, pages } of await plansOf(`/v1/audit-logs?${range}${filter}`, owner)) {
      const partitions = text
        .split("\n")
        .filter((line) => / on audit_log_\w+/.test(line) && !line.includes("never executed"));
      // Two, when the hour goes over the end of a month, and the default one.
      expect(`${partitions.length <= 3}\n${text}`).toStartWith("true");
      expect(`${pages <= NEAR} ${pages} pages\n${text}`).toStartWith("true");
    }
  }
});
