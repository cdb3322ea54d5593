/** However a command fails: one sentence, the exit code that --help names, JSON where JSON was asked for, and nothing half done. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { usableVariables } from "../../src/operations/doctor/variables.ts";
import { registerOwner, testApp } from "../support/app.ts";
import { runCommand } from "./command.ts";

const app = testApp();
const PASSWORD = "a-password-of-a-database";

/** Each with what it exits with where it cannot run. */
const COMMANDS: [string, string[], number][] = [
  ["db-stats", [], 2],
  ["db-performance", [], 2],
  ["db-maintain", ["--dry-run"], 2],
  ["db-backup", ["--output", join(tmpdir(), "tenantry-test-no.dump")], 2],
  ["platform", ["bootstrap"], 2],
  ["platform", ["restored", "--yes"], 2],
  ["keys", ["list"], 1],
  ["keys", ["reencrypt"], 1],
  ["audit", ["verify"], 1],
];

const given = (change: Record<string, string> = {}) => ({
  ...{ ISSUER: "https://login.acme.example", APP_URL: "https://acme.example" },
  DATABASE_URL: app.database.appUrl,
  SECRET_KEY: app.deps.config.secretKey.toString("base64"),
  ...change,
});

/** A sentence, on stderr as it is and with --json in an object too. */
function expectFailure(
  { out, err, code }: { out: string; err: string; code: number },
  { exits, says }: { exits: number; says: RegExp },
): void {
  const lines = err.split("\n").filter((line) => line !== "" && !line.endsWith(" …"));
  expect(lines).toEqual([expect.stringMatching(/^error: .+\.$/)]);
  expect(lines[0]).toMatch(says);
  expect(JSON.parse(out)).toEqual({ error: lines[0]?.replace("error: ", "") });
  expect([code, err.includes(PASSWORD)]).toEqual([exits, false]);
}

describe("with --json a failure is JSON too:", () => {
  test.each(COMMANDS)(
    "%s %p, where the database is away, or the password wrong",
    async (name, args, exits) => {
      const away = `postgresql://u:${PASSWORD}@127.0.0.1:1/x`;
      const refused = new URL(app.database.appUrl);
      refused.password = PASSWORD;
      const told = (DATABASE_URL: string) =>
        runCommand(name, [...args, "--json"], given({ DATABASE_URL }));
      const [one, other] = await Promise.all([told(away), told(refused.href)]);
      expectFailure(one, { exits, says: /127\.0\.0\.1:1 does not answer: nothing listens there/ });
      expectFailure(other, { exits, says: /refuses the password of the user/ });
    },
  );

  test.each(COMMANDS)(
    "%s %p, with an option that there is not, and one without its value",
    async (name, args, exits) => {
      const unknown = await runCommand(name, [...args, "--json", "--nope"], given());
      expectFailure(unknown, { exits, says: /^error: Unknown option '--nope'\. See --help\.$/ });
      const value = {
        "db-stats": "--since",
        platform: "--email",
        keys: "--old-keys",
        audit: "--tenant",
        "db-performance": "--tenant",
      }[name];
      if (value === undefined) return;
      const missing = await runCommand(name, ["--json", ...args.slice(0, 1), value], given());
      expectFailure(missing, { exits, says: /argument missing\. See --help\.$/ });
    },
  );
});

test("a login without rights is told in a sentence", async () => {
  await app.database.query(`CREATE ROLE without_rights LOGIN PASSWORD '${PASSWORD}'`);
  const url = new URL(app.database.url);
  Object.assign(url, { username: "without_rights", password: PASSWORD });
  for (const [name, args, exits] of COMMANDS.filter(([name]) => name !== "db-stats")) {
    const refused = await runCommand(name, [...args, "--json"], given({ DATABASE_URL: url.href }));
    expectFailure(refused, {
      exits,
      says: /a role that may not do this|a login that may not read/,
    });
  }
  await app.database.query("DROP ROLE without_rights");
});

/** Of a shell, with its output put somewhere. */
async function inShell(line: string, env: Record<string, string>) {
  const command = `${process.execPath} --no-env-file src/cli/${line}`;
  const child = Bun.spawn(["bash", "-c", command], {
    cwd: join(import.meta.dir, "..", ".."),
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { out, err, code };
}

test("an output that cannot be written is no success; one that is closed early is", async () => {
  await registerOwner(app);
  const lines = ["db-stats.ts --json", "keys.ts list", "audit.ts verify"];
  for (const [at, line] of lines.entries()) {
    const full = await inShell(`${line} > /dev/full`, given());
    expect([full.code, full.err]).toEqual([
      at === 0 ? 2 : 1,
      expect.stringMatching(/cannot be written \(ENOSPC\)\.\n$/),
    ]);
    const closed = await inShell(`${line} | true; exit \${PIPESTATUS[0]}`, given());
    expect(closed).toEqual({ out: "", err: closed.err, code: 0 });
    expect(closed.err).not.toContain("rror");
  }
});

describe("Ctrl-C ends what waits for a lock, at once, says so, and leaves nothing half done:", () => {
  const folder = mkdtempSync(join(tmpdir(), "tenantry-test-ended-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const waiting: [string, string[], number][] = [
    ["doctor", [], 2],
    ["db-performance", [], 2],
    ["db-maintain", [], 2],
    ["keys", ["list"], 1],
    ["keys", ["rotate", "--now"], 1],
    ["keys", ["reencrypt"], 1],
    ["audit", ["verify"], 1],
    ["audit", ["archive", "--before", "2025-02", "--output", join(folder, "a.gz")], 1],
    ["platform", ["bootstrap"], 2],
    ["platform", ["restored", "--yes"], 2],
    ["roles", [], 1],
  ];
  test.each(waiting)("%s %p", async (name, args, exits) => {
    const before = await written();
    const client = new pg.Client({ connectionString: app.database.url });
    await client.connect();
    await client.query(
      "BEGIN; REVOKE SELECT ON _prisma_migrations FROM tenantry_app; LOCK TABLE users, sessions, signing_keys, audit_seals, one_time_tokens IN ACCESS EXCLUSIVE MODE",
    );
    const [{ begun }] = (await client.query("SELECT clock_timestamp() AS begun")).rows;
    const child = Bun.spawn([process.execPath, "--no-env-file", `src/cli/${name}.ts`, ...args], {
      cwd: join(import.meta.dir, "..", ".."),
      // Only the owner may archive.
      env: { PATH: process.env.PATH ?? "", ...ofOwner() },
      stdio: ["ignore", "pipe", "pipe"],
    });
    // The one before may still wait there though its command has ended; a transaction sees one state of this view.
    const waits = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND backend_start > $1`;
    while ((await app.deps.pool.query(waits, [begun])).rows.length === 0) await Bun.sleep(50);
    const start = performance.now();
    child.kill("SIGINT");
    expect([await child.exited, await child.stderr.text()]).toEqual([
      exits,
      expect.stringMatching(/error: ended by SIGINT\.\n$/),
    ]);
    expect(performance.now() - start).toBeLessThan(3000);
    await client.query("ROLLBACK");
    await client.end();
    expect([await written(), readdirSync(folder)]).toEqual([before, []]);
  });

  function ofOwner() {
    const APP_DATABASE_URL = new URL(app.database.url);
    Object.assign(APP_DATABASE_URL, { username: "made_for_nobody", password: PASSWORD });
    return given({ DATABASE_URL: app.database.url, APP_DATABASE_URL: APP_DATABASE_URL.href });
  }

  /** What these commands would change. */
  async function written() {
    const { rows } = await app.deps.pool.query(
      `SELECT (SELECT count(*) FROM audit_log) AS audit, (SELECT count(*) FROM one_time_tokens) AS tokens,
         (SELECT string_agg(concat(id, retired_at, private_jwk), ',' ORDER BY id) FROM signing_keys) AS keys,
         (SELECT count(*) FROM pg_roles WHERE rolname = 'made_for_nobody') AS roles`,
    );
    return rows[0];
  }
});

test("variables that stand in files are read, and their faults told", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tenantry-test-files-"));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const { DATABASE_URL, SECRET_KEY, ...rest } = given();
  const files = {
    ...{
      DATABASE_URL_FILE: file("url", `${DATABASE_URL}\r\n`),
      SECRET_KEY_FILE: file("key", SECRET_KEY),
    },
    SMTP_URL_FILE: file("smtp", "smtp://127.0.0.1:1"),
  };
  expect((await runCommand("db-stats", ["--json"], { ...rest, ...files })).code).not.toBe(2);
  expect(usableVariables({ ...rest, ...files })).toMatchObject({
    DATABASE_URL,
    SECRET_KEY,
    SMTP_URL: "smtp://127.0.0.1:1",
  });
  const examined = await runCommand("doctor", ["--json"], {
    ...rest,
    ...files,
    HOST: "127.0.0.1",
    PORT: "0",
  });
  const { findings } = JSON.parse(examined.out);
  const state = (name: string) =>
    findings.find((each: { name: string }) => each.name === name)?.state;
  expect(["configuration", "mail", "database", "keys"].map(state)).toEqual([
    "ok",
    "wrong",
    "ok",
    "ok",
  ]);
  const absent = await runCommand("db-stats", [], { DATABASE_URL_FILE: join(folder, "none") });
  expect([absent.code, absent.err]).toEqual([
    2,
    "error: DATABASE_URL_FILE: names a file that cannot be read (ENOENT).\n",
  ]);
  rmSync(folder, { recursive: true });
});
