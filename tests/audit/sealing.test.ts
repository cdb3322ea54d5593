/** Sealing while others write, and in many instances at once: each row once, in good time. */
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import pg from "pg";
import { maintainAuditLog } from "../../src/audit/partitions.ts";
import { sealAuditLog } from "../../src/audit/seal.ts";
import { verifyAuditLog } from "../../src/audit/verify.ts";
import { type Account, PASSWORD, registerOwner, testApp } from "../support/app.ts";

// Many processes, or many rows: on a machine that does other things too they take their time.
setDefaultTimeout(60_000);

const app = testApp();
let owner: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
});

const verify = () => verifyAuditLog(app.deps.db, app.deps.keyring.audit);

async function count(sql: string): Promise<number> {
  const { rows } = await app.deps.pool.query<{ count: number }>(`SELECT count(*)::int ${sql}`);
  return rows[0]?.count ?? -1;
}

test("R63: fifty writers while two instances seal: nothing is sealed twice, nothing is left, and the chains hold", async () => {
  let writing = true;
  const sealing = Array.from({ length: 2 }, async () => {
    while (writing) await sealAuditLog(app.deps, { batch: 7 });
  });
  const writers = Array.from({ length: 50 }, () =>
    app.call("POST /v1/auth/login", { json: { email: owner.email, password: PASSWORD } }),
  );
  const answers = await Promise.all(writers);
  writing = false;
  await Promise.all(sealing);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  await sealAuditLog(app.deps);
  const rows = await count("FROM audit_log");
  expect(rows).toBeGreaterThanOrEqual(50);
  expect(await count("FROM audit_seals")).toBe(rows);
  expect(await verify()).toMatchObject({ intact: true, sealed: rows, unsealed: 0 });
});

test("R63: a transaction that began before the last seal and commits after it is sealed by the next run", async () => {
  const late = new pg.Client({ connectionString: app.database.url });
  await late.connect();
  await late.query("BEGIN");
  await late.query(
    "INSERT INTO audit_log (id, action, resource_type) VALUES (gen_random_uuid(), 'test.late', 'test')",
  );
  await app.call("POST /v1/auth/login", { json: { email: owner.email, password: PASSWORD } });
  const { sealed } = await sealAuditLog(app.deps);
  expect(sealed).toBe(1);
  await late.query("COMMIT");
  await late.end();
  expect(await verify()).toMatchObject({ intact: true, unsealed: 1 });
  expect(await sealAuditLog(app.deps)).toMatchObject({ sealed: 1 });
  expect(await sealAuditLog(app.deps)).toMatchObject({ sealed: 0 });
  expect(await verify()).toMatchObject({ intact: true, unsealed: 0 });
});

test("20,000 rows of two hundred tenants are sealed within seconds, and verified as fast", async () => {
  await app.deps.pool.query(`
    INSERT INTO audit_log (id, tenant_id, action, resource_type, details, user_agent, created_at)
    SELECT uuidv7(), ('00000000-0000-7000-8000-' || lpad(to_hex(n % 200), 12, '0'))::uuid, 'auth.refreshed', 'session',
      jsonb_build_object('n', n), 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0', now()
    FROM generate_series(1, 20000) AS n`);
  const begin = performance.now();
  expect(await sealAuditLog(app.deps)).toMatchObject({ sealed: 20_000 });
  const sealed = performance.now();
  expect(await verify()).toMatchObject({ intact: true });
  const verified = performance.now();
  if (process.env.SHOW_TIMES)
    console.log(`sealed in ${sealed - begin} ms, verified in ${verified - sealed} ms`);
  expect(sealed - begin).toBeLessThan(10_000);
  expect(verified - sealed).toBeLessThan(10_000);
});

test("the job makes partitions, seals, and names the last seal in the log", async () => {
  const said: [string, Record<string, unknown> | undefined][] = [];
  await app.call("POST /v1/auth/login", { json: { email: owner.email, password: PASSWORD } });
  await maintainAuditLog({
    ...app.deps,
    log: (_, message, fields) => said.push([message, fields]),
  });
  const { head } = { head: null, ...(await verify()) };
  expect(head).not.toBeNull();
  expect(said).toEqual([["sealed the audit log", { sealed: 1, ...(head as object | null) }]]);
});
