/** What a start must not let pass: keys that can be guessed, addresses that lead nowhere, details for everybody. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { createApp } from "../../src/app.ts";
import { ConfigError, parseConfig, parseToolConfig } from "../../src/config.ts";
import { runServer, startServer } from "../server/start.ts";
import { createTestApp, type TestApp } from "../support/app.ts";
import { createDatabase } from "../support/postgres.ts";

const right = () => ({
  NODE_ENV: "production",
  DATABASE_URL: "postgresql://tenantry@db.example/tenantry",
  SECRET_KEY: randomBytes(32).toString("base64"),
  ISSUER: "https://id.example.com",
  APP_URL: "https://app.example.com",
});

/** The names of the variables that are complained of. */
function faults(env: Record<string, string>, parse = parseConfig): string[] {
  try {
    parse(env);
    return [];
  } catch (err) {
    if (!(err instanceof ConfigError)) throw err;
    return [...err.message.matchAll(/^ {2}([A-Z_]+): /gm)].map(([, name = ""]) => name);
  }
}

const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString("base64");
const WEAK: [string, string][] = [
  ["zeros", base64(Buffer.alloc(32))],
  ["one byte", base64(Buffer.alloc(32, 0xff))],
  ["64 zeros", base64(Buffer.alloc(64))],
  ["a short period", base64(Buffer.from("0123abcd".repeat(8), "hex"))],
  ["half of a key, twice", base64(Buffer.concat([HALF(), HALF()]))],
  ["a count", base64(Buffer.from(Array.from({ length: 32 }, (_, at) => at)))],
  ["a count down", base64(Buffer.from(Array.from({ length: 32 }, (_, at) => 250 - 3 * at)))],
  ["text", base64("a secret that I have just thought up")],
  ["changeme in base64", base64("changeme".repeat(4))],
  ["changeme as if it were base64", "changeme".repeat(6)],
  ["a word in it", `hereIs12Insecure${"Abcdefgh1234ijklMNOP5678qrst"}`],
  ["letters alone", "correcthorsebatterystaplecorrecthorsebattery"],
  ["A alone", `${"A".repeat(43)}=`],
];
function HALF(): Uint8Array {
  return Buffer.from("9f86d081884c7d659a2feaa0c55ad015", "hex");
}

describe("R76: a key that can be guessed", () => {
  for (const [name, key] of WEAK) {
    test(`(${name}) does not start, in whatever environment, and is not shown`, () => {
      for (const NODE_ENV of ["production", "development", "test"]) {
        const env = { ...right(), NODE_ENV };
        expect(faults({ ...env, SECRET_KEY: key })).toEqual(["SECRET_KEY"]);
        expect(faults({ ...env, SECRET_KEY_PREVIOUS: key })).toEqual(["SECRET_KEY_PREVIOUS"]);
      }
      expect(() => parseConfig({ ...right(), SECRET_KEY: key })).toThrow("openssl rand -base64 32");
      expect(() => parseConfig({ ...right(), SECRET_KEY: key })).not.toThrow(key);
    });
  }

  test("is no random one, of whatever length and spelling", () => {
    for (let run = 0; run < 2000; run += 1) {
      const bytes = randomBytes(32 + (run % 33));
      expect(faults({ ...right(), SECRET_KEY: base64(bytes) })).toEqual([]);
    }
    for (let run = 0; run < 200; run += 1)
      expect(faults({ ...right(), SECRET_KEY: randomBytes(32).toString("hex") })).toEqual([]);
  });

  test("may be on its way out in a tool, which encrypts anew what it encrypted", () => {
    const [[, key = ""] = []] = WEAK;
    expect(faults({ ...right(), SECRET_KEY_PREVIOUS: key }, parseToolConfig)).toEqual([]);
    expect(faults({ ...right(), SECRET_KEY: key }, parseToolConfig)).toEqual(["SECRET_KEY"]);
  });

  test("is SECRET_KEY once more as the one before it", () => {
    const env = right();
    const SECRET_KEY_PREVIOUS = env.SECRET_KEY;
    expect(faults({ ...env, SECRET_KEY_PREVIOUS })).toEqual(["SECRET_KEY_PREVIOUS"]);
  });
});

describe("R76: production", () => {
  test("has an issuer and an application that others reach, by https, and says so of both at once", () => {
    const { ISSUER: _, APP_URL: __, ...neither } = right();
    expect(faults(neither)).toEqual(["ISSUER", "APP_URL"]);
    for (const url of [
      "http://id.example.com",
      "http://localhost:3000",
      "https://127.0.0.1",
      "https://[::1]",
    ])
      expect([url, faults({ ...right(), ISSUER: url, APP_URL: url })]).toEqual([
        url,
        ["ISSUER", "APP_URL"],
      ]);
    expect(
      faults({ ...right(), ISSUER: "https://id.example.com/", APP_URL: "https://10.0.0.1" }),
    ).toEqual([]);
    expect(parseConfig({ ...right(), ISSUER: "https://ID.example.com/" }).issuer).toBe(
      "https://ID.example.com/",
    );
  });

  test("is tried on this machine where somebody says that it is, and nowhere else", () => {
    const here = { ISSUER: "http://localhost:3000", APP_URL: "http://127.0.0.1:3000", TRIAL: "on" };
    expect(faults({ ...right(), ...here })).toEqual([]);
    expect(faults({ ...right(), ...here, ISSUER: "http://id.example.com" })).toEqual(["ISSUER"]);
    expect(faults({ ...right(), ...here, TRIAL: "off" })).toEqual(["ISSUER", "APP_URL"]);
    const { ISSUER: _, APP_URL: __, ...neither } = right();
    expect(parseConfig({ ...neither, TRIAL: "on" })).toMatchObject({
      issuer: "http://localhost:3000",
      trial: true,
    });
    expect(parseConfig(right()).trial).toBe(false);
  });

  test("is no matter of an operator's tools, which issue nothing", () => {
    const { DATABASE_URL, SECRET_KEY } = right();
    expect(faults({ DATABASE_URL, SECRET_KEY }, parseToolConfig)).toEqual([]);
  });
});

test("R76: what settings say together, and what stands in files, is told with all the rest at once", async () => {
  const run = await runServer({
    PATH: process.env.PATH ?? "",
    ...{ SECRET_KEY: base64(Buffer.alloc(32)), SECRET_KEY_PREVIOUS: base64(Buffer.alloc(32)) },
    ...{ PORT: "3e3", HOST: "0.0.0.0:3000", DATABASE_URL: "postgresql://db.example" },
    ...{
      EMAIL_VERIFICATION: "required",
      MAIL_FROM: "Tenantry Support",
      MAIL_TEMPLATES: "/nowhere",
    },
    ...{
      SESSION_IDLE_SECONDS: "3600",
      SESSION_MAX_SECONDS: "1800",
      ACCESS_TOKEN_TTL_SECONDS: "3600",
    },
    ...{ STEP_UP_SECONDS: "3600", PASSWORD_MIN_LENGTH: "10", PASSWORD_MIN_LENGTH_WITH_MFA: "12" },
    ...{
      CORS_ORIGINS: "https://*.example.com",
      PASSKEY_ORIGINS: "http://app.example.com",
      JOBS: "true",
    },
    ...{ PASSKEY_RP_ID: "192.0.2.1", APP_URL: "http://app.example.com", AUDIENCE: " tenantry" },
  });
  expect([run.status, run.stdout]).toEqual([1, ""]);
  const named = [...run.stderr.matchAll(/^ {2}([A-Z_]+): \S/gm)].map(([, name = ""]) => name);
  expect(named.toSorted()).toEqual([
    ...[
      "APP_URL",
      "AUDIENCE",
      "CORS_ORIGINS",
      "DATABASE_URL",
      "EMAIL_VERIFICATION",
      "HOST",
      "ISSUER",
    ],
    ...["JOBS", "MAIL_FROM", "MAIL_TEMPLATES", "PASSKEY_ORIGINS", "PASSKEY_RP_ID"],
    ...["PASSWORD_MIN_LENGTH_WITH_MFA", "PORT", "SECRET_KEY", "SECRET_KEY_PREVIOUS"],
    ...["SESSION_IDLE_SECONDS", "STEP_UP_SECONDS"],
  ]);
});

describe("R58: in production", () => {
  let app: TestApp;
  beforeAll(async () => {
    const { DATABASE_URL: _, ...env } = right();
    app = await createTestApp({ ...env, SCHEMA_CHECK: "require" });
  });
  afterAll(() => app.close());

  test("neither the document nor the page is there, but where DOCS is on", async () => {
    for (const path of ["/openapi.json", "/docs", "/docs/start.js"])
      expect([path, (await app.call(`GET ${path}`)).status]).toEqual([path, 404]);
    const config = { ...app.deps.config, docs: true };
    const open = createApp({ ...app.served, config }, []);
    for (const path of ["/openapi.json", "/docs"])
      expect([path, (await open.request(path)).status]).toEqual([path, 200]);
  });

  test("readiness says whether, and the log why", async () => {
    expect((await app.call("GET /health/ready")).body).toEqual({ status: "ok" });
    const lines: unknown[] = [];
    const log = (...line: unknown[]) => void lines.push(line);
    const ahead = createApp({ ...app.served, log }, ["29991231235959_not_yet"]);
    for (let probe = 0; probe < 3; probe += 1) {
      const answer = await ahead.request("/health/ready");
      expect([answer.status, await answer.json()]).toEqual([503, { status: "unavailable" }]);
    }
    expect(lines.filter((line) => JSON.stringify(line).includes("not ready"))).toEqual([
      ["warn", "not ready", { reason: "database ok, migrations pending: 29991231235959_not_yet" }],
    ]);
  });

  test("a schema that drifted is not ready where that is asked for, and nobody is told its fingerprint", async () => {
    const database = await createDatabase();
    await database.query("ALTER TABLE users DROP CONSTRAINT users_email_lower_check");
    const { DATABASE_URL: _, ...env } = right();
    const drifted = await createTestApp({ ...env, SCHEMA_CHECK: "require" }, database);
    const { status, body } = await drifted.call("GET /health/ready");
    await drifted.close();
    expect([status, body]).toEqual([503, { status: "unavailable" }]);
  });
});

test("a trial is announced in the log, and serves", async () => {
  const server = await startServer({ NODE_ENV: "production", TRIAL: "on", SCHEMA_CHECK: "off" });
  expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
  expect(server.output()).toContain("TRIAL=on");
  await server.stop();
});
