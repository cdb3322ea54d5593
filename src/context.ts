/** What functions are given: the parts of the application, and who is asking. */
import type { Pool } from "pg";
import type { Config } from "./config.ts";
import type { AccessTokens } from "./crypto/access-token.ts";
import type { Passwords } from "./crypto/password.ts";
import type { Keyring } from "./crypto/secret.ts";
import type { SigningKeys } from "./crypto/signing-keys.ts";
import type { Database } from "./db/client.ts";
import type { SchemaWatch } from "./health/schema-watch.ts";
import type { GrantStore } from "./roles/grants.ts";
import type { Revocations } from "./sessions/revocations.ts";

/** Made once, in index.ts; a test makes its own. */
export type Deps = {
  config: Config;
  db: Database;
  pool: Pool;
  keyring: Keyring;
  signingKeys: SigningKeys;
  accessTokens: AccessTokens;
  passwords: Passwords;
  revocations: Revocations;
  grants: GrantStore;
  /** Null when SCHEMA_CHECK is off. */
  schema: SchemaWatch | null;
  log: Log;
};

export type LogLevel = "debug" | "info" | "warn" | "error";
export type Log = (level: LogLevel, message: string, fields?: Record<string, unknown>) => void;

/** Where a request comes from. `ip` is null when the transport does not tell. */
export type RequestOrigin = { requestId: string; ip: string | null; userAgent: string | null };

/** Who calls: a user in a session. tenantId NULL is a platform account. */
export type Principal = {
  userId: string;
  tenantId: string | null;
  sessionId: string;
  roles: readonly string[];
  permissions: ReadonlySet<string>;
};

export type Context = Deps & { origin: RequestOrigin };
export type AuthedContext = Context & { principal: Principal };

/** Hono environments: a route that has not authenticated cannot read `principal`. */
export type AppEnv = { Variables: { ctx: Context } };
export type AuthedEnv = { Variables: { ctx: AuthedContext } };
