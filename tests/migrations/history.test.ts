import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

const ROOT = join(import.meta.dir, "..", "..");

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

test("prisma migrate diff from the complete database to schema.prisma is empty", async () => {
  const diff = Bun.spawn(
    [
      "bunx",
      "prisma",
      "migrate",
      "diff",
      "--from-config-datasource",
      "--to-schema",
      "prisma/schema.prisma",
      "--exit-code",
    ],
    {
      cwd: ROOT,
      env: { ...process.env, DATABASE_URL: database.url },
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  const [stdout, status] = await Promise.all([diff.stdout.text(), diff.exited]);
  expect({ stdout: stdout.trim(), status }).toEqual({
    stdout: "No difference detected.",
    status: 0,
  });
});
