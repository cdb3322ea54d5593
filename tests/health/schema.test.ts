import { expect, test } from "bun:test";
import { join } from "node:path";
import { watchSchema } from "../../src/health/schema-watch.ts";
import { createTestApp } from "../support/app.ts";
import { createDatabase } from "../support/postgres.ts";

const SNAPSHOT = join(import.meta.dir, "..", "..", "migrations-sql", "drift.snapshot.json");

test("a database that every migration made has the fingerprint of the committed snapshot", async () => {
  const app = await createTestApp({ SCHEMA_CHECK: "require" });
  const { status, body } = await app.call("GET /health/ready");
  await app.close();
  expect(body).toMatchObject({ status: "ok", checks: { schema: "ok" } });
  expect(body.schema.live).toBe(body.schema.expected);
  expect(status).toBe(200);
});

test.each([
  ["report", 200],
  ["require", 503],
])("with SCHEMA_CHECK=%s a schema that drifted answers %d", async (mode, expected) => {
  const database = await createDatabase();
  await database.query("ALTER TABLE users DROP CONSTRAINT users_email_lower_check");
  const app = await createTestApp({ SCHEMA_CHECK: mode }, database);
  const { status, body } = await app.call("GET /health/ready");
  await app.close();
  expect(body.checks).toEqual({ database: "ok", migrations: "ok", schema: "drift" });
  expect(status).toBe(expected);
});

test("a change is seen without a restart, and a database that is away makes the state unknown", async () => {
  const database = await createDatabase();
  const errors: unknown[] = [];
  const watch = await watchSchema({
    databaseUrl: database.url,
    snapshotFile: SNAPSHOT,
    everySeconds: 0.05,
    onError: (err) => errors.push(err),
  });
  expect(watch.current().verdict).toBe("ok");
  await database.query("CREATE INDEX hasty ON users (first_name)");
  await until(() => watch.current().verdict === "drift");
  await database.drop();
  await until(() => watch.current().verdict === "unknown");
  watch.stop();
  expect(errors.length).toBeGreaterThan(0);
});

async function until(isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !isSo(); await Bun.sleep(20))
    if (Date.now() > end) throw new Error("not within ten seconds");
}
