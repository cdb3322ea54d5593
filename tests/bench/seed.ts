/**
 * Fills a migrated database by statements that make all rows of a table at once. Triggers and foreign keys are left out
 * (what the triggers would write is written here), and indexes are built once the rows are there: a million audit rows
 * take seconds so.
 */
import type pg from "pg";
import { deviceName } from "../../src/device.ts";
import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import { type Layout, sqlIdOf, type Tenant, userOfSession } from "./layout.ts";
import { USER_AGENT } from "./load/requests.ts";

/** Days over which the audit rows lie: some months, each a partition. */
const AUDIT_DAYS = 100;
const AGENTS = [
  "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
];
const DEVICE = deviceName({
  ...{ requestId: "", ip: null, language: null, device: null },
  userAgent: USER_AGENT,
});

/** @param client of a superuser. @param passwordHash of the password that all of them have. */
export async function seed(client: pg.Client, layout: Layout, passwordHash: string): Promise<void> {
  await quickly(client, async () => {
    await seedUsers(client, layout.tenants, passwordHash);
    const sessions = Array.from({ length: layout.sessions }, (_, n) => n + 1);
    await seedSessions(client, new Map(sessions.map((n) => [n, userOfSession(layout, n)])));
    await seedAudit(client, layout);
  });
}

/** Tenants with their users, beside those that are there. */
export async function addTenants(
  client: pg.Client,
  tenants: Tenant[],
  passwordHash: string,
): Promise<void> {
  await quickly(client, () => seedUsers(client, tenants, passwordHash));
}

async function quickly(client: pg.Client, work: () => Promise<void>): Promise<void> {
  await client.query("SET session_replication_role = replica");
  await client.query("SET maintenance_work_mem = '512MB'; SET work_mem = '256MB'");
  await work();
  await client.query("RESET ALL");
  await client.query("VACUUM (ANALYZE)");
  await client.query("CHECKPOINT");
}

async function seedUsers(client: pg.Client, tenants: Tenant[], hash: string): Promise<void> {
  await client.query("CREATE TEMP TABLE plan (tenant int, first int, size int)");
  await client.query("INSERT INTO plan SELECT * FROM unnest($1::int[], $2::int[], $3::int[])", [
    tenants.map(({ number }) => number),
    tenants.map(({ first }) => first),
    tenants.map(({ size }) => size),
  ]);
  const each = "FROM plan, generate_series(first, first + size - 1) AS n";
  await client.query(`
    INSERT INTO tenants (id, slug, name)
    SELECT ${sqlIdOf("tenant", "tenant")}, 'tenant-' || tenant, 'Tenant ' || tenant FROM plan`);
  await withoutIndexes(client, ["accounts", "users", "user_search", "user_roles"], async () => {
    await client.query(
      `INSERT INTO accounts (id, email, email_verified_at, password_hash, password_origin)
       SELECT ${sqlIdOf("account", "n")}, 'user' || n || '@bench.example', now(), $1, 'own' ${each}`,
      [hash],
    );
    await client.query(`
      INSERT INTO users (id, tenant_id, account_id, email, email_verified_at, first_name, last_name, search_text, created_at)
      SELECT ${sqlIdOf("user", "n")}, ${sqlIdOf("tenant", "tenant")}, ${sqlIdOf("account", "n")}, 'user' || n || '@bench.example',
        now(), 'First' || n % 500, 'Last' || n, 'user' || n || '@bench.example first' || n % 500 || ' last' || n,
        now() - n * interval '1 second' ${each}`);
    await client.query(`
      INSERT INTO user_search (user_id, tenant_id, text) SELECT users.id, users.tenant_id, ' ' || search_text
      FROM plan JOIN users ON users.tenant_id = ${sqlIdOf("tenant", "tenant")}`);
    await client.query(`
      INSERT INTO user_roles (user_id, role_id, tenant_id)
      SELECT ${sqlIdOf("user", "n")}, CASE n WHEN first THEN '${SYSTEM_ROLES.owner}' ELSE '${SYSTEM_ROLES.member}' END::uuid,
        ${sqlIdOf("tenant", "tenant")} ${each}`);
  });
  await client.query("DROP TABLE plan");
}

/**
 * On the device from which the load logs in, so that no log-in is from a new one, of which a mail would tell.
 * @param users by number of the session. Their refresh tokens are those that layout.ts knows.
 */
export async function seedSessions(client: pg.Client, users: Map<number, number>): Promise<void> {
  const values = [[...users.keys()], [...users.values()]];
  const each = `FROM unnest($1::int[], $2::int[]) AS given (n, person)`;
  await client.query(
    `INSERT INTO sessions (id, account_id, device_name, user_agent, ip, amr, idle_expires_at, expires_at)
     SELECT ${sqlIdOf("session", "n")}, ${sqlIdOf("account", "person")}, $3, $4, '10.0.0.0'::inet + person, '{pwd}',
       now() + interval '30 days', now() + interval '90 days' ${each}`,
    [...values, DEVICE, USER_AGENT],
  );
  await client.query(
    `INSERT INTO session_users (session_id, user_id, tenant_id, ip)
     SELECT ${sqlIdOf("session", "n")}, users.id, tenant_id, '10.0.0.0'::inet + person
     ${each} JOIN users ON users.id = ${sqlIdOf("user", "person")}`,
    values,
  );
  const token =
    "translate(encode(sha256(convert_to('session ' || n, 'UTF8')), 'base64'), '+/=', '-_')";
  await client.query(
    `INSERT INTO refresh_tokens (id, session_id, token_hash, expires_at)
     SELECT ${sqlIdOf("token", "n")}, ${sqlIdOf("session", "n")}, sha256(convert_to(${token}, 'UTF8')), now() + interval '30 days'
     FROM unnest($1::int[]) AS n`,
    values.slice(0, 1),
  );
}

/** Sealed already, each with a hash that nobody checks: else the server would be busy with that while it is measured. */
async function seedAudit(client: pg.Client, { auditRows, users }: Layout): Promise<void> {
  const time = (n: string) => `now() - ${n} * interval '${AUDIT_DAYS} days' / ${auditRows}`;
  const row = (from: string) => `
    INSERT INTO audit_log (id, tenant_id, actor_id, action, resource_type, resource_id, outcome, ip, user_agent, created_at)
    SELECT ${sqlIdOf("audit", "n")}, users.tenant_id, users.id, CASE WHEN n % 10 = 0 THEN 'auth.logged_in' ELSE 'auth.refreshed' END,
      'session', ${sqlIdOf("session", "n")}, (CASE WHEN n % 100 = 0 THEN 'failure' ELSE 'success' END)::audit_outcome, '10.0.0.1',
      ('{"${AGENTS.join('","')}"}'::text[])[1 + n % ${AGENTS.length}], ${time("n")}
    FROM ${from} AS n JOIN users ON users.id = ${sqlIdOf("user", `1 + n * 7919 % ${users}`)}`;
  // A row of each month first: the function makes partitions of months that have rows, and moves these few alone.
  const sample = `generate_series(1::bigint, ${auditRows}, ${Math.max(1, Math.floor(auditRows / AUDIT_DAYS))})`;
  await client.query(row(sample));
  await client.query("SELECT prepare_audit_partitions()");
  await client.query("DELETE FROM audit_log");
  await withoutIndexes(client, ["audit_log", "audit_seals"], async () => {
    await client.query(row(`generate_series(1::bigint, ${auditRows})`));
    await client.query(`
      INSERT INTO audit_seals (seq, tenant_id, audit_id, created_at, digest, hash)
      SELECT row_number() OVER (), tenant_id, id, created_at, sha256('bench'), sha256('bench') FROM audit_log`);
  });
}

/** Those that hold no constraint are dropped and made again. */
async function withoutIndexes(
  client: pg.Client,
  tables: string[],
  load: () => Promise<void>,
): Promise<void> {
  const { rows } = await client.query<{ name: string; sql: string }>(
    `SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS sql FROM pg_index
     WHERE indrelid = ANY ($1::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)`,
    [tables],
  );
  for (const { name } of rows) await client.query(`DROP INDEX ${name}`);
  await load();
  // Of a partitioned table the text says ONLY, which would leave the partitions without.
  for (const { sql } of rows) await client.query(sql.replace(" ON ONLY ", " ON "));
}
