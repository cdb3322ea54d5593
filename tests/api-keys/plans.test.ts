/** At 100,000 keys and 20,000 users: a key is found, and keys and service accounts are listed, through indexes. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import pg from "pg";
import { planOf, type Statement } from "../../src/operations/performance/plan.ts";
import {
  type Account,
  createSuperAdmin,
  createTestApp,
  registerOwner,
  type TestApp,
} from "../support/app.ts";
import { statementsOf } from "../support/statements.ts";
import { createKey } from "./keys.ts";

const KEYS = 100_000;
const USERS = 20_000;
/** How many of the users have keys. */
const KEEPERS = 1000;
/** Pages of 8 KiB: the table of keys has some 2,500, so a list that read it all would show. */
const NEAR = 150;

let app: TestApp;
let owner: Account & { tenantId: string };
let root: Account;
let client: pg.Client;
beforeAll(async () => {
  app = await createTestApp();
  owner = await registerOwner(app);
  root = await createSuperAdmin(app);
  client = new pg.Client({ connectionString: app.database.url });
  await client.connect();
  await load(owner.tenantId);
});
afterAll(async () => {
  await client.end();
  await app.close();
});

const idOf = (n: string) => `('00000000-0000-7000-8000-' || lpad((${n})::text, 12, '0'))::uuid`;
const BUSY = "00000000-0000-7000-8000-000000000007";
const QUIET = "00000000-0000-7000-8000-000000000008";

/** One user in twenty is a machine. One key in ten is revoked; one user has a fifth of all keys. */
async function load(tenantId: string): Promise<void> {
  await client.query("SET session_replication_role = replica");
  await client.query(
    `INSERT INTO users (id, account_id, tenant_id, kind, email, first_name, created_at)
     SELECT ${idOf("n")}, CASE WHEN n % 20 > 0 THEN ${idOf("n")} END, $1, (CASE WHEN n % 20 = 0 THEN 'service' ELSE 'person' END)::user_kind,
       CASE WHEN n % 20 = 0 THEN n || '@service.invalid' ELSE n || '@x.example' END, 'N', now() - n * interval '1 second'
     FROM generate_series(1, ${USERS}) AS n`,
    [tenantId],
  );
  await client.query(
    "INSERT INTO accounts (id, email) SELECT id, email FROM users WHERE account_id = id AND tenant_id = $1 ON CONFLICT DO NOTHING",
    [tenantId],
  );
  await client.query(
    `INSERT INTO api_keys (id, user_id, tenant_id, name, prefix, key_hash, scopes, created_at, revoked_at)
     SELECT ${idOf("1000000 + n")}, CASE WHEN n % 5 = 0 THEN '${BUSY}' ELSE ${idOf(`n % ${KEEPERS} + 1`)} END, $1, 'N', 'tnk_aaaaaaaa',
       sha256(n::text::bytea), '{user:read}', now() - n * interval '1 second', CASE WHEN n % 10 = 3 THEN now() END
     FROM generate_series(1, ${KEYS}) AS n`,
    [tenantId],
  );
  await client.query("SET session_replication_role = origin");
  await client.query("VACUUM ANALYZE accounts, users, api_keys, tenants");
}

/** The statements about keys and users of an answer that is 200. */
async function sentFor(act: () => Promise<{ status: number }>): Promise<Statement[]> {
  const statements = await statementsOf(async () => expect((await act()).status).toBe(200));
  return statements.filter(({ text }) =>
    /^\s*SELECT.*\b(api_keys|users)\b|^\s*UPDATE api_keys/s.test(text),
  );
}

async function expectIndexed(statement: Statement): Promise<void> {
  const plan = await planOf(client, statement);
  const what = `${statement.text}\n${plan.text}`;
  expect(what).not.toMatch(/Seq Scan on (api_keys|users)\b/);
  expect(`${plan.pages <= NEAR} ${plan.pages} pages\n${what}`).toStartWith("true");
}

test("a key is found, and its use noted, by index", async () => {
  const { key } = await createKey(app, owner);
  const statements = await sentFor(async () => {
    const answer = await app.call("GET /v1/tenants/current", { token: key });
    // The note of its use is not awaited by the request.
    await app.deps.pool.query("SELECT pg_sleep(0.05)");
    return answer;
  });
  const own = statements.filter(({ text }) => text.includes("api_keys"));
  expect(own.map(({ text }) => /key_hash|last_used_at = now/.exec(text)?.[0]).sort()).toEqual([
    "key_hash",
    "last_used_at = now",
  ]);
  for (const statement of own) await expectIndexed(statement);
});

const cursor = (list: string, secondsAgo: number) =>
  Buffer.from(
    JSON.stringify([
      `${list} createdAt desc`,
      new Date(Date.now() - secondsAgo * 1000).toISOString(),
      "00000000-0000-7000-8000-000000000000",
    ]),
  ).toString("base64url");

const lists: Record<string, () => [string, Account]> = {
  "one's own keys": () => ["/v1/api-keys", owner],
  "a user's keys": () => [`/v1/api-keys?userId=${QUIET}`, owner],
  "the 20,000 keys of one user": () => [`/v1/api-keys?userId=${BUSY}`, owner],
  "the same, after 10,000": () => [
    `/v1/api-keys?userId=${BUSY}&cursor=${cursor("api-keys", 50_000)}`,
    owner,
  ],
  "a user's keys, for a super admin": () => [`/v1/api-keys?userId=${QUIET}`, root],
  "service accounts": () => ["/v1/service-accounts", owner],
  "service accounts, for a super admin": () => [
    `/v1/service-accounts?tenantId=${owner.tenantId}`,
    root,
  ],
  "service accounts after 400": () => [
    `/v1/service-accounts?cursor=${cursor("service-accounts", 8000)}`,
    owner,
  ],
};

for (const [name, list] of Object.entries(lists)) {
  test(`${name}: a page is read through an index`, async () => {
    const [path, who] = list();
    const statements = await sentFor(() => app.call(`GET ${path}`, { token: who.accessToken }));
    expect(statements.length).toBeGreaterThan(0);
    for (const statement of statements) await expectIndexed(statement);
  });
}
