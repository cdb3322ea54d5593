/** Putting the parts together: what index.ts and the tests both start from. */
import { join } from "node:path";
import { createApiKeyStore } from "./api-keys/store.ts";
import { createMeStore } from "./auth/me-store.ts";
import { createBackground } from "./background.ts";
import type { Config } from "./config.ts";
import type { Deps } from "./context.ts";
import { createPasswords, shareOfEach } from "./crypto/password.ts";
import { deriveKeyring } from "./crypto/secret.ts";
import { createDatabase, createPool } from "./db/client.ts";
import { connectReplica } from "./db/connect-replica.ts";
import { createListener } from "./db/listener.ts";
import { watchNames } from "./db/names-watch.ts";
import { acrossAll, plainly } from "./db/scoped-pool.ts";
import { clockAhead } from "./db/session-settings.ts";
import { logStatements } from "./db/statement-log.ts";
import { alsoHeard } from "./db/statement-names.ts";
import { watchStatements } from "./db/statement-watch.ts";
import { watchClock } from "./health/clock-watch.ts";
import { watchRoom } from "./health/room-watch.ts";
import { watchSchema } from "./health/schema-watch.ts";
import { createServing } from "./http/draining.ts";
import { JOBS_CHANNEL } from "./jobs/boss.ts";
import { createJobs } from "./jobs/queue.ts";
import { createLog } from "./log.ts";
import { createMailer } from "./mail/mailer.ts";
import { watchTransport } from "./mail/watch-transport.ts";
import { createRateLimits } from "./rate-limits/rate-limits.ts";
import { connectStore } from "./rate-limits/store.ts";
import { createGrantStore } from "./roles/grants.ts";
import { createAccessTokens } from "./sessions/access-token.ts";
import { createRevocations } from "./sessions/revocations.ts";
import { loadSigningKeys } from "./signing-keys/signing-keys.ts";
import { createTurns } from "./turns.ts";
import { createMetrics } from "./watch/metrics.ts";
import { countStatements, traceStatements, watchPasswords } from "./watch/parts.ts";
import { createState } from "./watch/state.ts";

const SNAPSHOT_FILE = join(import.meta.dir, "..", "migrations-sql", "drift.snapshot.json");

type Parts = {
  deps: Deps;
  /** Lets Prisma read its query compiler, a tenth of a second's work. Without it the first query of Prisma's does. */
  warm(): Promise<void>;
  /** Ends the connections; for when the last request is answered. */
  close(): Promise<void>;
};

/** Connects and makes every part; jobs are worked off once somebody calls `jobs.start`. Nothing here asks Prisma. */
export async function createDeps(config: Config): Promise<Parts> {
  const log = createLog(config.logLevel);
  const background = createBackground();
  const keyring = deriveKeyring(config.secretKey, config.previousSecretKey);
  const metrics = config.metrics && createMetrics();
  const traces =
    config.traces && (await import("./watch/otlp.ts")).createTraces(config.traces, log);
  const watching = { metrics, traces };
  const mailer = createMailer(config, log);
  if (metrics || traces) mailer.transport = watchTransport(mailer.transport, watching);
  const statementNames = watchNames({ ...config, log });
  const room = watchRoom();
  const pool = createPool(config, alsoHeard(statementNames, room.heard));
  if (config.logLevel === "debug") logStatements(pool, log);
  if (metrics) watchStatements(pool, countStatements(metrics));
  if (traces) watchStatements(pool, traceStatements(traces));
  const db = createDatabase(pool, config.databaseTimeoutSeconds);
  const replica = await connectReplica(config, log, metrics);
  const { rateLimitStoreUrl } = config;
  const store =
    rateLimitStoreUrl === undefined ? null : await connectStore(rateLimitStoreUrl, log, metrics);
  const onKeyError = (err: unknown) => log("error", "a signing key is not usable", { error: err });
  const signingKeys = await loadSigningKeys({ db, pool: plainly(pool) }, keyring.signingKey, {
    algorithm: config.signingAlgorithm,
    onError: onKeyError,
    everySeconds: 60,
  });
  const preparingPasswords = createPasswords(
    ...shareOfEach(config.passwordHashQueue, config.workers),
  );
  // Who calls is found out before there is a tenant to keep to.
  const lookups = acrossAll(pool);
  const revocations = createRevocations(lookups, config.accessTokenTtlSeconds);
  const grants = createGrantStore(lookups);
  const jobs = await createJobs({ pool: plainly(pool), keyring, log, metrics, traces });
  const apiKeys = createApiKeyStore(lookups, grants, log);
  const me = createMeStore(pool);
  const listener = await createListener({
    databaseUrl: config.listenDatabaseUrl,
    notify: (channel, payload) => pool.query("SELECT pg_notify($1, $2)", [channel, payload]),
    channels: {
      session_revoked: (ended) => revocations.add([ended]),
      signing_keys_changed: () => signingKeys.reload().catch(onKeyError),
      [JOBS_CHANNEL]: (queue) => jobs.wake(queue),
      grants_changed: (userId) => grants.forget(userId === "*" ? undefined : userId),
      api_keys_changed: () => apiKeys.forget(),
      user_changed: (userId) => me.forget({ userId }),
      tenant_changed: (tenantId) => me.forget({ tenantId }),
    },
    async resync() {
      grants.forget();
      apiKeys.forget();
      me.forget();
      await Promise.all([revocations.resync(), signingKeys.reload()]);
    },
    onError: (err) => log("warn", "listener lost, asking the database", { error: err }),
    onFound: () => log("info", "listener found again"),
  });
  revocations.watch(listener);
  grants.watch(listener);
  apiKeys.watch(listener);
  me.watch(listener);

  const schema =
    config.schemaCheck === "off"
      ? null
      : await watchSchema({
          databaseUrl: config.listenDatabaseUrl,
          snapshotFile: SNAPSHOT_FILE,
          everySeconds: 60,
          // Where it decides nothing and nobody is told of it, the first requests come before.
          ...(config.schemaCheck === "report" &&
            config.environment === "production" && { firstAfterSeconds: 1 }),
          onError: (err) => log("warn", "the schema cannot be compared", { error: err }),
        });

  const clock = await watchClock({ log, measure: () => clockAhead(plainly(pool)) });
  await statementNames.tried;
  const plainPasswords = await preparingPasswords;
  const passwords = metrics || traces ? watchPasswords(plainPasswords, watching) : plainPasswords;
  metrics?.watch(createState({ pool, passwords, listener, replica, store, schema }));
  const deps: Deps = {
    config,
    db,
    pool,
    replica,
    statementNames,
    keyring,
    signingKeys,
    accessTokens: createAccessTokens(config, signingKeys),
    passwords,
    revocations,
    rateLimits: createRateLimits(config, { pool: plainly(pool), store }, keyring.rateLimit),
    turns: createTurns(),
    grants,
    apiKeys,
    me,
    jobs,
    background,
    mailer,
    schema,
    clock,
    room,
    serving: createServing(),
    log,
    metrics,
    traces,
  };
  return {
    deps,
    warm: () => db.$connect(),
    async close() {
      await background.settled();
      await jobs.stop();
      mailer.transport.close();
      schema?.stop();
      clock.stop();
      statementNames.stop();
      signingKeys.stop();
      await listener.close();
      store?.close();
      await replica?.close();
      await db.$disconnect();
      await pool.end();
      await traces?.stop();
    },
  };
}
