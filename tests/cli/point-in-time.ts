/**
 * Back to a point in time with PostgreSQL's own tools: a base backup by pg_basebackup, the write-ahead log in a folder, a
 * recovery to a moment between two changes; then what an operator does with Tenantry. It needs postgresql-client:
 *   bun test ./tests/cli/point-in-time.ts
 */
import { afterAll, expect, test } from "bun:test";
import {
  appendFileSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { type EmbeddedServer, startEmbedded } from "../../scripts/embedded-postgres.ts";
import { createTestApp, registerOwner } from "../support/app.ts";
import { createDatabase } from "../support/postgres.ts";
import type { Version } from "../support/versions.ts";
import { runCommand } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "tenantry-test-point-in-time-"));
const [dataDir, base, archive] = ["postgres", "base", "archive"].map((name) =>
  join(folder, name),
) as [string, string, string];
const servers: EmbeddedServer[] = [];
afterAll(() => {
  for (const server of servers) server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(dataDir: string): Promise<string> {
  const told = Bun.spawnSync(["pg_basebackup", "--version"]).stdout.toString();
  const version = Number(/\) (\d+)/.exec(told)?.[1]) as Version;
  const server = await startEmbedded({ dataDir, version });
  servers.push(server);
  return server.url;
}

async function ask<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return (await client.query<Row>(sql).finally(() => client.end())).rows;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; !(await isSo()); await Bun.sleep(200))
    if (Date.now() > end) throw new Error("not within half a minute");
}

/** @throws Error with what it said. */
function run(...command: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(command);
  if (exitCode !== 0) throw new Error(`${command[0]}: ${stderr}`);
}

test("what was there at the moment is there, what came after is not, and the restore is closed", async () => {
  let url = await start(dataDir);
  const { uid, gid } = statSync(dataDir);
  mkdirSync(archive);
  chownSync(archive, uid, gid);
  await ask(url, "ALTER SYSTEM SET archive_mode = on");
  await ask(url, `ALTER SYSTEM SET archive_command = 'cp %p ${archive}/%f'`);
  servers.pop()?.stop();
  url = await start(dataDir);

  const database = await createDatabase({ server: url });
  const app = await createTestApp({}, { ...database, drop: async () => {} });
  const owner = await registerOwner(app);
  const { username, password, hostname, port } = new URL(url);
  const backup = Bun.spawnSync(
    ["pg_basebackup", "-h", hostname, "-p", port, "-U", username, "-D", base, "--checkpoint=fast"],
    // Debian's wrapper complains of a locale that the machine has not got.
    { env: { ...process.env, LC_ALL: "C", PGPASSWORD: password } },
  );
  expect([backup.exitCode, backup.stderr.toString()]).toEqual([0, ""]);

  const make = async (name: string) =>
    (await app.as(owner, "POST /v1/users", { email: `${name}@members.example` })).body.id;
  const early = await make("early");
  await Bun.sleep(1000);
  const [moment] = await ask<{ at: string }>(url, "SELECT now()::text AS at");
  await Bun.sleep(1000);
  await make("late");
  expect((await app.as(owner, `DELETE /v1/users/${early}`)).status).toBe(204);
  const [last] = await ask<{ file: string }>(
    url,
    "SELECT pg_walfile_name(pg_switch_wal()) AS file",
  );
  await until(async () => await Bun.file(join(archive, last?.file ?? "")).exists());
  const secretKey = app.deps.config.secretKey.toString("base64");
  await app.close();
  servers.pop()?.stop();

  writeFileSync(join(base, "recovery.signal"), "");
  const settings = {
    restore_command: `cp ${archive}/%f %p`,
    recovery_target_time: moment?.at,
    recovery_target_action: "promote",
    // It writes nothing into the archive of the original.
    archive_mode: "off",
  };
  for (const [name, value] of Object.entries(settings))
    appendFileSync(join(base, "postgresql.auto.conf"), `${name} = '${value}'\n`);
  run("chown", "-R", `${uid}:${gid}`, base);
  run("cp", "--archive", `${dataDir}.password`, `${base}.password`);
  const recovered = await start(base);
  await until(async () => {
    const [row] = await ask<{ isOver: boolean }>(
      recovered,
      `SELECT NOT pg_is_in_recovery() AS "isOver"`,
    );
    return row?.isOver === true;
  });

  const at = (of: string) => Object.assign(new URL(of), { port: new URL(recovered).port }).href;
  const people = await ask<{ email: string; gone: boolean }>(
    at(database.url),
    "SELECT email, is_deleted AS gone FROM users WHERE email LIKE '%@members.example' ORDER BY email",
  );
  expect(people).toEqual([{ email: "early@members.example", gone: false }]);
  const env = { DATABASE_URL: at(database.appUrl), SECRET_KEY: secretKey };
  const closed = await runCommand("platform", ["restored", "--yes", "--json"], env);
  expect([closed.code, closed.err]).toEqual([0, ""]);
  expect(JSON.parse(closed.out)).toMatchObject({ done: true, ended: { sessions: 1 } });
  const verified = await runCommand("audit", ["verify"], env);
  expect([verified.code, verified.err]).toEqual([0, ""]);
}, 240_000);
