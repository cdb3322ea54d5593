/** The configuration: parsed once, passed in. Nothing else reads the environment. */
import { z } from "zod";
import {
  AnySecretKey,
  DatabaseUrl,
  Host,
  integer,
  Mailbox,
  Origins,
  oneOf,
  RpId,
  SecretKey,
  SmtpUrl,
  WebUrl,
} from "./config-fields.ts";
import { type Fault, faultsOfServer, type Values } from "./config-rules.ts";

const DAY = 24 * 3600;
const KIB = 1024;

export const Environment = z.object({
  NODE_ENV: oneOf("development", "test", "production").default("production"),
  TRIAL: oneOf("on", "off").default("off"),
  HOST: Host.default("0.0.0.0"),
  PORT: integer(0, 65_535, 3000),
  IDLE_TIMEOUT_SECONDS: integer(1, 255, 75),
  DATABASE_URL: DatabaseUrl,
  LISTEN_DATABASE_URL: DatabaseUrl.optional(),
  DATABASE_POOL_SIZE: integer(1, 1000, 10),
  DATABASE_TIMEOUT_SECONDS: integer(1, 300, 10),
  PREPARED_STATEMENTS: oneOf("on", "off").default("on"),
  SECRET_KEY: SecretKey,
  SECRET_KEY_PREVIOUS: AnySecretKey.optional(),
  ISSUER: WebUrl.optional(),
  AUDIENCE: z.string().min(1).default("tenantry"),
  SIGNING_ALGORITHM: oneOf("ES256", "EdDSA").default("ES256"),
  SIGNING_KEY_DAYS: integer(0, 366, 30),
  ACCESS_TOKEN_TTL_SECONDS: integer(1, 3600, 600),
  SESSION_IDLE_SECONDS: integer(1, 366 * DAY, 30 * DAY),
  SESSION_MAX_SECONDS: integer(1, 366 * DAY, 90 * DAY),
  REFRESH_GRACE_SECONDS: integer(0, 60, 10),
  SESSION_LIMIT: integer(0, 1000, 20),
  STEP_UP_SECONDS: integer(30, DAY, 600),
  EMAIL_SCOPE: oneOf("global", "tenant").default("global"),
  REGISTRATION: oneOf("open", "closed").default("open"),
  TENANT_GRACE_DAYS: integer(0, 3650, 30),
  EMAIL_VERIFICATION: oneOf("optional", "required").default("optional"),
  MFA: oneOf("optional", "required").default("optional"),
  PASSWORD_MIN_LENGTH: integer(8, 64, 15),
  PASSWORD_MIN_LENGTH_WITH_MFA: integer(8, 64, 8),
  PASSWORD_HASH_QUEUE: integer(0, 10_000, 64),
  BODY_LIMIT_BYTES: integer(KIB, 16 * KIB * KIB, 256 * KIB),
  CLIENT_TIMEOUT_SECONDS: integer(1, 120, 30),
  TRUSTED_PROXY_HOPS: integer(0, 10, 0),
  RATE_LIMITS: oneOf("database", "memory", "off").default("database"),
  CORS_ORIGINS: Origins.prefault(""),
  PRODUCT_NAME: z.string().max(64, "may have 64 characters at most").default("Tenantry"),
  APP_URL: WebUrl.optional(),
  PASSKEY_RP_ID: RpId.optional(),
  PASSKEY_ORIGINS: Origins.prefault(""),
  SMTP_URL: SmtpUrl.optional(),
  MAIL_FROM: Mailbox.default("Tenantry <no-reply@localhost>"),
  MAIL_TEMPLATES: z.string().min(1).default("mail-templates"),
  AUDIT_RETENTION_DAYS: integer(0, 36_500, 400),
  JOBS: oneOf("on", "off").default("on"),
  SCHEMA_CHECK: oneOf("off", "report", "require").default("report"),
  DOCS: oneOf("on", "off").optional(),
  LOG_LEVEL: oneOf("debug", "info", "warn", "error", "silent").default("info"),
});

export type Environment = z.output<typeof Environment>;
export type Config = ReturnType<typeof toConfig>;

export class ConfigError extends Error {
  override name = "ConfigError";
}

type Variables = Record<string, string | undefined>;

/**
 * The configuration of the server, from environment variables. Empty variables count as absent.
 * @param look finds what else is wrong, outside of the variables themselves, with those that are right so far.
 * @throws ConfigError that names every wrong variable, and never shows a value: values may be secrets.
 */
export function parseConfig(env: Variables, look: (values: Values) => Fault[] = () => []): Config {
  return toConfig(read(env, (values) => [...faultsOfServer(values), ...look(values)]));
}

/** The same for an operator's tool, which issues nothing and may hold a key that is on its way out. @throws ConfigError */
export function parseToolConfig(env: Variables): Config {
  return toConfig(read(env, () => []));
}

/** All faults at once: whoever mends one after the other starts as many times. */
function read(env: Variables, rules: (values: Values) => Fault[]): Environment {
  const values: Values = {};
  const faults = new Map<string, string>();
  for (const [name, schema] of Object.entries(Environment.shape)) {
    const text = env[name] || undefined;
    const { data, error } = schema.safeParse(text);
    if (text !== undefined && text !== text.trim() && !LISTS.includes(name))
      faults.set(name, "must have no white space around it");
    else if (error)
      faults.set(
        name,
        text === undefined ? "is required" : (error.issues[0]?.message ?? "is wrong"),
      );
    else Object.assign(values, { [name]: data });
  }
  for (const [name, message] of rules(values)) if (!faults.has(name)) faults.set(name, message);
  if (faults.size === 0) return values as Environment;
  const list = Array.from(faults, ([name, message]) => `  ${name}: ${message}`).join("\n");
  throw new ConfigError(
    `The configuration is not usable:\n${list}\nSee .env.example for every variable.`,
  );
}

/** A list may stand on lines of its own. */
const LISTS = ["CORS_ORIGINS", "PASSKEY_ORIGINS"];

function toConfig(value: Environment) {
  const issuer = value.ISSUER ?? `http://localhost:${value.PORT}`;
  const appUrl = value.APP_URL ?? issuer;
  return {
    environment: value.NODE_ENV,
    trial: value.NODE_ENV === "production" && value.TRIAL === "on",
    host: value.HOST,
    port: value.PORT,
    idleTimeoutSeconds: value.IDLE_TIMEOUT_SECONDS,
    databaseUrl: value.DATABASE_URL,
    listenDatabaseUrl: value.LISTEN_DATABASE_URL ?? value.DATABASE_URL,
    databasePoolSize: value.DATABASE_POOL_SIZE,
    databaseTimeoutSeconds: value.DATABASE_TIMEOUT_SECONDS,
    preparedStatements: value.PREPARED_STATEMENTS === "on",
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
    clientTimeoutSeconds: value.CLIENT_TIMEOUT_SECONDS,
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
