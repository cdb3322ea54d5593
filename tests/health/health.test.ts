import { expect, test } from "bun:test";
import { createApp } from "../../src/app.ts";
import { createPool } from "../../src/db/client.ts";
import { shippedMigrations } from "../../src/health/readiness.ts";
import { testApp } from "../support/app.ts";
import { createDatabase } from "../support/postgres.ts";

const app = testApp();

/** /health/ready of a build that carries these migrations. */
async function ready(migrations: string[], deps = app.deps) {
  const response = await createApp(deps, migrations).request("/health/ready");
  return { status: response.status, body: await response.json() };
}

test("live and ready answer without a token, and tell no more than is needed (R58)", async () => {
  const [live, ready] = await Promise.all([
    app.call("GET /health/live"),
    app.call("GET /health/ready"),
  ]);
  expect([live.status, live.body]).toEqual([200, { status: "ok" }]);
  const checks = { database: "ok", migrations: "ok" };
  expect([ready.status, ready.body]).toEqual([200, { status: "ok", checks }]);
});

test("who waits until it is ready is told how long, as by every 503 (RFC 9110, section 10.2.3)", async () => {
  const names = shippedMigrations("prisma/migrations");
  const waits = async (migrations: string[]) => {
    const { status, headers } = await createApp(app.deps, migrations).request("/health/ready");
    return [status, headers.get("retry-after")];
  };
  expect(await waits(names)).toEqual([200, null]);
  expect(await waits([...names, NOT_YET])).toEqual([503, "2"]);
});

test("the migrations of the build are those of prisma/migrations", () => {
  const names = shippedMigrations("prisma/migrations");
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) expect(name).toMatch(/^\d{14}_\w+$/);
});

const PENDING = { status: "unavailable", checks: { database: "ok", migrations: "pending" } };
const NOT_YET = "29991231235959_not_yet";

test("a build that is ahead of its database is not ready, and names what is missing", async () => {
  const names = shippedMigrations("prisma/migrations");
  const body = { ...PENDING, pending: [NOT_YET] };
  expect(await ready([...names, NOT_YET])).toEqual({ status: 503, body });
});

test("a build that is behind its database is, and names what it does not know: the old instances go on while the new ones come", async () => {
  const names = shippedMigrations("prisma/migrations");
  const checks = { database: "ok", migrations: "newer" };
  const body = { status: "ok", checks, newer: [names.at(-1)] };
  expect(await ready(names.slice(0, -1))).toEqual({ status: 200, body });
  const { status, body: all } = await ready([]);
  expect(status).toBe(200);
  expect((all as { newer: string[] }).newer).toHaveLength(11);
  expect((all as { newer: string[] }).newer[0]).toBe(`${names.length - 10} more`);
});

test("sessions that are read-only, and a login that may not write, are not ready", async () => {
  const names = shippedMigrations("prisma/migrations");
  const url = new URL(app.database.appUrl);
  url.searchParams.set("options", "-c default_transaction_read_only=on");
  const pool = createPool({ ...app.deps.config, databaseUrl: url.href });
  expect(await ready(names, { ...app.deps, pool })).toEqual({
    status: 503,
    body: { status: "unavailable", checks: { database: "read-only", migrations: "ok" } },
  });
  await pool.end();

  await app.database.query("REVOKE DELETE ON idempotency_keys FROM tenantry_app");
  const login = createPool({ ...app.deps.config, databaseUrl: app.database.appUrl });
  expect(await ready(names, { ...app.deps, pool: login })).toEqual({
    status: 503,
    body: { status: "unavailable", checks: { database: "forbidden", migrations: "unknown" } },
  });
  await app.database.query("GRANT DELETE ON idempotency_keys TO tenantry_app");
  expect((await ready(names, { ...app.deps, pool: login })).status).toBe(200);
  await login.end();
});

test("a probe writes nothing", async () => {
  const written = async () => {
    const { rows } = await app.deps.pool.query("SELECT pg_current_wal_insert_lsn()::text AS at");
    return rows[0].at;
  };
  const duringProbes = async () => {
    const before = await written();
    await Promise.all(Array.from({ length: 20 }, () => app.call("GET /health/ready")));
    const { rows } = await app.deps.pool.query("SELECT pg_wal_lsn_diff($1, $2)::int AS bytes", [
      await written(),
      before,
    ]);
    return rows[0].bytes as number;
  };
  // The log belongs to the whole server, where jobs, vacuum and checkpoints write too, now and
  // then. A probe that writes does it in every round.
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 100 && least > 0; round++) {
    least = Math.min(least, await duringProbes());
  }
  expect(least).toBe(0);
});

test("a clock that is past what tokens and codes bear is not ready, and the answer says by how much", async () => {
  const clock = { current: () => ({ holds: false, aheadSeconds: -3600 }) };
  const names = shippedMigrations("prisma/migrations");
  expect(await ready(names, { ...app.deps, clock })).toEqual({
    status: 503,
    body: {
      status: "unavailable",
      checks: { database: "ok", migrations: "ok", clock: "off" },
      clockAheadSeconds: -3600,
    },
  });
});

test("a migration that failed or was rolled back does not count as applied", async () => {
  const names = shippedMigrations("prisma/migrations");
  const set = (column: "finished_at" | "rolled_back_at", value: string) =>
    app.deps.pool.query(`UPDATE _prisma_migrations SET ${column} = ${value}`);
  await set("finished_at", "NULL");
  expect(await ready(names)).toMatchObject({ status: 503, body: PENDING });
  await set("finished_at", "now()");
  await set("rolled_back_at", "now()");
  expect(await ready(names)).toMatchObject({ status: 503, body: PENDING });
  await set("rolled_back_at", "NULL");
  expect((await ready(names)).status).toBe(200);
});

test("a database without any migration is pending, not unreachable", async () => {
  const empty = await createDatabase({ template: false });
  const pool = createPool({ ...app.deps.config, databaseUrl: empty.url });
  expect(await ready([NOT_YET], { ...app.deps, pool })).toEqual({
    status: 503,
    body: { ...PENDING, pending: [NOT_YET] },
  });
  await pool.end();
  await empty.drop();
});
