/** One process that serves: it puts the parts together, and stops without cutting anybody off. */
import { join, resolve } from "node:path";
import { createApp } from "./app.ts";
import type { Config } from "./config.ts";
import type { Deps } from "./context.ts";
import { awaitDatabase, inWords } from "./db/await-database.ts";
import { isMissingTable, isUnavailable } from "./db/failures.ts";
import { faultOfRole } from "./db/runtime-role.ts";
import { plainly } from "./db/scoped-pool.ts";
import { faultOfTimeouts } from "./db/session-settings.ts";
import { createDeps } from "./deps.ts";
import { type Ending, FINISH_SECONDS } from "./ending.ts";
import { checkReadiness, shippedMigrations } from "./health/readiness.ts";
import { drain } from "./http/draining.ts";
import { answerMetrics } from "./http/metrics.ts";
import { createJobHandlers } from "./job-handlers.ts";
import { logLibraryWords } from "./library-words.ts";
import { listen } from "./listen.ts";
import { createLog, type Log } from "./log.ts";
import { announceBootstrap } from "./platform/announce-bootstrap.ts";
import { declareAll } from "./roles/declare-all.ts";
import { readPermissionsFile } from "./roles/permissions-file.ts";
import { StartFault } from "./start-fault.ts";

/**
 * Whoever polls until the server is ready has the answer by then, and whoever is told of it has hardly asked for anything:
 * what takes the thread for a while is done in between.
 */
const FIRST_ANSWER_MILLIS = 50;

/** `started`: jobs are worked off too. It fails as `serve` does. */
type Served = Ending & { started: Promise<void> };

/**
 * @param worker which one of several processes this is, from 0; null when it is the only one. What is to be done once in
 * an instance (jobs, permissions, what is said at a start) the first one does.
 * @returns what finishes all that is under way, and then lets go of the database. Its status is 1 where that took too long.
 * @throws StartFault
 */
export async function serve(config: Config, worker: number | null): Promise<Served> {
  const told = async (err: unknown): Promise<never> => {
    if (err instanceof StartFault || !(err instanceof Error)) throw err;
    throw new StartFault(`Tenantry cannot start: ${await explain(err, config)}`);
  };
  const { started, ...ending } = await start(config, worker).catch(told);
  return { ...ending, started: started.catch(told) };
}

async function start(config: Config, worker: number | null): Promise<Served> {
  const isFirst = (worker ?? 0) === 0;
  const plainLog = createLog(config.logLevel);
  logLibraryWords(plainLog);
  await awaitDatabase(config, plainLog);
  const { deps, warm, close } = await createDeps(config);
  const migrations = shippedMigrations(join(import.meta.dir, "..", "prisma", "migrations"));
  if (isFirst) await prepare(config, deps, migrations);
  const app = createApp(deps, migrations);
  const server = listen(config, {
    fetch: app.fetch,
    reusePort: worker !== null,
    // Ours answers 413 as a problem; this one closes the connection on whoever sends far more.
    maxRequestBodySize: config.bodyLimitBytes * 64,
    idleTimeout: config.idleTimeoutSeconds,
  });
  const metrics = serveMetrics(config, deps, worker ?? 0);
  const log: Log = (level, message, fields) =>
    deps.log(level, message, { ...fields, ...(worker !== null && { worker }) });
  log("info", "listening", {
    url: `http://${config.host}:${server.port}`,
    ...(metrics && { metrics: `http://${config.metrics?.host}:${metrics.port}/metrics` }),
  });
  const answered = Bun.sleep(FIRST_ANSWER_MILLIS);
  const works = config.jobs && isFirst;
  const started = answered.then(async () => {
    if (works) await deps.jobs.start(createJobHandlers(deps));
  });
  const warmed = answered.then(warm);
  // For people, and not for the log, which is kept.
  const writeToConsole = (text: string) => void process.stdout.write(`${text}\n`);
  const announced = warmed
    .then(() => (isFirst ? announceBootstrap(deps, writeToConsole) : null))
    .catch((err) => deps.log("error", "no bootstrap token", { error: err }));
  async function finish(): Promise<void> {
    await drain(deps.serving, server, { seconds: config.drainSeconds, log });
    await Promise.allSettled([announced, started]);
    await metrics?.stop(true);
    await close();
  }
  async function end(): Promise<number> {
    const begun = performance.now();
    const { promise: overdue, resolve } = Promise.withResolvers<false>();
    const timer = setTimeout(resolve, (config.drainSeconds + FINISH_SECONDS) * 1000, false);
    const isDone = await Promise.race([finish().then(() => true), overdue]);
    clearTimeout(timer);
    const seconds = Math.round((performance.now() - begun) / 100) / 10;
    if (isDone) log("info", "stopped", { seconds });
    else log("error", "stopped before everything was finished", { seconds });
    return isDone ? 0 : 1;
  }
  let ending: Promise<number> | undefined;
  return {
    started,
    end() {
      ending ??= end();
      return ending;
    },
    hurry() {
      deps.serving.hurried = true;
    },
  };
}

/** Each process counts for itself, so each has a port: METRICS_PORT, and those after it. @throws StartFault */
function serveMetrics({ metrics: where }: Config, { metrics }: Deps, worker: number) {
  if (!metrics || !where || where.port === null) return null;
  const port = where.port === 0 ? 0 : where.port + worker;
  const variables = { host: "METRICS_HOST", port: "METRICS_PORT" };
  const fetch = answerMetrics(metrics, where.token);
  return listen({ host: where.host, port }, { fetch }, variables);
}

async function prepare(config: Config, deps: Deps, migrations: string[]): Promise<void> {
  await warn(config, deps, migrations);
  if (config.permissionsFile !== undefined)
    await declareAll(deps, readPermissionsFile(resolve(config.permissionsFile)));
}

/** Of what it works on with, and an operator should know. */
async function warn(config: Config, deps: Deps, migrations: string[]): Promise<void> {
  for (const { name, message } of config.doubtful)
    deps.log("warn", `the variable ${name} ${message}`);
  const fault = await faultOfRole(plainly(deps.pool));
  if (fault)
    deps.log("warn", `the database login ${fault}: only queries keep tenants apart`, {
      advice: "bun run db:roles",
    });
  const unbound = await faultOfTimeouts(plainly(deps.pool), config.databaseTimeoutSeconds);
  if (unbound)
    deps.log("warn", `timeouts do not arrive: ${unbound}`, {
      advice: "bun run db:roles gives them to the role, where a pooler drops them",
    });
  const { pending, newer } = await checkReadiness(plainly(deps.pool), migrations, deps.room);
  if (pending.length > 0)
    deps.log(
      "warn",
      "the database lacks migrations of this build: not ready until they are applied",
      {
        pending,
      },
    );
  if (newer.length > 0)
    deps.log("warn", "the database has migrations that this build does not know", { newer });
  await warnOfReplica(deps);
  if (config.trial)
    deps.log("warn", "TRIAL=on: a server to try on this machine, not one for others");
}

/** A replica that is away keeps no instance from starting. */
async function warnOfReplica({ replica, log }: Deps): Promise<void> {
  if (!(await replica?.isCurrent())) return;
  const fault = replica && (await faultOfRole(plainly(replica.pool)).catch(() => null));
  if (fault)
    log("warn", `the login of DATABASE_REPLICA_URL ${fault}: only queries keep tenants apart`);
}

async function explain(err: Error, { databaseUrl }: Config): Promise<string> {
  if (isMissingTable(err)) return "the database has no tables yet. Run: bunx prisma migrate deploy";
  const found = await inWords(err, databaseUrl);
  if (found instanceof StartFault) return found.message;
  const host = new URL(databaseUrl).host;
  return isUnavailable(err) ? `the database at ${host} does not answer.` : err.message.trim();
}
