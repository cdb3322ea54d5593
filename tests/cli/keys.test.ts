/** `bun run keys` as an operator runs it: a process of its own beside a running instance. */
import { beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { sealKeyId } from "../../src/audit/chain.ts";
import { readAuditKeys } from "../../src/audit/keys.ts";
import { decrypt, deriveKeyring, encrypt } from "../../src/crypto/secret.ts";
import { newId } from "../../src/db/id.ts";
import { createSuperAdmin, testApp } from "../support/app.ts";
import { createDatabase } from "../support/postgres.ts";
import { runCommand } from "./command.ts";

const app = testApp();
let env: Record<string, string>;
beforeAll(() => {
  env = {
    DATABASE_URL: app.database.url,
    SECRET_KEY: app.deps.config.secretKey.toString("base64"),
  };
});

const keys = (args: string[], given = env) => runCommand("keys", args, given);

/** Id and state of each key, as `list` shows them. */
async function states() {
  const { out, code } = await keys(["list"]);
  expect(code).toBe(0);
  return out
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [id, algorithm, state] = line.split(/ +/);
      return [id, algorithm, state];
    });
}

test("list, rotate, rotate once more, rotate --now: each says what it did, and the running instance follows", async () => {
  const account = await createSuperAdmin(app);
  const me = async () => (await app.call("GET /v1/auth/me", { token: account.accessToken })).status;
  const first = app.deps.signingKeys.current().id;
  expect(await states()).toEqual([[first, "ES256", "current"]]);

  const rotated = await keys(["rotate"], { ...env, SIGNING_ALGORITHM: "EdDSA" });
  const next = /Published the next key: (\S+)\. It signs from \S+Z on\.\n$/.exec(rotated.out)?.[1];
  expect([rotated.code, rotated.err, typeof next]).toEqual([0, "", "string"]);
  const again = await keys(["rotate"]);
  expect([again.code, again.out]).toEqual([0, expect.stringContaining(`already: ${next}.`)]);
  expect(await states()).toEqual([
    [next, "EdDSA", "next"],
    [first, "ES256", "current"],
  ]);
  expect(await me()).toBe(200);

  const replaced = await keys(["rotate", "--now"]);
  expect([replaced.code, replaced.err]).toEqual([0, ""]);
  expect(replaced.out).toStartWith("Ended 2 of the keys. ");
  const end = Date.now() + 1000;
  while ((await me()) === 200 && Date.now() < end) await Bun.sleep(5);
  expect(await me()).toBe(401);
  const [current, ...others] = await states();
  expect(current?.slice(1)).toEqual(["ES256", "current"]);
  expect(app.deps.signingKeys.current().id).toBe(String(current?.[0]));
  expect(others).toEqual([[first, "ES256", "retired"]]);
});

test("reencrypt counts what it renewed, and does nothing the second time", async () => {
  const renewed = { ...env, SECRET_KEY: randomBytes(32).toString("base64") };
  const both = { ...renewed, SECRET_KEY_PREVIOUS: env.SECRET_KEY ?? "" };
  const first = await keys(["reencrypt"], both);
  expect([first.code, first.err]).toEqual([0, ""]);
  expect(first.out).toContain("signing keys: 2 encrypted anew, 0 were up to date\n");
  const second = await keys(["reencrypt"], renewed);
  expect([second.code, second.err]).toEqual([0, ""]);
  expect(second.out).toContain("signing keys: 0 encrypted anew, 2 were up to date\n");
  expect(second.out).toEndWith("SECRET_KEY_PREVIOUS can be removed.\n");
  // And back, for the instance that still runs with the first one.
  const back = { ...env, SECRET_KEY_PREVIOUS: renewed.SECRET_KEY };
  expect((await keys(["reencrypt"], back)).code).toBe(0);
});

describe("what cannot be done is said in a line, ends with 1 and changes nothing", () => {
  test.each<[string, string[], () => Record<string, string>, string]>([
    [
      "no DATABASE_URL",
      ["list"],
      () => ({ SECRET_KEY: env.SECRET_KEY ?? "" }),
      "DATABASE_URL: is required",
    ],
    [
      "no SECRET_KEY",
      ["list"],
      () => ({ DATABASE_URL: env.DATABASE_URL ?? "" }),
      "SECRET_KEY: is required",
    ],
    ["no command", [], () => env, "Name one command"],
    ["another command", ["delete"], () => env, "Name one command"],
    ["two commands", ["list", "rotate"], () => env, "Name one command"],
    ["an unknown option", ["list", "--force"], () => env, "--force"],
    ["--now without rotate", ["reencrypt", "--now"], () => env, "--now belongs to rotate"],
    [
      "a database that does not answer",
      ["list"],
      () => ({ ...env, DATABASE_URL: "postgresql://127.0.0.1:1/nothing" }),
      "does not answer: nothing listens there",
    ],
    ...[["rotate"], ["rotate", "--now"], ["reencrypt"]].map(
      (args): [string, string[], () => Record<string, string>, string] => [
        `a SECRET_KEY that opens nothing: ${args.join(" ")}`,
        args,
        () => ({ ...env, SECRET_KEY: randomBytes(32).toString("base64") }),
        "SECRET_KEY opens none of the signing keys of this database",
      ],
    ),
  ])("%s", async (_name, args, given, message) => {
    const rows = () => app.deps.db.signingKey.findMany({ orderBy: { id: "asc" } });
    const before = await rows();
    const { out, err, code } = await keys(args, given());
    expect([out, code]).toEqual(["", 1]);
    expect(err).toStartWith("error: ");
    expect(err).toContain(message);
    expect(err).not.toContain("    at ");
    expect(await rows()).toEqual(before);
  });

  test("a database without tables", async () => {
    const empty = await createDatabase({ template: false });
    try {
      for (const args of [["list"], ["rotate"], ["reencrypt"]]) {
        const { err, code } = await keys(args, { ...env, DATABASE_URL: empty.url });
        expect([code, err]).toEqual([1, expect.stringContaining("has no tables yet")]);
      }
    } finally {
      await empty.drop();
    }
  });

  test("a value that no key opens: the others are renewed, and it is counted", async () => {
    const { id } = app.deps.signingKeys.current();
    const row = await app.deps.db.signingKey.findUniqueOrThrow({ where: { id } });
    await app.deps.db.signingKey.create({ data: { ...row, id: "moved here", publicJwk: {} } });
    try {
      const { out, err, code } = await keys(["reencrypt"]);
      expect([code, err]).toEqual([1, expect.stringContaining("open with neither")]);
      expect(out).toContain("signing keys: 0 encrypted anew, 2 were up to date, 1 unreadable\n");
    } finally {
      await app.deps.db.signingKey.delete({ where: { id: "moved here" } });
    }
  });
});

test("--old-keys opens what a key of before left behind, and keeps that key for the seals", async () => {
  const before = randomBytes(32);
  const { id: accountId } = await createSuperAdmin(app);
  const id = newId();
  const secret = Uint8Array.from(encrypt(deriveKeyring(before).data, "JBSWY3DPEHPK3PXP", id));
  await app.deps.db.totpFactor.create({ data: { id, accountId, secret } });
  const left = await keys(["reencrypt", "--json"]);
  expect([left.code, left.err]).toEqual([1, expect.stringContaining("--old-keys FILE")]);
  expect(JSON.parse(left.out)).toMatchObject({ complete: false, otherKeys: [] });

  const file = join(mkdtempSync(join(tmpdir(), "keys-")), "old");
  writeFileSync(file, `${before.toString("base64")}\n`);
  const done = await keys(["reencrypt", "--old-keys", file]);
  expect([done.code, done.err]).toEqual([0, ""]);
  expect(done.out).toContain("authenticator apps: 1 encrypted anew");
  const { db, keyring } = app.deps;
  const row = await db.totpFactor.findUniqueOrThrow({ where: { id } });
  expect(decrypt(keyring.data, row.secret, id)).toBe("JBSWY3DPEHPK3PXP");
  const kept = (await readAuditKeys(db, keyring)).keys.map(sealKeyId);
  expect(kept).toContain(sealKeyId(deriveKeyring(before).audit[0]));
  rmSync(dirname(file), { recursive: true });
});

test("--help tells the commands", async () => {
  const { out, code } = await keys(["--help"], {});
  expect(code).toBe(0);
  for (const command of ["list", "rotate", "rotate --now", "reencrypt"])
    expect(out).toContain(`\n  ${command} `);
});
