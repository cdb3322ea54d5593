/** What functions are given: the parts of the application, and who is asking. */
import type { ApiKeyStore } from "./api-keys/store.ts";
import type { MeStore } from "./auth/me-store.ts";
import type { Background } from "./background.ts";
import type { Config } from "./config.ts";
import type { Passwords } from "./crypto/password.ts";
import type { Keyring } from "./crypto/secret.ts";
import type { Database, Transaction } from "./db/client.ts";
import type { WatchedNames } from "./db/names-watch.ts";
import type { Replica } from "./db/replica.ts";
import type { ScopedPool } from "./db/scoped-pool.ts";
import type { ClockWatch } from "./health/clock-watch.ts";
import type { RoomWatch } from "./health/room-watch.ts";
import type { SchemaWatch } from "./health/schema-watch.ts";
import type { Serving } from "./http/draining.ts";
import type { Jobs } from "./jobs/jobs.ts";
import type { Log } from "./log.ts";
import type { Mailer } from "./mail/mailer.ts";
import type { Principal, RequestOrigin } from "./principal.ts";
import type { RateLimits } from "./rate-limits/rate-limits.ts";
import type { GrantStore } from "./roles/grants.ts";
import type { AccessTokens } from "./sessions/access-token.ts";
import type { Revocations } from "./sessions/revocations.ts";
import type { SigningKeys } from "./signing-keys/signing-keys.ts";
import type { Turns } from "./turns.ts";
import type { Metrics } from "./watch/metrics.ts";
import type { Traces } from "./watch/traces.ts";

/** Made once, in index.ts; a test makes its own. */
export type Deps = {
  config: Config;
  db: Database;
  pool: ScopedPool;
  /** Null where there is none. What reads from it says so: fromReplica in db/replica.ts. */
  replica: Replica | null;
  statementNames: Pick<WatchedNames, "survive">;
  keyring: Keyring;
  signingKeys: SigningKeys;
  accessTokens: AccessTokens;
  passwords: Passwords;
  revocations: Revocations;
  grants: GrantStore;
  apiKeys: ApiKeyStore;
  me: MeStore;
  jobs: Jobs;
  background: Background;
  mailer: Mailer;
  rateLimits: RateLimits;
  turns: Turns;
  /** Null when SCHEMA_CHECK is off. */
  schema: SchemaWatch | null;
  clock: Pick<ClockWatch, "current">;
  room: Pick<RoomWatch, "isFull">;
  serving: Serving;
  log: Log;
  /** Null when nobody is to read them. */
  metrics: Metrics | null;
  /** Null when they have nowhere to go. */
  traces: Traces | null;
};

/**
 * `seen` is for the log and the trace of a request that has no principal: for whom its answer turned out to be; and for
 * what settles a log-in: whether it sets nothing back (auth/guessing.ts). Background work has none.
 */
export type Context = Deps & {
  origin: RequestOrigin;
  seen?: Partial<Seen> & { sharesGuesser?: boolean };
  /** With an Idempotency-Key: notes in the transaction of the change that it was done (http/idempotency.ts). */
  noteDone?: (tx: Transaction) => Promise<void>;
};
export type Seen = Pick<Principal, "userId" | "tenantId">;
export type AuthedContext = Context & { principal: Principal };
/** Where a person is needed: what a machine may not do, such as changing a password. */
export type SessionContext = Context & { principal: PersonInSession };
export type PersonInSession = Principal & { sessionId: string; accountId: string };

/** Hono environments: a route that has not authenticated cannot read `principal`. */
export type AppEnv = { Variables: { ctx: Context } };
export type AuthedEnv = { Variables: { ctx: AuthedContext } };
export type SessionEnv = { Variables: { ctx: SessionContext } };
