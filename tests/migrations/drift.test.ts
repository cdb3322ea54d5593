/** This repository's own schema: what its migrations make is what it declares, and no hand-written rule can vanish unseen. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { execute, runDrift } from "../../packages/drift/tests/project.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

const ROOT = join(import.meta.dir, "../..");

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(() => database.drop());

const drift = (args: string[] = []) => runDrift(ROOT, database.url, args);

test("a freshly migrated database has no drift, also under --strict", async () => {
  const { code, stdout, stderr } = await drift(["--strict"]);
  expect(stderr).toBe("");
  expect(stdout).toStartWith("no drift");
  expect(code).toBe(0);
});

test("every hand-written CHECK is missed when it is dropped", async () => {
  const { rows } = await execute(
    database.url,
    "SELECT conrelid::regclass::text AS table, conname AS name FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace",
  );
  expect(rows.length).toBeGreaterThan(20);
  await execute(
    database.url,
    rows.map(({ table, name }) => `ALTER TABLE ${table} DROP CONSTRAINT ${name};`).join("\n"),
  );

  const { code, stdout } = await drift(["--format", "json"]);
  const missing = rows.map(({ table, name }) => `missing constraint ${table}.${name}`).sort();
  const findings: { change: string; kind: string; name: string; declaredIn: string }[] =
    JSON.parse(stdout).findings;
  expect(findings.map(({ change, kind, name }) => `${change} ${kind} ${name}`)).toEqual(missing);
  for (const { declaredIn } of findings) expect(declaredIn).toStartWith("migrations-sql/");
  expect(code).toBe(2);
});
