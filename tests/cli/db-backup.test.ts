/** `bun run db:backup` and `db:restore` as far as they need no pg_dump: backup.ts beside this has the rest. */
import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environmentOf, findTool } from "../../src/operations/backup/tools.ts";
import { testApp } from "../support/app.ts";
import { runCommand } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "tenantry-test-backup-"));
const app = testApp();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder with a program that tells this version, and does nothing else. */
function toolsOf(version: string): string {
  const bin = join(folder, version);
  mkdirSync(bin, { recursive: true });
  for (const name of ["pg_dump", "pg_restore"]) {
    writeFileSync(join(bin, name), `#!/bin/sh\necho '${name} (PostgreSQL) ${version}'\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}

test("of the tools on a machine that of the server's version is taken, else the next newer one", async () => {
  const env = { PG_BIN: toolsOf("97.1"), PATH: `${toolsOf("96.2")}:/nowhere:${toolsOf("98.0")}` };
  for (const [server, version] of [
    [96, "96.2"],
    [97, "97.1"],
    [98, "98.0"],
  ] as const)
    expect(await findTool("pg_dump", server, env)).toMatchObject({ version, major: server });
  delete (env as { PG_BIN?: string }).PG_BIN;
  expect(await findTool("pg_dump", 97, env)).toMatchObject({ version: "98.0" });
});

test("where none fits it is said what to install", async () => {
  const env = { PATH: toolsOf("96.2") };
  await expect(findTool("pg_restore", 99, env)).rejects.toThrow(
    /^pg_restore of version 99 or newer is needed, and found: .*96\.2.*\. Install postgresql-client-99, or set PG_BIN/,
  );
});

test("what libpq is told: all of the URL that it knows, and of Prisma's nothing", () => {
  const url =
    "postgresql://own%40er:p%2Fw@[::1]:5433/ten%20ant?sslmode=verify-full&sslrootcert=/ca.pem&connection_limit=5&schema=public";
  expect(environmentOf(url, { PATH: "/bin", HOME: "/root", SECRET_KEY: "x" })).toEqual({
    ...{ PATH: "/bin", HOME: "/root", LC_ALL: "C" },
    ...{ PGAPPNAME: "tenantry backup", PGCONNECT_TIMEOUT: "10" },
    ...{
      PGHOST: "::1",
      PGPORT: "5433",
      PGUSER: "own@er",
      PGPASSWORD: "p/w",
      PGDATABASE: "ten ant",
    },
    ...{ PGSSLMODE: "verify-full", PGSSLROOTCERT: "/ca.pem" },
  });
  expect(environmentOf("postgresql:///db?host=/run/postgresql", {})).toMatchObject({
    PGHOST: "/run/postgresql",
  });
});

test("what cannot be backed up or restored is said in a line, ends with 2 and leaves no file", async () => {
  const owner = { DATABASE_URL: app.database.url };
  const server = { DATABASE_URL: app.database.appUrl };
  const key = { SECRET_KEY: app.deps.config.secretKey.toString("base64") };
  const output = join(folder, "new.dump");
  const taken = join(folder, "taken.dump");
  writeFileSync(taken, "somebody's");
  const before = readdirSync(folder).toSorted();
  const cases: [string, string[], Record<string, string>, string][] = [
    ["backup", [], owner, "--output is missing"],
    ["backup", ["--output", output], {}, "DATABASE_URL: is required"],
    ["backup", ["--output", output], server, "Name a superuser, or the owner of the tables"],
    ["backup", ["--output", taken], owner, "is there already. A backup replaces no other one"],
    ["backup", ["--output", "/nowhere/x.dump"], owner, "nothing can be written to /nowhere"],
    ["restore", [], { ...owner, ...key }, "--input is missing"],
    ["restore", ["--input", taken], owner, "SECRET_KEY: is required"],
    ["restore", ["--input", taken], { ...owner, ...key }, "is not what db:backup writes beside"],
  ];
  for (const [name, args, env, message] of cases) {
    const { code, out, err } = await runCommand(`db-${name}`, args, env);
    expect([code, out, err]).toEqual([2, "", expect.stringContaining(message)]);
    expect(err).not.toContain("    at ");
  }
  expect(readdirSync(folder).toSorted()).toEqual(before);
});

test("--help tells the options", async () => {
  for (const [name, option] of [
    ["db-backup", "--output FILE"],
    ["db-restore", "--input FILE"],
  ] as const) {
    const { code, out } = await runCommand(name, ["--help"], {});
    expect([code, out]).toEqual([0, expect.stringContaining(option)]);
  }
});
