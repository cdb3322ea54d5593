/** `bun run db:roles`: the login that the server runs as, with a secret of its own. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SQL } from "bun";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { runCommand } from "./command.ts";

const user = `tenantry_roles_${randomBytes(4).toString("hex")}`;
const PASSWORD = randomBytes(24).toString("hex");

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(async () => {
  await database.query(`DROP OWNED BY ${user}; DROP ROLE ${user}`);
  await database.drop();
});

function as(user: string, password: string): string {
  const url = new URL(database.url);
  url.username = user;
  url.password = password;
  return url.href;
}

async function run(appUrl: string): Promise<{ status: number; output: string }> {
  const env = { DATABASE_URL: database.url, APP_DATABASE_URL: appUrl };
  const { out, err, code } = await runCommand("roles", [], env);
  return { status: code, output: out + err };
}

test("it makes a login that works, and gives it a new password when it is run again", async () => {
  for (const password of [PASSWORD, randomBytes(24).toString("hex")]) {
    expect(await run(as(user, password))).toEqual({
      status: 0,
      output: expect.stringContaining(`The login ${user} is ready`),
    });
    const sql = new SQL(as(user, password));
    expect([...(await sql`SELECT current_user::text AS me`)]).toEqual([{ me: user }]);
    await sql.end();
  }
});

describe("R60: it refuses, and shows no secret,", () => {
  const owner = () => new URL(database.url);
  const tries: [string, () => string, string][] = [
    ["the owner's user", () => as(owner().username, PASSWORD), "must be another user"],
    ["the owner's password", () => as(user, decodeURIComponent(owner().password)), "of its own"],
    ["no password", () => as(user, ""), "must name a user and a password"],
    ["the user's name as its password", () => as(user, user), "can be guessed"],
    ["the name with a year", () => as("api", "Api-2026!"), "can be guessed"],
    ["a number", () => as(user, "123456"), "can be guessed"],
  ];
  for (const [name, url, message] of tries) {
    test(name, async () => {
      const { status, output } = await run(url());
      expect([status, output]).toEqual([1, expect.stringContaining(message)]);
      expect(output).not.toContain(decodeURIComponent(owner().password));
    });
  }
});

test("the login has its timeouts from its role, whatever a pooler drops, and those that are asked for", async () => {
  const timeouts = async () => {
    const sql = new SQL(as(user, PASSWORD));
    const rows = await sql`
      SELECT current_setting('statement_timeout') AS statement,
        current_setting('idle_in_transaction_session_timeout') AS idle`;
    await sql.end();
    return { ...rows[0] };
  };
  expect((await run(as(user, PASSWORD))).status).toBe(0);
  expect(await timeouts()).toEqual({ statement: "10s", idle: "10s" });
  const env = { DATABASE_URL: database.url, APP_DATABASE_URL: as(user, PASSWORD) };
  const { code } = await runCommand("roles", [], { ...env, DATABASE_TIMEOUT_SECONDS: "3" });
  expect([code, await timeouts()]).toEqual([0, { statement: "3s", idle: "3s" }]);
  const wrong = await runCommand("roles", [], { ...env, DATABASE_TIMEOUT_SECONDS: "3s" });
  expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining("DATABASE_TIMEOUT_SECONDS")]);
});

test("both URLs may stand in files, and not in both places", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tenantry-roles-"));
  const [owner, app] = ["owner", "app"].map((name) => join(folder, name)) as [string, string];
  writeFileSync(owner, `${database.url}\n`);
  writeFileSync(app, `${as(user, PASSWORD)}\n`);
  const env = { DATABASE_URL_FILE: owner, APP_DATABASE_URL_FILE: app };
  expect((await runCommand("roles", [], env)).code).toBe(0);
  const both = await runCommand("roles", [], { ...env, DATABASE_URL: database.url });
  expect([both.code, both.err]).toEqual([1, expect.stringContaining("DATABASE_URL_FILE stands")]);
  rmSync(folder, { recursive: true });
});

test("a password that a URL cannot hold as it is: the words say what to do", async () => {
  const { status, output } = await run(as(user, "x").replace(":x@", ":pa#ss/word@"));
  expect([status, output]).toEqual([1, expect.stringContaining("Percent-encode")]);
  expect(output).not.toContain("ss/word");
});

test("every command names the host and what failed, and no password", async () => {
  const env = {
    DATABASE_URL: `postgresql://user:hunter2@no-such-host.invalid:5432/tenantry`,
    APP_DATABASE_URL: as(user, PASSWORD),
    SECRET_KEY: randomBytes(32).toString("base64"),
  };
  const calls: [Parameters<typeof runCommand>[0], string[]][] = [
    ["roles", []],
    ["keys", ["list"]],
    ["audit", ["verify"]],
  ];
  for (const [name, args] of calls) {
    const { code, err } = await runCommand(name, args, env);
    expect([name, code, err]).toEqual([
      name,
      1,
      expect.stringMatching(
        /^error: the database at no-such-host\.invalid:5432 does not answer: \w/,
      ),
    ]);
    expect(err).not.toContain("hunter2");
  }
});
