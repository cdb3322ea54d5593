/** The tables of pg-boss come with a migration. A newer package may want others, and says so nowhere but here. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { getConstructionPlans, PgBoss } from "pg-boss";
import { runDrift } from "../../packages/drift/tests/project.ts";
import { testApp } from "../support/app.ts";
import { onMail } from "./handlers.ts";

const ROOT = join(import.meta.dir, "..", "..");
const MIGRATION = "prisma/migrations/20261121183500_add_job_queue/migration.sql";
/** Prisma has a transaction of its own, and one migration at a time. */
const WRAPPING = /^(BEGIN;|COMMIT;|SET LOCAL .*|SELECT pg_advisory_xact_lock.*)$/;

const app = testApp();

test("the migration is what the installed pg-boss would make", () => {
  const printed = linesOf(getConstructionPlans("pgboss"))
    .filter((line) => !WRAPPING.test(line))
    .map((line) => line.replace("CREATE SCHEMA IF NOT EXISTS", "CREATE SCHEMA"));
  const written = linesOf(readFileSync(join(ROOT, MIGRATION), "utf8"));
  expect(written.filter((line) => !line.startsWith("--"))).toEqual(printed);
});

test("the migrated database has the version that the installed pg-boss asks for, and no other shape", async () => {
  const boss = new PgBoss({
    migrate: false,
    createSchema: false,
    db: { executeSql: (text, values) => app.deps.pool.query(text, values) },
  });
  const { pgboss } = JSON.parse(
    readFileSync(join(ROOT, "node_modules/pg-boss/package.json"), "utf8"),
  );
  expect(await boss.schemaVersion()).toBe(pgboss.schema);
  expect(await boss.detectSchemaDrift()).toMatchObject({ ok: true, extraIndexes: [] });
});

test("the queue changes no schema: there is no drift once it works", async () => {
  await app.deps.jobs.start(onMail(async () => {}));
  await app.deps.jobs.stop();
  const { code, stdout } = await runDrift(ROOT, app.database.url, ["--strict"]);
  expect(stdout).toStartWith("no drift");
  expect(code).toBe(0);
});

function linesOf(sql: string): string[] {
  return sql
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
