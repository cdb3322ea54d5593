/**
 * A database whose disk is really full, and has room again. It makes a file system of its own in memory, and so needs root:
 * `bun test ./tests/server/full-disk.ts`.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdtempSync, rmSync, statfsSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { type EmbeddedServer, startEmbedded } from "../../scripts/embedded-postgres.ts";
import { createTestApp, registerOwner, type TestApp } from "../support/app.ts";
import { prepareLogin } from "../support/postgres.ts";

const SIZE = "64m";
const folder = mkdtempSync(join(tmpdir(), "tenantry-test-full-disk-"));
const disk = join(folder, "disk");
const ballast = join(disk, "ballast");
let server: EmbeddedServer;
let app: TestApp;

function run(...command: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(command);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
}

async function onServer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

beforeAll(async () => {
  const dataDir = join(folder, "postgres");
  server = await startEmbedded({ dataDir });
  chmodSync(folder, 0o755);
  run("mkdir", disk);
  run("mount", "-t", "tmpfs", "-o", `size=${SIZE},mode=755`, "tmpfs", disk);
  const { uid, gid } = statSync(dataDir);
  const tables = join(disk, "tables");
  run("mkdir", tables);
  chownSync(tables, uid, gid);
  // The write-ahead log has room: where it has none PostgreSQL ends, which is another fault.
  await onServer(`CREATE TABLESPACE small LOCATION '${tables}'`);
  await onServer("CREATE DATABASE full_disk TEMPLATE template0 TABLESPACE small");
  const url = Object.assign(new URL(server.url), { pathname: "/full_disk" }).href;
  const deploy = Bun.spawn(["bunx", "prisma", "migrate", "deploy"], {
    env: { ...process.env, DATABASE_URL: url },
    stdio: ["ignore", "pipe", "pipe"],
  });
  if ((await deploy.exited) !== 0) throw new Error(await deploy.stderr.text());
  const appUrl = await prepareLogin(url);
  const given = { url, appUrl, name: "full_disk", query: onServer, drop: async () => {} };
  app = await createTestApp({ RATE_LIMITS: "off" }, given);
}, 180_000);
afterAll(async () => {
  await app?.close();
  server?.stop();
  run("umount", "--lazy", disk);
  rmSync(folder, { recursive: true, force: true });
});

const readiness = async () => {
  const { status, body } = await app.call("GET /health/ready");
  return [status, body.checks.database];
};

async function until(status: number, seconds: number): Promise<void> {
  for (const end = Date.now() + seconds * 1000; (await readiness())[0] !== status; )
    if (Date.now() > end) throw new Error(`no ${status} within ${seconds} s`);
    else await Bun.sleep(100);
}

test("with a full disk it is not ready once something failed, stays so, and is ready once there is room", async () => {
  const owner = await registerOwner(app);
  const create = async (n: number) =>
    (await app.as(owner, "POST /v1/users", { email: `u${n}@members.example` })).status;
  expect(await create(0)).toBe(201);
  const { bavail, bsize } = statfsSync(disk);
  run("fallocate", "-l", String(bavail * bsize), ballast);
  expect(await readiness()).toEqual([200, "ok"]);
  // What pages have room is filled first.
  let made = 0;
  while ((await create(made + 1)) === 201) made += 1;
  const begun = Date.now();
  while (Date.now() - begun < 12_000) {
    expect(await readiness()).toEqual([503, "full"]);
    await Bun.sleep(200);
  }
  expect((await app.as(owner, "GET /v1/users")).status).toBe(200);
  rmSync(ballast);
  await until(200, 8);
  expect(await create(made + 1)).toBe(201);
  expect(await readiness()).toEqual([200, "ok"]);
}, 120_000);
