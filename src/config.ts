/** The configuration: parsed once, passed in. Nothing else reads the environment. */
import type { ZodType } from "zod";
import { Environment } from "./config/environment.ts";
import { limitsOf } from "./config/limits.ts";
import { doubtfulOf, type Misspelt, misspeltOf } from "./config/misspelt.ts";
import { type Fault, faultsOfServer, type Values } from "./config/rules.ts";
import { withFiles } from "./config/secret-files.ts";

export type Config = ReturnType<typeof toConfig>;

export class ConfigError extends Error {
  override name = "ConfigError";
}

type Variables = Record<string, string | undefined>;

/**
 * The configuration of the server, from environment variables and the files that they name (NAME_FILE). Empty variables
 * count as absent.
 * @param look finds what else is wrong, outside of the variables themselves, with those that are right so far.
 * @throws ConfigError that names every wrong variable, and never shows a value: values may be secrets.
 */
export function parseConfig(env: Variables, look: (values: Values) => Fault[] = () => []): Config {
  const values = read(env, (values) => [...faultsOfServer(values), ...look(values)]);
  return toConfig(values, doubtfulNames(env));
}

/** The same for an operator's tool, which issues nothing and may hold a key that is on its way out. @throws ConfigError */
export function parseToolConfig(env: Variables): Config {
  return toConfig(
    read(env, () => []),
    doubtfulNames(env),
  );
}

/** Names that may be slips of ours, and may be another program's: for the log, and no reason not to start. */
export function doubtfulNames(env: Variables): Misspelt[] {
  return doubtfulOf(env, Object.keys(Environment.shape));
}

/** All faults at once: whoever mends one after the other starts as many times. */
function read(given: Variables, rules: (values: Values) => Fault[]): Environment {
  const names = Object.keys(Environment.shape);
  const { env, faults: faultsOfFiles } = withFiles(given, names);
  const values: Values = {};
  const faults = new Map<string, string>();
  for (const { variable, message } of faultsOfFiles) faults.set(variable, message);
  const unread = faultsOfFiles.map(({ name }) => name);
  for (const [name, schema] of Object.entries(Environment.shape)) {
    // What its file would say is not known.
    if (unread.includes(name)) continue;
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
  for (const [name, message] of rules(values))
    if (!faults.has(name) && !unread.includes(name)) faults.set(name, message);
  for (const { name, message } of misspeltOf(given, names, mayHold)) faults.set(name, message);
  if (faults.size === 0) return values as Environment;
  const list = Array.from(faults, ([name, message]) => `  ${name}: ${message}`).join("\n");
  throw new ConfigError(
    `The configuration is not usable:\n${list}\nSee .env.example for every variable.`,
  );
}

function mayHold(name: string, text: string): boolean {
  const { [name]: schema } = Environment.shape as Record<string, ZodType>;
  return schema?.safeParse(text).success ?? false;
}

/** A list may stand on lines of its own. */
const LISTS = ["CORS_ORIGINS", "LARGE_NETWORKS", "PASSKEY_ORIGINS", "TRUSTED_PROXIES"];

function toConfig(value: Environment, doubtful: Misspelt[]) {
  const issuer = value.ISSUER ?? `http://localhost:${value.PORT}`;
  const appUrl = value.APP_URL ?? issuer;
  const isProduction = value.NODE_ENV === "production";
  return {
    doubtful,
    environment: value.NODE_ENV,
    trial: isProduction && value.TRIAL === "on",
    host: value.HOST,
    port: value.PORT,
    idleTimeoutSeconds: value.IDLE_TIMEOUT_SECONDS,
    drainSeconds: value.DRAIN_SECONDS ?? (isProduction ? 5 : 0),
    databaseUrl: value.DATABASE_URL,
    listenDatabaseUrl: value.LISTEN_DATABASE_URL ?? value.DATABASE_URL,
    workers: value.WORKERS,
    // Of an instance: each of its processes has its share.
    databasePoolSize: Math.floor(value.DATABASE_POOL_SIZE / value.WORKERS),
    databaseTimeoutSeconds: value.DATABASE_TIMEOUT_SECONDS,
    databaseWaitSeconds: value.DATABASE_WAIT_SECONDS ?? (isProduction ? 60 : 0),
    replicaUrl: value.DATABASE_REPLICA_URL,
    replicaLagMillis: value.DATABASE_REPLICA_LAG_MILLISECONDS,
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
    trustedProxies: value.TRUSTED_PROXIES,
    rateLimits: value.RATE_LIMITS,
    rateLimitStoreUrl: value.RATE_LIMIT_STORE_URL,
    limits: limitsOf(value),
    largeNetworks: value.LARGE_NETWORKS,
    largeNetworkFactor: value.LARGE_NETWORK_FACTOR,
    lockout: {
      attempts: value.LOCKOUT_ATTEMPTS,
      mostAttempts: value.LOCKOUT_MOST_ATTEMPTS,
      deviceAttempts: value.LOCKOUT_DEVICE_ATTEMPTS,
      seconds: value.LOCKOUT_SECONDS,
      longestSeconds: value.LOCKOUT_LONGEST_SECONDS,
    },
    corsOrigins: value.CORS_ORIGINS,
    productName: value.PRODUCT_NAME,
    appUrl,
    passkeyRpId: value.PASSKEY_RP_ID ?? new URL(appUrl).hostname,
    passkeyOrigins:
      value.PASSKEY_ORIGINS.length > 0 ? value.PASSKEY_ORIGINS : [new URL(appUrl).origin],
    smtpUrl: value.SMTP_URL,
    mailFrom: value.MAIL_FROM,
    mailTemplates: value.MAIL_TEMPLATES,
    permissionsFile: value.PERMISSIONS_FILE,
    auditRetentionDays: value.AUDIT_RETENTION_DAYS,
    jobs: value.JOBS === "on",
    schemaCheck: value.SCHEMA_CHECK,
    docs: (value.DOCS ?? (isProduction ? "off" : "on")) === "on",
    logLevel: value.LOG_LEVEL,
    logHealth: value.LOG_HEALTH === "on",
    metrics: metricsOf(value),
    traces: tracesOf(value),
  };
}

/** On a port of their own, where there is one; else behind the token on that of the API. Null where nobody asks for them. */
function metricsOf({ METRICS_PORT, METRICS_HOST: host, METRICS_TOKEN }: Environment) {
  const port = METRICS_PORT ?? null;
  const token = METRICS_TOKEN ?? null;
  return port === null && token === null ? null : { port, host, token };
}

/** Null where they have nowhere to go. */
function tracesOf(value: Environment) {
  const url = value.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (url === undefined) return null;
  return {
    url: `${url.replace(/\/+$/, "")}/v1/traces`,
    headers: value.OTEL_EXPORTER_OTLP_HEADERS ?? {},
    service: value.OTEL_SERVICE_NAME,
    share: value.OTEL_TRACES_SAMPLER_ARG,
  };
}
