/** The configuration: parsed once, passed in. Nothing else reads the environment. */
import { z } from "zod";

const seconds = (fallback: number, max = 366 * 24 * 3600) => z.coerce.number().int().min(1).max(max).default(fallback);
const count = (fallback: number, max: number) => z.coerce.number().int().min(0).max(max).default(fallback);

const Environment = z.object({
  NODE_ENV: z.enum(["development", "test", "production"]).default("production"),
  HOST: z.string().min(1).default("0.0.0.0"),
  PORT: z.coerce.number().int().min(0).max(65535).default(3000),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: "must be a postgresql:// URL" }),
  DATABASE_POOL_SIZE: z.coerce.number().int().min(1).max(1000).default(10),
  DATABASE_TIMEOUT_SECONDS: seconds(10, 300),
  SECRET_KEY: z
    .base64({ error: "must be base64" })
    .refine((text) => Buffer.from(text, "base64").length >= 32, "must hold at least 32 bytes: openssl rand -base64 32"),
  ISSUER: z.url().optional(),
  AUDIENCE: z.string().min(1).default("tenantry"),
  ACCESS_TOKEN_TTL_SECONDS: seconds(600, 3600),
  SESSION_IDLE_SECONDS: seconds(30 * 24 * 3600),
  SESSION_MAX_SECONDS: seconds(90 * 24 * 3600),
  REFRESH_GRACE_SECONDS: count(10, 60),
  EMAIL_SCOPE: z.enum(["global", "tenant"]).default("global"),
  REGISTRATION: z.enum(["open", "closed"]).default("open"),
  PASSWORD_MIN_LENGTH: z.coerce.number().int().min(8).max(64).default(15),
  PASSWORD_HASH_QUEUE: count(64, 10_000),
  BODY_LIMIT_BYTES: z.coerce.number().int().min(1024).max(16 * 1024 * 1024).default(256 * 1024),
  TRUSTED_PROXY_HOPS: count(0, 10),
  CORS_ORIGINS: z
    .string()
    .default("")
    .transform((list) => list.split(",").map((origin) => origin.trim()).filter(Boolean))
    .pipe(z.array(z.url({ protocol: /^https?$/, error: "must be origins such as https://app.example.com" }))),
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
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ""));
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => {
      const name = issue.path.join(".");
      return `  ${name}: ${given[name] === undefined ? "is required" : issue.message}`;
    });
    throw new ConfigError(`The configuration is not usable:\n${lines.join("\n")}\nSee .env.example for every variable.`);
  }
  const value = parsed.data;
  if (value.SESSION_IDLE_SECONDS > value.SESSION_MAX_SECONDS) {
    throw new ConfigError("SESSION_IDLE_SECONDS may not be longer than SESSION_MAX_SECONDS.");
  }
  return {
    environment: value.NODE_ENV,
    host: value.HOST,
    port: value.PORT,
    databaseUrl: value.DATABASE_URL,
    databasePoolSize: value.DATABASE_POOL_SIZE,
    databaseTimeoutSeconds: value.DATABASE_TIMEOUT_SECONDS,
    secretKey: Buffer.from(value.SECRET_KEY, "base64"),
    issuer: value.ISSUER ?? `http://localhost:${value.PORT}`,
    audience: value.AUDIENCE,
    accessTokenTtlSeconds: value.ACCESS_TOKEN_TTL_SECONDS,
    sessionIdleSeconds: value.SESSION_IDLE_SECONDS,
    sessionMaxSeconds: value.SESSION_MAX_SECONDS,
    refreshGraceSeconds: value.REFRESH_GRACE_SECONDS,
    emailScope: value.EMAIL_SCOPE,
    registration: value.REGISTRATION,
    passwordMinLength: value.PASSWORD_MIN_LENGTH,
    passwordHashQueue: value.PASSWORD_HASH_QUEUE,
    bodyLimitBytes: value.BODY_LIMIT_BYTES,
    trustedProxyHops: value.TRUSTED_PROXY_HOPS,
    corsOrigins: value.CORS_ORIGINS,
    docs: (value.DOCS ?? (value.NODE_ENV === "production" ? "off" : "on")) === "on",
    logLevel: value.LOG_LEVEL,
  };
}
