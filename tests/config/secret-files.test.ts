/** NAME_FILE: variables that stand in a file, as secrets are mounted. */
import { afterAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Environment } from "../../src/config/environment.ts";
import { ConfigError, parseConfig, parseToolConfig } from "../../src/config.ts";

const folder = mkdtempSync(join(tmpdir(), "tenantry-secrets-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(content: string | Uint8Array): string {
  const path = join(folder, randomBytes(6).toString("hex"));
  writeFileSync(path, content);
  return path;
}

const KEY = randomBytes(32).toString("base64");
const RIGHT = {
  NODE_ENV: "test",
  DATABASE_URL: "postgresql://user:hunter2@db.example/tenantry",
  SECRET_KEY: KEY,
};

/** The complaints, a line each. */
function complaints(env: Record<string, string>): string[] {
  try {
    parseConfig(env);
    return [];
  } catch (err) {
    if (!(err instanceof ConfigError)) throw err;
    return err.message.split("\n").filter((line) => line.startsWith("  "));
  }
}

test("every secret may stand in a file, with a line end behind it or without", () => {
  const previous = randomBytes(32).toString("base64");
  for (const end of ["", "\n", "\r\n", "\n\n"]) {
    const env = {
      NODE_ENV: "test",
      DATABASE_URL_FILE: file(`${RIGHT.DATABASE_URL}${end}`),
      LISTEN_DATABASE_URL_FILE: file(`postgresql://listen@db.example/tenantry${end}`),
      SECRET_KEY_FILE: file(`${KEY}${end}`),
      SECRET_KEY_PREVIOUS_FILE: file(`${previous}${end}`),
      SMTP_URL_FILE: file(`smtps://user:hunter2@mail.example${end}`),
    };
    for (const parse of [parseConfig, parseToolConfig])
      expect(parse(env)).toMatchObject({
        databaseUrl: RIGHT.DATABASE_URL,
        listenDatabaseUrl: "postgresql://listen@db.example/tenantry",
        secretKey: Buffer.from(KEY, "base64"),
        previousSecretKey: Buffer.from(previous, "base64"),
        smtpUrl: "smtps://user:hunter2@mail.example",
      });
  }
});

test("a byte order mark is no part of it", () => {
  const { SECRET_KEY: _, ...rest } = RIGHT;
  const { secretKey } = parseConfig({ ...rest, SECRET_KEY_FILE: file(`\ufeff${KEY}\r\n`) });
  expect(secretKey).toEqual(Buffer.from(KEY, "base64"));
});

test("any other variable may too, but for one whose name is that of another with _FILE", () => {
  const values: Record<string, string> = {
    PORT: "4000",
    ISSUER: "https://id.example",
    MFA: "required",
  };
  for (const name of Object.keys(values)) expect(Object.keys(Environment.shape)).toContain(name);
  const files = Object.entries(values).map(([name, value]) => [`${name}_FILE`, file(value)]);
  const { port, issuer, mfa, permissionsFile } = parseConfig({
    ...RIGHT,
    ...Object.fromEntries(files),
    PERMISSIONS_FILE: "/nowhere/permissions.json",
  });
  expect([port, issuer, mfa]).toEqual([4000, "https://id.example", "required"]);
  expect(permissionsFile).toBe("/nowhere/permissions.json");
});

describe("it is a fault, told with all others and without what stands in it,", () => {
  test("when the variable is set too", () => {
    expect(complaints({ ...RIGHT, SECRET_KEY_FILE: file(KEY), PORT: "x" })).toEqual([
      "  SECRET_KEY_FILE: stands beside SECRET_KEY: set one of the two",
      expect.stringMatching(/^ {2}PORT: must be/),
    ]);
    const { SECRET_KEY: _, ...rest } = RIGHT;
    expect(complaints({ ...rest, SECRET_KEY: "", SECRET_KEY_FILE: file(KEY) })).toEqual([]);
  });

  test("when it is not there, a folder, empty or long", () => {
    const { SECRET_KEY: _, ...rest } = RIGHT;
    const cases: [string, RegExp][] = [
      [
        join(folder, "absent"),
        /^ {2}SECRET_KEY_FILE: names a file that cannot be read \(ENOENT\)$/,
      ],
      [folder, /^ {2}SECRET_KEY_FILE: names a file that cannot be read \(EISDIR\)$/],
      [file("\n"), /^ {2}SECRET_KEY_FILE: names a file that is empty$/],
      [
        file(Buffer.from(`\ufeff${KEY}`, "utf16le")),
        /^ {2}SECRET_KEY_FILE: names a file that is no text in UTF-8$/,
      ],
      [file(Buffer.alloc(70_000, 65)), /^ {2}SECRET_KEY_FILE: names a file of more than/],
    ];
    for (const [path, message] of cases)
      expect(complaints({ ...rest, SECRET_KEY_FILE: path })).toEqual([
        expect.stringMatching(message),
      ]);
  });

  test("when what stands in it is wrong", () => {
    const { SECRET_KEY: _, ...rest } = RIGHT;
    expect(complaints({ ...rest, SECRET_KEY_FILE: file(` ${KEY}\n`) })).toEqual([
      "  SECRET_KEY: must have no white space around it",
    ]);
    const [line = ""] = complaints({ ...rest, SECRET_KEY_FILE: file("hunter2") });
    expect(line).toStartWith("  SECRET_KEY: must");
    expect(line).not.toContain("hunter2");
  });
});
