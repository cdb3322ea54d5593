import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { LIMITS } from "../../src/config/limits.ts";
import { ConfigError, parseConfig } from "../../src/config.ts";

/** As Android writes it: the SHA-256 of nothing. */
const ANDROID = "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
const SECRET = "hunter2hunter2hunter2hunter2hunter2hunter2==";
const KEY = randomBytes(32);
const REQUIRED = {
  DATABASE_URL: "postgresql://user:hunter2@db.example:5432/tenantry",
  SECRET_KEY: KEY.toString("base64"),
  ISSUER: "https://id.example.com",
  APP_URL: "https://app.example.com",
};

/** What parseConfig complains of, a line a variable. */
function complaints(env: Record<string, string | undefined>): string[] {
  try {
    parseConfig(env);
    return [];
  } catch (err) {
    if (!(err instanceof ConfigError)) throw err;
    return err.message
      .split("\n")
      .filter((line) => line.startsWith("  "))
      .map((line) => line.trim());
  }
}

describe("parseConfig", () => {
  test("needs a database and a key, and has a default for the rest", () => {
    expect(complaints({})).toEqual([
      "DATABASE_URL: is required",
      "SECRET_KEY: is required",
      expect.stringMatching(/^ISSUER: is required in production/),
      expect.stringMatching(/^APP_URL: is required in production/),
    ]);
    expect(complaints({ NODE_ENV: "development" }).length).toBe(2);
    expect(parseConfig(REQUIRED)).toMatchObject({
      environment: "production",
      port: 3000,
      issuer: "https://id.example.com",
      corsOrigins: [],
      trustedProxyHops: 0,
      docs: false,
    });
  });

  test("takes an empty variable for an absent one", () => {
    expect(complaints({ ...REQUIRED, SECRET_KEY: "" })).toEqual(["SECRET_KEY: is required"]);
    expect(
      parseConfig({ ...REQUIRED, PORT: "", AUDIENCE: "", DOCS: "", CORS_ORIGINS: "" }).port,
    ).toBe(3000);
  });

  const wrong: Record<string, string[]> = {
    NODE_ENV: ["staging", "Production"],
    TRIAL: ["true", "ON"],
    HOST: ["http://0.0.0.0", "0.0.0.0:3000", "*", "256.0.0.1", "1.2.3", "a b", "[::]"],
    PORT: ["-1", "65536", "80.5", "http", "1e3", "0x10", "+80", "080", " 80", "8_0", "80 "],
    IDLE_TIMEOUT_SECONDS: ["0", "256", "75s"],
    DRAIN_SECONDS: ["-1", "301", "5s"],
    DATABASE_URL: [
      ...["mysql://u:p@h/d", "localhost", "postgresql://[", "://", "postgresql:///tenantry"],
      ...["postgresql://db.example", "postgresql://db.example/", "postgresql://db.example/x\n"],
    ],
    LISTEN_DATABASE_URL: ["localhost"],
    DATABASE_POOL_SIZE: ["0", "1001", "many"],
    DATABASE_TIMEOUT_SECONDS: ["0", "301", "10s"],
    DATABASE_WAIT_SECONDS: ["-1", "3601", "1m"],
    DATABASE_REPLICA_URL: ["replica", "http://replica.example/tenantry", "postgresql://r.example"],
    DATABASE_REPLICA_LAG_MILLISECONDS: ["0", "10001", "100ms"],
    SECRET_KEY: ["short", "aGVsbG8=", "not base64 at all, but long enough to be one of 32 bytes"],
    SECRET_KEY_PREVIOUS: ["short"],
    ISSUER: [
      "id.example.com",
      "ftp://id.example.com",
      "https://id.example.com/?a=b",
      "https://id.example.com/#a",
      "https://id.example.com ",
      "https://id.example.com/a b",
      "https:id.example.com",
      "https://user:pass@id.example.com",
      "https:///x",
      "http://id.example.com",
      "https://localhost",
      "http://localhost:3000",
      "https://tenantry.localhost",
      "https://127.0.0.2",
      "https://[::1]",
      "https://0.0.0.0",
    ],
    SIGNING_ALGORITHM: ["HS256", "none", "RS256", "es256"],
    SIGNING_KEY_DAYS: ["-1", "367"],
    ACCESS_TOKEN_TTL_SECONDS: ["0", "3601", "1.5"],
    SESSION_IDLE_SECONDS: ["0", "-1", "999999999"],
    SESSION_MAX_SECONDS: ["0", "999999999"],
    REFRESH_GRACE_SECONDS: ["-1", "61"],
    SESSION_LIMIT: ["-1", "1001"],
    STEP_UP_SECONDS: ["29", "86401"],
    EMAIL_SCOPE: ["both"],
    REGISTRATION: ["yes"],
    TENANT_GRACE_DAYS: ["-1", "3651", "30d"],
    EMAIL_VERIFICATION: ["always"],
    MFA: ["on"],
    PASSWORD_MIN_LENGTH: ["7", "65"],
    PASSWORD_MIN_LENGTH_WITH_MFA: ["7", "65"],
    PASSWORD_HASH_QUEUE: ["-1", "10001"],
    BODY_LIMIT_BYTES: ["1023", "16777217", "1MB", "9e99"],
    TRUSTED_PROXY_HOPS: ["-1", "11", "true"],
    TRUSTED_PROXIES: ["proxy", "10.0.0.0/7", "10.0.0.7,*", "10.0.0.7:80", "fd00::/129", "10.0.0.7"],
    RATE_LIMITS: ["redis", "on"],
    RATE_LIMIT_STORE_URL: ["store.example", "http://valkey.example", "redis:///0", "redis://a b"],
    ...Object.fromEntries(
      Object.entries(LIMITS).map(([name, limit]) => [
        `RATE_LIMIT_${name.toUpperCase()}`,
        [
          ...["20", "20/", "/77", "20 / 77", "20/1h", "0/77", "20/0", "1e3/60", "-1/60"],
          ...["10000001/60", "20/86401", "20/3600/7200/1", "020/3600", "20/3600/60", "off"],
          ...("longestSeconds" in limit ? ["20/60/0"] : ["20/60/60"]),
        ],
      ]),
    ),
    LARGE_NETWORKS: [
      ...["office", "203.0.113.7/33", "203.0.113.7/0", "203.0.113.0/7", "2001:db8::/65", "::/0"],
      ...["192.0.2", "203.0.113.7,*", "fe80::1%eth0", "203.0.113.7/24/24", "203.0.113.7:80"],
    ],
    LARGE_NETWORK_FACTOR: ["0", "1001", "1.5"],
    LOCKOUT_ATTEMPTS: ["0", "101"],
    LOCKOUT_MOST_ATTEMPTS: ["0", "101", "never"],
    LOCKOUT_DEVICE_ATTEMPTS: ["-1", "51"],
    LOCKOUT_SECONDS: ["0", "86401"],
    LOCKOUT_LONGEST_SECONDS: ["0", "15m"],
    CORS_ORIGINS: [
      "*",
      "app.example.net",
      "https://app.example.net/",
      "https://a.example/x",
      "null",
      "https://A.example",
      "https://a.example:443",
      "file://x",
      "https://ok.example,*",
      "https://*.example.com",
      "https://*",
      "https://a..example",
      "https://user@a.example",
      "http://a.example:80",
      "HTTPS://a.example",
      ...["NULL", "capacitor://*", "capacitor://localhost/", "Capacitor://localhost"],
      ...["capacitor:localhost", "ionic://", "ionic://user@app", "ionic://app?x", "app"],
      ...["file://", "file://localhost", "data://x", "blob://x", "javascript://x", "about://blank"],
      ...["content://x", "filesystem://x", "ws://a.example", "wss://a.example", "view-source://x"],
      ...[
        "ftp://a.example",
        "https://ok.example, null",
        "ionic://localhost:0",
        "http://localhost/",
      ],
      "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
    ],
    PRODUCT_NAME: ["x".repeat(65), "   "],
    APP_URL: [
      ...["app.example.com", "ftp://app.example.com", "https://app.example.com/#a"],
      ...["http://app.example.com", "http://localhost:5173", "https://LOCALHOST"],
    ],
    PASSKEY_RP_ID: [
      ...["https://example.com", "example.com/", "Example.com", "a..b", "192.0.2.1", "::1"],
      ...["example.com:443", "*.example.com"],
    ],
    PASSKEY_ORIGINS: [
      ...["app.example.org", "https://app.example.org/", "*", "https://*.example.org"],
      ...["http://app.example.org", "https://192.0.2.1", "http://127.0.0.1:5173"],
      "https://ok.example,http://not.example",
      ...["null", "capacitor://localhost", `${ANDROID}=`],
      ...[ANDROID.slice(0, -1), `${ANDROID}A`, `${ANDROID.slice(0, -1)}V`, ANDROID.toUpperCase()],
      ANDROID.replace("_", "/").replace("-", "+"),
      `android:apk-key-hash:${Array(32).fill("E3").join(":")}`,
    ],
    SMTP_URL: ["mail.example.com", "https://mail.example.com", "smtp://?x=1", "smtp:///x"],
    MAIL_FROM: [
      ...["Tenantry Support", "no-reply", "@b.example", "Acme <no-reply>", "Acme <a@b.example"],
      ...["a@b.example, c@d.example", "Acme, Inc <a@b.example>", "<a@b.example> Acme"],
      ...[
        "Acme\r\nBcc: x@y.example <a@b.example>",
        "a@b.example\n",
        "Acme <a@b.example> <c@d.example>",
      ],
    ],
    AUDIT_RETENTION_DAYS: ["-1", "36501", "for ever"],
    JOBS: ["true"],
    SCHEMA_CHECK: ["on"],
    DOCS: ["true"],
    LOG_LEVEL: ["trace", "INFO"],
    LOG_HEALTH: ["true"],
  };
  for (const [name, values] of Object.entries(wrong)) {
    test(`refuses a wrong ${name}, names it once, and does not show it`, () => {
      for (const value of values) {
        const lines = complaints({ ...REQUIRED, [name]: value });
        expect([value, lines]).toEqual([
          value,
          [expect.stringMatching(new RegExp(`^${name}: \\S`))],
        ]);
        if (value.length > 3) expect(lines.join()).not.toContain(value);
      }
    });
  }

  test("names every wrong variable at once, and never a value", () => {
    const env = Object.fromEntries(
      Object.keys(wrong).map((name) => [name, `${SECRET} for ${name} ${"x".repeat(64)}`]),
    );
    const lines = complaints(env);
    // Any text will do for the audience, and the folder of mails is looked at by the start.
    expect(lines.map((line) => line.split(":")[0])).toEqual(Object.keys(wrong));
    expect(lines.join()).not.toContain("hunter2");
  });

  test("refuses an idle time longer than the whole", () => {
    const env = { ...REQUIRED, SESSION_IDLE_SECONDS: "100", SESSION_MAX_SECONDS: "99" };
    expect(complaints(env)).toContain(
      "SESSION_IDLE_SECONDS: may not be more than SESSION_MAX_SECONDS",
    );
  });

  test("reads a limit as attempts and seconds, and the longest hold-off where there is one", () => {
    const env = {
      ...REQUIRED,
      RATE_LIMIT_MAIL: "20/60",
      RATE_LIMIT_LOGIN: "500/300",
      RATE_LIMIT_PROOF: "500/7200",
      RATE_LIMIT_GUESS: "5/60/60",
    };
    const { limits } = parseConfig(env);
    expect(limits).toEqual({
      ...LIMITS,
      mail: { quota: 20, windowSeconds: 60 },
      login: { quota: 500, windowSeconds: 300, longestSeconds: 3600 },
      // No hold-off ends before the window.
      proof: { quota: 500, windowSeconds: 7200, longestSeconds: 7200 },
      guess: { quota: 5, windowSeconds: 60, longestSeconds: 60 },
    });
    expect(complaints({ ...REQUIRED, RATE_LIMIT_MAIL: "x", RATE_LIMIT_GUESS: "y" })).toEqual([
      "RATE_LIMIT_GUESS: must be attempts/seconds, or attempts/seconds/seconds of the longest hold-off, in digits alone, such as 10/60/900: at most 10000000 attempts, and 86400 seconds",
      "RATE_LIMIT_MAIL: must be attempts/seconds in digits alone, such as 500/3600: at most 10000000 attempts, and 86400 seconds",
    ]);
  });

  test("refuses a lockout that begins after its end", () => {
    const env = { ...REQUIRED, LOCKOUT_ATTEMPTS: "20", LOCKOUT_MOST_ATTEMPTS: "10" };
    expect(complaints({ ...env, LOCKOUT_SECONDS: "60", LOCKOUT_LONGEST_SECONDS: "30" })).toEqual([
      "LOCKOUT_ATTEMPTS: may not be more than LOCKOUT_MOST_ATTEMPTS",
      "LOCKOUT_SECONDS: may not be more than LOCKOUT_LONGEST_SECONDS",
    ]);
  });

  test("takes the passkeys' domain and origin from the web application's address", () => {
    const { passkeyRpId, passkeyOrigins } = parseConfig({
      ...REQUIRED,
      APP_URL: "https://app.example.com:8443/login",
    });
    expect(passkeyRpId).toBe("app.example.com");
    expect(passkeyOrigins).toEqual(["https://app.example.com:8443"]);
  });

  test("refuses to require proofs by mail where no mail can be sent", () => {
    const env = { ...REQUIRED, EMAIL_VERIFICATION: "required" };
    expect(() => parseConfig(env)).toThrow("required needs SMTP_URL");
    expect(parseConfig({ ...env, NODE_ENV: "development" }).emailVerification).toBe("required");
    const SMTP_URL = "smtps://user:hunter2@mail.example.com";
    expect(parseConfig({ ...env, SMTP_URL }).smtpUrl).toBe(SMTP_URL);
  });

  test("takes the origins of apps, and says what is wrong with those of anybody", () => {
    const apps =
      "capacitor://localhost,ionic://localhost,ionic://my-app.example,tauri://localhost,http://localhost,http://localhost:8100,https://localhost";
    expect(parseConfig({ ...REQUIRED, CORS_ORIGINS: apps }).corsOrigins).toEqual(apps.split(","));
    const PASSKEY_ORIGINS = `https://app.example.com ${ANDROID}`;
    const { passkeyOrigins } = parseConfig({ ...REQUIRED, PASSKEY_ORIGINS });
    expect(passkeyOrigins).toEqual(["https://app.example.com", ANDROID]);
    const said = (CORS_ORIGINS: string) => complaints({ ...REQUIRED, CORS_ORIGINS }).join();
    expect(said("*")).toContain("name each by itself");
    expect(said("capacitor://localhost,null")).toMatch(/entry 2 .*anybody can have it/);
    expect(said("file://")).toContain("An app names its own");
  });

  test("reads lists, the key's bytes, and the docs by environment", () => {
    const CORS_ORIGINS = "https://app.example.com, http://localhost:5173";
    expect(parseConfig({ ...REQUIRED, CORS_ORIGINS }).corsOrigins).toEqual(
      CORS_ORIGINS.split(", "),
    );
    expect(parseConfig(REQUIRED).secretKey).toEqual(KEY);
    expect(parseConfig({ ...REQUIRED, NODE_ENV: "development" }).docs).toBe(true);
    expect(parseConfig({ ...REQUIRED, NODE_ENV: "development", DOCS: "off" }).docs).toBe(false);
    expect(parseConfig({ ...REQUIRED, DOCS: "on" }).docs).toBe(true);
  });
});
