/**
 * An upgrade without a pause: the release before serves on through every migration since, and beside the new one; the new
 * one waits for the last of them. It needs git's history as far as that release, and so is not among the tests that run
 * everywhere:
 *   bun test ./tests/upgrade/beside.ts
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { startSmtp, type TestSmtp } from "../mail/smtp-server.ts";
import { type Server, startServer } from "../server/start.ts";
import { createDatabase, prepareLogin, type TestDatabase } from "../support/postgres.ts";
import { type Release, unpackLastRelease } from "./release.ts";
import { takeTour } from "./tour.ts";

const MIGRATIONS = join(import.meta.dir, "..", "..", "prisma", "migrations");
const READY_MILLIS = 30_000;

let folder: string;
let release: Release;
let database: TestDatabase;
let admin: pg.Client;
let smtp: TestSmtp;
let before: Server;
let after: Server;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tenantry-test-upgrade-"));
  release = await unpackLastRelease(join(folder, "release"));
  database = await createDatabase({ template: false });
  const deploy = Bun.spawn([process.execPath, "x", "prisma", "migrate", "deploy"], {
    cwd: release.root,
    env: { ...process.env, DATABASE_URL: database.url },
    stdio: ["ignore", "pipe", "pipe"],
  });
  if ((await deploy.exited) !== 0) throw new Error(await deploy.stderr.text());
  await prepareLogin(database.url);
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  smtp = await startSmtp();
  const env = {
    DATABASE_URL: database.appUrl,
    SECRET_KEY: randomBytes(32).toString("base64"),
    ISSUER: "http://localhost:3000",
    SMTP_URL: smtp.url,
    RATE_LIMITS: "off",
    SCHEMA_CHECK: "off",
  };
  before = await startServer(env, release.root);
  after = await startServer(env);
}, 240_000);
afterAll(async () => {
  await before?.stop();
  await after?.stop();
  await smtp?.close();
  await admin?.end();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

/** As `prisma migrate deploy` does. */
async function apply(migration: string): Promise<void> {
  await admin.query(readFileSync(join(MIGRATIONS, migration, "migration.sql"), "utf8"));
  await admin.query(
    "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count) VALUES (gen_random_uuid(), '', $1, now(), 1)",
    [migration],
  );
}

async function readiness({ url }: Server): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${url}/health/ready`);
  return { status: response.status, body: await response.json() };
}

test("a migration that was released is as it was", () => {
  const read = (root: string, migration: string) =>
    readFileSync(join(root, migration, "migration.sql"), "utf8");
  for (const migration of release.migrations) {
    const released = read(join(release.root, "prisma", "migrations"), migration);
    expect([migration, read(MIGRATIONS, migration)]).toEqual([migration, released]);
  }
});

test("the release before works through each migration, while the new one waits for the last", async () => {
  await takeTour([before], smtp);
  for (const migration of release.since) {
    const waiting = await readiness(after);
    expect([migration, waiting.status]).toEqual([migration, 503]);
    expect(waiting.body).toMatchObject({ checks: { database: "ok", migrations: "pending" } });
    await apply(migration);
    await takeTour([before], smtp).catch((err) => {
      throw new Error(`${release.name} does not work after ${migration}`, { cause: err });
    });
  }
  // What the migrations could not know: rights of the login on what is new.
  await prepareLogin(database.url);
}, 300_000);

test("the new one is ready by itself then, and both work beside each other", async () => {
  for (const end = Date.now() + READY_MILLIS; Date.now() < end; await Bun.sleep(50))
    if ((await readiness(after)).status === 200) break;
  expect([await readiness(before), await readiness(after)]).toMatchObject([
    { status: 200 },
    { status: 200 },
  ]);
  await takeTour([after], smtp);
  await takeTour([before, after], smtp);
  await takeTour([after, before], smtp);
  for (const { output } of [before, after]) expect(output()).not.toContain('"internal_error"');
}, 120_000);
