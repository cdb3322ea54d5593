/** The configuration: parsed once, passed in. Nothing else reads the environment. */
import { z } from "zod";

function integer(min: number, max: number, fallback: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.coerce
    .number({ error })
    .int({ error })
    .min(min, { error })
    .max(max, { error })
    .default(fallback);
}

const DAY = 24 * 3600;
const KIB = 1024;

const SecretKey = z
  .base64({ error: "must be base64" })
  .refine(
    (text) => Buffer.from(text, "base64").length >= 32,
    "must hold at least 32 bytes: openssl rand -base64 32",
  );

const WebUrl = z.url({ protocol: /^https?$/, error: "must be an http(s) URL" });

const Origins = z
  .string()
  .transform((list) => list.split(/[\s,]+/).filter(Boolean))
  .refine((list) => list.every(isOrigin), "must be origins, such as https://app.example.com");

const DatabaseUrl = z.url({
  protocol: /^postgres(ql)?$/,
  error: "must be a postgresql:// URL",
});

export const Environment = z.object({
  NODE_ENV: z.enum(["development", "test", "production"]).default("production"),
  HOST: z.string().min(1).default("0.0.0.0"),
  PORT: integer(0, 65_535, 3000),
  IDLE_TIMEOUT_SECONDS: integer(1, 255, 75),
  DATABASE_URL: DatabaseUrl,
  LISTEN_DATABASE_URL: DatabaseUrl.optional(),
  DATABASE_POOL_SIZE: integer(1, 1000, 10),
  DATABASE_TIMEOUT_SECONDS: integer(1, 300, 10),
  SECRET_KEY: SecretKey,
  SECRET_KEY_PREVIOUS: SecretKey.optional(),
  // RFC 8414, section 2.
  ISSUER: WebUrl.regex(/^[^?#]*$/, "must have no query and no fragment").optional(),
  AUDIENCE: z.string().min(1).default("tenantry"),
  SIGNING_ALGORITHM: z.enum(["ES256", "EdDSA"]).default("ES256"),
  SIGNING_KEY_DAYS: integer(0, 366, 30),
  ACCESS_TOKEN_TTL_SECONDS: integer(1, 3600, 600),
  SESSION_IDLE_SECONDS: integer(1, 366 * DAY, 30 * DAY),
  SESSION_MAX_SECONDS: integer(1, 366 * DAY, 90 * DAY),
  REFRESH_GRACE_SECONDS: integer(0, 60, 10),
  SESSION_LIMIT: integer(0, 1000, 20),
  STEP_UP_SECONDS: integer(30, DAY, 600),
  EMAIL_SCOPE: z.enum(["global", "tenant"]).default("global"),
  REGISTRATION: z.enum(["open", "closed"]).default("open"),
  TENANT_GRACE_DAYS: integer(0, 3650, 30),
  EMAIL_VERIFICATION: z.enum(["optional", "required"]).default("optional"),
  MFA: z.enum(["optional", "required"]).default("optional"),
  PASSWORD_MIN_LENGTH: integer(8, 64, 15),
  PASSWORD_MIN_LENGTH_WITH_MFA: integer(8, 64, 8),
  PASSWORD_HASH_QUEUE: integer(0, 10_000, 64),
  BODY_LIMIT_BYTES: integer(KIB, 16 * KIB * KIB, 256 * KIB),
  TRUSTED_PROXY_HOPS: integer(0, 10, 0),
  RATE_LIMITS: z.enum(["database", "memory", "off"]).default("database"),
  CORS_ORIGINS: Origins.prefault(""),
  PRODUCT_NAME: z.string().trim().min(1).max(64).default("Tenantry"),
  APP_URL: WebUrl.regex(/^[^?#]*$/, "must have no query and no fragment").optional(),
  PASSKEY_RP_ID: z
    .string()
    .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/, "must be a host name, such as example.com")
    .optional(),
  PASSKEY_ORIGINS: Origins.prefault(""),
  SMTP_URL: z.url({ protocol: /^smtps?$/, error: "must be an smtp:// or smtps:// URL" }).optional(),
  MAIL_FROM: z.string().min(3).default("Tenantry <no-reply@localhost>"),
  MAIL_TEMPLATES: z.string().min(1).default("mail-templates"),
  AUDIT_RETENTION_DAYS: integer(0, 36_500, 400),
  JOBS: z.enum(["on", "off"]).default("on"),
  SCHEMA_CHECK: z.enum(["off", "report", "require"]).default("report"),
  DOCS: z.enum(["on", "off"]).optional(),
  LOG_LEVEL: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
});

export type Config = ReturnType<typeof parseConfig>;

export class ConfigError extends Error {
  override name = "ConfigError";
}

/**
 * Reads the configuration from environment variables. Empty variables count as absent.
 * @throws ConfigError that names each wrong variable, and never shows a value: values may be secrets.
 */
export function parseConfig(env: Record<string, string | undefined>) {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ""),
  );
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const faults = new Map<string, string>();
    for (const { path, message } of parsed.error.issues) {
      const name = path.join(".");
      if (!faults.has(name)) faults.set(name, given[name] === undefined ? "is required" : message);
    }
    const list = Array.from(faults, ([name, message]) => `  ${name}: ${message}`).join("\n");
    throw new ConfigError(
      `The configuration is not usable:\n${list}\nSee .env.example for every variable.`,
    );
  }
  const value = parsed.data;
  const issuer = value.ISSUER ?? `http://localhost:${value.PORT}`;
  const appUrl = value.APP_URL ?? issuer;
  if (value.EMAIL_VERIFICATION === "required" && value.NODE_ENV === "production" && !value.SMTP_URL)
    throw new ConfigError("EMAIL_VERIFICATION=required needs SMTP_URL, or nobody can register.");
  if (value.SESSION_IDLE_SECONDS > value.SESSION_MAX_SECONDS) {
    throw new ConfigError("SESSION_IDLE_SECONDS may not be longer than SESSION_MAX_SECONDS.");
  }
  return {
    environment: value.NODE_ENV,
    host: value.HOST,
    port: value.PORT,
    idleTimeoutSeconds: value.IDLE_TIMEOUT_SECONDS,
    databaseUrl: value.DATABASE_URL,
    listenDatabaseUrl: value.LISTEN_DATABASE_URL ?? value.DATABASE_URL,
    databasePoolSize: value.DATABASE_POOL_SIZE,
    databaseTimeoutSeconds: value.DATABASE_TIMEOUT_SECONDS,
    secretKey: Buffer.from(value.SECRET_KEY, "base64"),
    previousSecretKey: value.SECRET_KEY_PREVIOUS
      ? Buffer.from(value.SECRET_KEY_PREVIOUS, "base64")
      : null,
    issuer,
    audience: value.AUDIENCE,
    signingAlgorithm: value.SIGNING_ALGORITHM,
    signingKeyDays: value.SIGNING_KEY_DAYS,
    accessTokenTtlSeconds: value.ACCESS_TOKEN_TTL_SECONDS,
    sessionIdleSeconds: value.SESSION_IDLE_SECONDS,
    sessionMaxSeconds: value.SESSION_MAX_SECONDS,
    refreshGraceSeconds: value.REFRESH_GRACE_SECONDS,
    sessionLimit: value.SESSION_LIMIT,
    stepUpSeconds: value.STEP_UP_SECONDS,
    emailScope: value.EMAIL_SCOPE,
    registration: value.REGISTRATION,
    tenantGraceDays: value.TENANT_GRACE_DAYS,
    emailVerification: value.EMAIL_VERIFICATION,
    mfa: value.MFA,
    passwordMinLength: value.PASSWORD_MIN_LENGTH,
    passwordMinLengthWithMfa: value.PASSWORD_MIN_LENGTH_WITH_MFA,
    passwordHashQueue: value.PASSWORD_HASH_QUEUE,
    bodyLimitBytes: value.BODY_LIMIT_BYTES,
    trustedProxyHops: value.TRUSTED_PROXY_HOPS,
    rateLimits: value.RATE_LIMITS,
    corsOrigins: value.CORS_ORIGINS,
    productName: value.PRODUCT_NAME,
    appUrl,
    passkeyRpId: value.PASSKEY_RP_ID ?? new URL(appUrl).hostname,
    passkeyOrigins:
      value.PASSKEY_ORIGINS.length > 0 ? value.PASSKEY_ORIGINS : [new URL(appUrl).origin],
    smtpUrl: value.SMTP_URL,
    mailFrom: value.MAIL_FROM,
    mailTemplates: value.MAIL_TEMPLATES,
    auditRetentionDays: value.AUDIT_RETENTION_DAYS,
    jobs: value.JOBS === "on",
    schemaCheck: value.SCHEMA_CHECK,
    docs: (value.DOCS ?? (value.NODE_ENV === "production" ? "off" : "on")) === "on",
    logLevel: value.LOG_LEVEL,
  };
}

/** As browsers write them in the Origin header: no path, no slash at the end, no default port. */
function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}
