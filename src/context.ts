/** What functions are given: the parts of the application, and who is asking. */
import type { ApiKeyStore } from "./api-keys/store.ts";
import type { Config } from "./config.ts";
import type { AccessTokens } from "./crypto/access-token.ts";
import type { Passwords } from "./crypto/password.ts";
import type { Keyring } from "./crypto/secret.ts";
import type { SigningKeys } from "./crypto/signing-keys.ts";
import type { Database } from "./db/client.ts";
import type { WatchedNames } from "./db/names-watch.ts";
import type { ScopedPool } from "./db/scoped-pool.ts";
import type { SchemaWatch } from "./health/schema-watch.ts";
import type { Serving } from "./http/draining.ts";
import type { Jobs } from "./jobs/jobs.ts";
import type { Mailer } from "./mail/mailer.ts";
import type { RateLimits } from "./rate-limits/rate-limits.ts";
import type { GrantStore } from "./roles/grants.ts";
import type { Revocations } from "./sessions/revocations.ts";
import type { Turns } from "./turns.ts";

/** Made once, in index.ts; a test makes its own. */
export type Deps = {
  config: Config;
  db: Database;
  pool: ScopedPool;
  statementNames: Pick<WatchedNames, "survive">;
  keyring: Keyring;
  signingKeys: SigningKeys;
  accessTokens: AccessTokens;
  passwords: Passwords;
  revocations: Revocations;
  grants: GrantStore;
  apiKeys: ApiKeyStore;
  jobs: Jobs;
  mailer: Mailer;
  rateLimits: RateLimits;
  turns: Turns;
  /** Null when SCHEMA_CHECK is off. */
  schema: SchemaWatch | null;
  serving: Serving;
  log: Log;
};

export type LogLevel = "debug" | "info" | "warn" | "error";
export type Log = (level: LogLevel, message: string, fields?: Record<string, unknown>) => void;

/** Where a request comes from. `ip` is null when the transport does not tell. */
export type RequestOrigin = {
  requestId: string;
  ip: string | null;
  userAgent: string | null;
  /** The language that the client prefers, as a BCP 47 tag. */
  language: string | null;
  /** What the client calls the device that it runs on. */
  device: string | null;
};

/** Who calls: a user in a session, or a machine with an API key. tenantId NULL is a platform account. */
export type Principal = {
  userId: string;
  tenantId: string | null;
  /** Null for an API key. */
  sessionId: string | null;
  /** Null for a session. */
  apiKeyId: string | null;
  /** The super admin who acts as the user; null when the user is there in person. */
  impersonatorId: string | null;
  /** How the session was begun (RFC 8176), and when, in seconds since 1970. */
  amr: readonly string[];
  authenticatedAt: number;
  /** The tenant asks for a second factor, and no machine. */
  mfaRequired?: boolean;
  roles: readonly string[];
  permissions: ReadonlySet<string>;
};

export type Context = Deps & { origin: RequestOrigin };
export type AuthedContext = Context & { principal: Principal };
/** Where a person is needed: what a machine may not do, such as changing a password. */
export type SessionContext = Context & { principal: Principal & { sessionId: string } };

/** Hono environments: a route that has not authenticated cannot read `principal`. */
export type AppEnv = { Variables: { ctx: Context } };
export type AuthedEnv = { Variables: { ctx: AuthedContext } };
export type SessionEnv = { Variables: { ctx: SessionContext } };
