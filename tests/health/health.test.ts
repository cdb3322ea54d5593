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

test("the migrations of the build are those of prisma/migrations", () => {
  const names = shippedMigrations("prisma/migrations");
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) expect(name).toMatch(/^\d{14}_\w+$/);
});

const PENDING = { status: "unavailable", checks: { database: "ok", migrations: "pending" } };

test("a build that is ahead of its database is not ready", async () => {
  const names = shippedMigrations("prisma/migrations");
  expect(await ready([...names, "29991231235959_not_yet"])).toEqual({ status: 503, body: PENDING });
});

test("a build that is behind its database is: the old instances go on while the new ones come", async () => {
  expect((await ready([])).status).toBe(200);
});

test("a migration that failed or was rolled back does not count as applied", async () => {
  const names = shippedMigrations("prisma/migrations");
  const set = (column: "finished_at" | "rolled_back_at", value: string) =>
    app.deps.pool.query(`UPDATE _prisma_migrations SET ${column} = ${value}`);
  await set("finished_at", "NULL");
  expect(await ready(names)).toEqual({ status: 503, body: PENDING });
  await set("finished_at", "now()");
  await set("rolled_back_at", "now()");
  expect(await ready(names)).toEqual({ status: 503, body: PENDING });
  await set("rolled_back_at", "NULL");
  expect((await ready(names)).status).toBe(200);
});

test("a database without any migration is pending, not unreachable", async () => {
  const empty = await createDatabase({ template: false });
  const pool = createPool({ ...app.deps.config, databaseUrl: empty.url });
  expect(await ready(["29991231235959_not_yet"], { ...app.deps, pool })).toEqual({
    status: 503,
    body: PENDING,
  });
  await pool.end();
  await empty.drop();
});
