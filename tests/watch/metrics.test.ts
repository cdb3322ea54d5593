/** What is counted of what the server does. */
import { describe, expect, test } from "bun:test";
import { maintainAuditLog } from "../../src/audit/partitions.ts";
import { inBackground } from "../../src/db/scope.ts";
import { createJobHandlers } from "../../src/job-handlers.ts";
import { PermanentFailure } from "../../src/jobs/jobs.ts";
import { createMetrics, FAMILIES } from "../../src/watch/metrics.ts";
import { createState } from "../../src/watch/state.ts";
import { PASSWORD, proveAddress, registerOwner, testApp } from "../support/app.ts";
import { type Page, parsePage, sampled } from "./prometheus.ts";

const app = testApp({ METRICS_PORT: "0", RATE_LIMITS: "memory", RATE_LIMIT_LOGIN: "3/60" });
const pageNow = async () => parsePage((await app.served.metrics?.page()) ?? "");

/** By how much each grew while something was done. */
async function grown(work: () => Promise<unknown>) {
  const before = await pageNow();
  await work();
  const after = await pageNow();
  return (name: string, labels: Record<string, string> = {}) =>
    (sampled(after, name, labels) ?? 0) - (sampled(before, name, labels) ?? 0);
}

test("requests are counted by method, template and status, never by path, tenant or what somebody made up", async () => {
  const owner = await registerOwner(app);
  const by = await grown(async () => {
    await app.as(owner, `GET /v1/users/${owner.id}`);
    await app.as(owner, `GET /v1/users/${crypto.randomUUID()}`);
    for (const path of ["/nothing", "/v1/nothing/here", "/wp-admin", "/v1/users/x/y/z/w"])
      await app.call(`GET ${path}`);
    await app.call(`PROPFIND /v1/users/${owner.id}`);
    await app.call("PUT /v1/auth/login");
  });
  const name = "tenantry_request_seconds_count";
  expect(by(name, { method: "GET", route: "/v1/users/:id", status: "200" })).toBe(1);
  expect(by(name, { method: "GET", route: "/v1/users/:id", status: "404" })).toBe(1);
  expect(by(name, { method: "GET", route: "none", status: "404" })).toBe(4);
  expect(by(name, { method: "other", route: "none" })).toBe(1);
  expect(by(name, { method: "PUT", route: "none", status: "405" })).toBe(1);
  expect(by("tenantry_errors_total", { code: "not_found" })).toBe(5);

  const text = (await app.served.metrics?.page()) ?? "";
  for (const secret of [owner.id, owner.tenantId, owner.slug, owner.email, "wp-admin", "PROPFIND"])
    expect(text).not.toContain(secret);
});

test("a histogram counts each once in every bucket that it fits into, and adds up its seconds", () => {
  const metrics = createMetrics();
  for (const seconds of [0.0005, 0.003, 0.003, 11]) metrics.statements.observe(seconds, "ok");
  return metrics.page().then((text) => {
    const page = parsePage(text);
    const bucket = (le: string) => sampled(page, "tenantry_statement_seconds_bucket", { le });
    expect(["0.001", "0.0025", "0.005", "10", "+Inf"].map(bucket)).toEqual([1, 1, 3, 3, 4]);
    expect(sampled(page, "tenantry_statement_seconds_count")).toBe(4);
    expect(sampled(page, "tenantry_statement_seconds_sum")).toBeCloseTo(11.0065);
  });
});

test("what a label must not hold is escaped", async () => {
  const metrics = createMetrics();
  metrics.limits.add('a"b\\c\nd');
  expect(sampled(parsePage(await metrics.page()), "tenantry_limits_hit_total")).toBe(1);
});

describe("log-ins", () => {
  const logIn = (email: string, password: string) =>
    app.call("POST /v1/auth/login", { json: { email, password } });

  test("by what came of them, with the reason that the caller is not told, and limits that were hit", async () => {
    const { email } = await registerOwner(app);
    const by = await grown(async () => {
      await logIn(email, PASSWORD);
      await logIn(email, "not the password at all");
      await logIn("nobody@nowhere.example", PASSWORD);
      for (let n = 0; n < 3; n++) await logIn(email, "not the password at all");
    });
    const name = "tenantry_logins_total";
    expect(by(name, { outcome: "logged_in", reason: "" })).toBe(1);
    expect(by(name, { outcome: "refused", reason: "unknown_account" })).toBe(1);
    const wrong = by(name, { outcome: "refused", reason: "wrong_password" });
    const limited = by("tenantry_limits_hit_total", { policy: "login" });
    expect([wrong > 0, limited > 0, wrong + limited]).toEqual([true, true, 4]);
    expect(by("tenantry_errors_total", { code: "rate_limited" })).toBe(limited);
    expect(by("tenantry_password_hash_seconds_count", { kind: "verify" })).toBe(wrong + 2);
  });

  test("a refresh token that comes again too late is counted, by whether its successor was used", async () => {
    const { refreshToken } = await registerOwner(app);
    const refresh = () => app.call("POST /v1/auth/refresh", { json: { refreshToken } });
    const by = await grown(async () => {
      await refresh();
      await app.deps.pool.query("UPDATE refresh_tokens SET used_at = used_at - interval '1 hour'");
      await refresh();
    });
    const name = "tenantry_refresh_reuse_total";
    expect([by(name, { successor: "unused" }), by(name, { successor: "used" })]).toEqual([1, 0]);
  });
});

test("statements, jobs and mails, with those that failed", async () => {
  const by = await grown(async () => {
    const owner = await registerOwner(app);
    await proveAddress(app, owner);
    await app.call("POST /v1/auth/forgot-password", { json: { email: owner.email } });
    await app.mail();
    await app.served.pool.query("SELECT nothing").catch(() => {});
    await app.served.jobs.send("mail", null);
    const refuses = {
      ...createJobHandlers(app.served),
      mail: () => Promise.reject(new PermanentFailure("no")),
    };
    await app.served.jobs.drain(refuses);
  });
  expect(by("tenantry_statement_seconds_count", { outcome: "ok" })).toBeGreaterThan(5);
  expect(by("tenantry_statement_seconds_count", { outcome: "failed" })).toBe(1);
  expect(by("tenantry_job_seconds_count", { queue: "mail_request", outcome: "ok" })).toBe(1);
  expect(by("tenantry_job_seconds_count", { queue: "mail", outcome: "failed" })).toBe(1);
  expect(by("tenantry_mails_total", { outcome: "sent" })).toBeGreaterThan(0);
});

describe("what is asked for", () => {
  test("pool, hashes, listener, lag of revocations, jobs, seals, process", async () => {
    await inBackground(() => maintainAuditLog(app.served));
    const { page } = await fresh();
    const value = (name: string, labels = {}) => sampled(page, `tenantry_${name}`, labels);
    expect(value("pool_size")).toBe(5);
    expect(value("pool_connections")).toBeGreaterThan(0);
    expect(value("pool_waiting")).toBe(0);
    expect(value("password_hash_queue", { state: "waiting" })).toBe(0);
    expect(value("listener_healthy")).toBe(1);
    expect(value("revocation_lag_seconds")).toBeWithin(0, 2);
    expect(value("database_up")).toBe(1);
    for (const state of ["created", "retry", "active", "failed"])
      expect(value("jobs", { queue: "mail", state })).toBeNumber();
    expect(value("jobs_oldest_seconds", { queue: "mail" })).toBeNumber();
    expect(value("audit_seal_age_seconds")).toBeGreaterThanOrEqual(0);
    expect(value("audit_unsealed_seconds")).toBe(0);
    expect(sampled(page, "process_resident_memory_bytes")).toBeGreaterThan(1e6);
    // SCHEMA_CHECK=off: whether it drifts is not known, and so not shown.
    expect(value("schema_drift")).toBeUndefined();
  });

  test("a job that is due and a row without a seal grow old", async () => {
    await app.served.jobs.send("notice", null);
    await app.deps.pool.query(
      "UPDATE pgboss.job SET start_after = now() - interval '90 s' WHERE name = 'notice' AND state = 'created'",
    );
    await registerOwner(app);
    const { page } = await fresh();
    expect(sampled(page, "tenantry_jobs_oldest_seconds", { queue: "notice" })).toBeWithin(89, 120);
    expect(sampled(page, "tenantry_jobs", { queue: "notice", state: "created" })).toBeGreaterThan(
      0,
    );
    expect(sampled(page, "tenantry_audit_unsealed_seconds")).toBeGreaterThan(0);
  });
});

test("every family is shown with its name, its type and its labels alone", async () => {
  const { page } = await fresh();
  const known = new Map(Object.values(FAMILIES).map((family) => [family.name, family]));
  for (const [name, type] of page.types)
    expect([name, known.get(name)?.type]).toEqual([name, type as never]);
  const unseen = [...known.keys()].filter((name) => !page.types.has(name));
  // Of a replica and a store that there are not, and of a schema that is not looked at.
  expect(unseen).toEqual([
    "tenantry_replica_reads_total",
    "tenantry_replica_healthy",
    "tenantry_replica_lag_bytes",
    "tenantry_limit_store_healthy",
    "tenantry_schema_drift",
  ]);
  for (const { name, labels } of page.samples) {
    const family = known.get(name) ?? known.get(name.replace(/_(bucket|sum|count)$/, ""));
    const expected = [...(family?.labels ?? []), ...(name.endsWith("_bucket") ? ["le"] : [])];
    expect([name, Object.keys(labels)]).toEqual([name, expected]);
  }
});

/** With what the database says now: it is asked once in ten seconds. */
async function fresh(): Promise<{ page: Page }> {
  const { pool, passwords, metrics } = app.served;
  const listener = { healthy: true, lagSeconds: async () => 0.001 };
  metrics?.watch(
    createState({ pool, passwords, listener, replica: null, store: null, schema: null }),
  );
  return { page: await pageNow() };
}
