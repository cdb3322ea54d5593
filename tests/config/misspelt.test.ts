/** Names that look like ours and are none end a start; what platforms set does not. */
import { describe, expect, test } from "bun:test";
import { Environment } from "../../src/config/environment.ts";
import { misspeltOf } from "../../src/config/misspelt.ts";
import { ConfigError, parseConfig, parseToolConfig } from "../../src/config.ts";

const NAMES = Object.keys(Environment.shape);

/** What one name, alone in the environment, is taken for. */
function meant(name: string, value = "x", beside: Record<string, string> = {}): string | null {
  const [first] = misspeltOf({ [name]: value, ...beside }, NAMES);
  return first ? (/Did you mean (\w+)\?/.exec(first.message)?.[1] ?? "none") : null;
}

describe("a slip is told, with what was meant", () => {
  const slips: [string, string][] = [
    ["REGISTRATON", "REGISTRATION"],
    ["REGISTATION", "REGISTRATION"],
    ["REGISTRATIONS", "REGISTRATION"],
    ["RATE_LIMIT", "RATE_LIMITS"],
    ["RATELIMITS", "RATE_LIMITS"],
    ["RATE_LIMIT_LOGN", "RATE_LIMIT_LOGIN"],
    ["RATE_LIMITS_LOGIN", "RATE_LIMIT_LOGIN"],
    ["SECRETKEY", "SECRET_KEY"],
    ["SECRET_KEY_PREVIOS", "SECRET_KEY_PREVIOUS"],
    ["SECRET_KEY_FLIE", "SECRET_KEY_FILE"],
    ["SERCET_KEY_FILE", "SECRET_KEY_FILE"],
    ["SMPT_URL", "SMTP_URL"],
    ["SMTP_URI", "SMTP_URL"],
    ["DATABSE_URL", "DATABASE_URL"],
    ["DATABASE_URI", "DATABASE_URL"],
    ["EMAIL_VERIFCATION", "EMAIL_VERIFICATION"],
    ["TRUSTED_PROXY_HOP", "TRUSTED_PROXY_HOPS"],
    ["PASSWORD_MIN_LENGHT", "PASSWORD_MIN_LENGTH"],
    ["SESSION_IDLE_SECOND", "SESSION_IDLE_SECONDS"],
    ["MAIL_FORM", "MAIL_FROM"],
    ["WORKER", "WORKERS"],
    ["MAF", "MFA"],
    ["JBOS", "JOBS"],
    ["registration", "REGISTRATION"],
    ["TENANTRY_REGISTRATION", "REGISTRATION"],
  ];
  for (const [name, ours] of slips) test(name, () => expect(meant(name)).toBe(ours));

  test("any one letter of a long name that is missing, doubled or in its neighbour's place", () => {
    for (const ours of NAMES.filter((name) => name.length >= 9 && !name.includes("_"))) {
      for (let at = 0; at < ours.length; at += 1) {
        const swapped = `${ours.slice(0, at)}${ours[at + 1] ?? ""}${ours[at]}${ours.slice(at + 2)}`;
        const slips = [
          ours.slice(0, at) + ours.slice(at + 1),
          ours.slice(0, at) + ours[at] + ours.slice(at),
          swapped,
        ];
        for (const slip of slips.filter((slip) => slip !== ours))
          expect([slip, meant(slip)]).toEqual([slip, ours]);
      }
    }
  });

  const forms: [string, string, string][] = [
    ["SMTP_URLS", "x", "SMTP_URL"],
    ["SMTP_URI_FILE", "x", "SMTP_URL_FILE"],
    ["SECRET_KEYS", "x", "SECRET_KEY"],
    ["APP_URLS", "x", "APP_URL"],
    ["TRUSTED_PROXIES_HOPS", "1", "TRUSTED_PROXY_HOPS"],
    ["TRUST_PROXY_HOPS", "1", "TRUSTED_PROXY_HOPS"],
    ["METRIC_PORT", "9464", "METRICS_PORT"],
    ["KEY_SECRET", "x", "SECRET_KEY"],
    ["PREVIOUS_SECRET_KEY", "x", "SECRET_KEY_PREVIOUS"],
    ["ACCESS_TOKEN_TTL", "600", "ACCESS_TOKEN_TTL_SECONDS"],
    ["SESSION_IDLE_MINUTES", "30", "SESSION_IDLE_SECONDS"],
    ["MIN_PASSWORD_LENGTH", "20", "PASSWORD_MIN_LENGTH"],
    ["CORS_ORIGIN", "https://a.example", "CORS_ORIGINS"],
    ["rate-limit", "off", "RATE_LIMITS"],
    ["BODY_LIMIT", "1mb", "BODY_LIMIT_BYTES"],
    ["TENANTRY_REGISTRATON", "closed", "REGISTRATION"],
  ];
  for (const [name, value, ours] of forms)
    test(`${name}: another number, order or unit`, () => expect(meant(name, value)).toBe(ours));

  test("where ours is set beside it, such a form is another program's", () => {
    expect(meant("SECRET_KEYS", "x", { SECRET_KEY: "y" })).toBeNull();
    expect(meant("DATABASE_TIMEOUT", "5", { DATABASE_TIMEOUT_SECONDS: "5" })).toBeNull();
    expect(meant("SIGNING_KEY", "-----BEGIN")).toBeNull();
    expect(meant("METRIC_PORT", "tcp://10.0.0.1:80")).toBeNull();
  });

  test("a limit that there is not", () => {
    expect(meant("RATE_LIMIT_SIGNUP", "5/60")).toBe("none");
    expect(meant("RATE_LIMIT_WINDOW_MS", "60000")).toBeNull();
  });
});

test("what platforms, shells and other programs set is left alone", () => {
  const foreign = [
    ...["TENANTRY_SERVICE_HOST", "TENANTRY_SERVICE_PORT", "TENANTRY_SERVICE_PORT_HTTP"],
    ...["TENANTRY_PORT", "TENANTRY_PORT_3000_TCP", "TENANTRY_PORT_3000_TCP_ADDR", "TENANTRY_HOST"],
    ...["DATABASE_HOST", "DATABASE_PORT", "DATABASE_NAME", "DATABASE_USER", "DATABASE_PASSWORD"],
    ...[
      "DATABASE_SERVICE_HOST",
      "DATABASE_PORT_5432_TCP",
      "DATABASE_PUBLIC_URL",
      "DATABASE_URL_TEST",
    ],
    ...[
      "SMTP_HOST",
      "SMTP_PORT",
      "SMTP_USER",
      "SMTP_PASS",
      "MAIL_HOST",
      "MAIL_PORT",
      "MAIL_MAILER",
    ],
    ...[
      "API_URL",
      "APP_ENV",
      "APP_KEY",
      "APP_NAME",
      "APP_HOST",
      "APP_DATABASE_URL",
      "PROJECT_NAME",
    ],
    ...[
      "HOME",
      "HOSTNAME",
      "HOSTTYPE",
      "PATH",
      "PWD",
      "USER",
      "LANG",
      "TZ",
      "SHLVL",
      "PORTS",
      "PORT0",
    ],
    ...[
      "POST",
      "VHOST",
      "JOB",
      "JOB_ID",
      "DOC",
      "NODE_NAME",
      "NODE_OPTIONS",
      "NODE_PATH",
      "LOG_FILE",
    ],
    ...[
      "LOG_FORMAT",
      "SESSION_DRIVER",
      "SESSION_LIFETIME",
      "SESSION_SECRET",
      "PRODUCT_ID",
      "MFA_URL",
    ],
    ...["npm_config_user_agent", "npm_package_name", "BUN_INSTALL", "KUBERNETES_PORT", "K_SERVICE"],
    ...["HTTP_PROXY", "http_proxy", "NO_PROXY", "PGHOST", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY"],
    ...["POSTGRES_PASSWORD", "APP_PASSWORD", "DEMO_PASSWORD", "OTEL_EXPORTER_OTLP_ENDPOINT", "_"],
  ];
  for (const name of foreign) expect([name, meant(name)]).toEqual([name, null]);
  // Where ours is set, another program may have its own.
  const DATABASE_URL = "postgresql://a@b/c";
  expect(meant("DATABASE_URI", "x", { DATABASE_URL })).toBeNull();
  expect(meant("TENANTRY_DATABASE_URL", "x", { DATABASE_URL })).toBeNull();
  for (const name of NAMES)
    for (const each of [name, `${name}_FILE`]) expect(meant(each)).toBeNull();
  expect(meant("REGISTRATON", "")).toBeNull();
});

test("a start, and a tool, names all of them beside what else is wrong", () => {
  const env = {
    REGISTRATON: "closed",
    RATELIMITS: "off",
    PORT: "x",
    SECRET_KEY_PREVIOS: "hunter2",
  };
  for (const parse of [parseConfig, parseToolConfig]) {
    const parsed = () => parse(env);
    expect(parsed).toThrow(ConfigError);
    for (const words of [
      "REGISTRATON: is no variable",
      "Did you mean RATE_LIMITS?",
      "  PORT: must",
    ])
      expect(parsed).toThrow(words);
    expect(parsed).toThrow("Did you mean SECRET_KEY_PREVIOUS?");
    expect(parsed).not.toThrow("hunter2");
  }
});
