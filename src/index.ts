/** The only file with effects: configuration, connections, server, drain. */
import { join, resolve } from "node:path";
import { createApp } from "./app.ts";
import type { Fault, Values } from "./config/rules.ts";
import { ConfigError, parseConfig } from "./config.ts";
import { isMissingTable, isUnavailable } from "./db/failures.ts";
import { faultOfRole } from "./db/runtime-role.ts";
import { plainly } from "./db/scoped-pool.ts";
import { createDeps } from "./deps.ts";
import { shippedMigrations } from "./health/readiness.ts";
import { drain } from "./http/draining.ts";
import { createJobHandlers } from "./job-handlers.ts";
import { faultOfTemplates } from "./mail/templates.ts";
import { announceBootstrap } from "./platform/announce-bootstrap.ts";
import { declareAll } from "./roles/declare-all.ts";
import { faultOfPermissionsFile, readPermissionsFile } from "./roles/permissions-file.ts";

const DRAIN_SECONDS = 20;
// Before anything that takes time: as the first process of a container it would otherwise be deaf to signals.
let stop: () => unknown = () => process.exit(0);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop());

const config = readConfig();
const { deps, close } = await createDeps(config).catch(fail);
const fault = await faultOfRole(plainly(deps.pool)).catch(fail);
if (fault)
  deps.log("warn", `the database login ${fault}: only queries keep tenants apart`, {
    advice: "bun run db:roles",
  });
if (config.permissionsFile !== undefined)
  await declareAll(deps, readPermissionsFile(resolve(config.permissionsFile))).catch(fail);
if (config.trial) deps.log("warn", "TRIAL=on: a server to try on this machine, not one for others");
const app = createApp(deps, shippedMigrations(join(import.meta.dir, "..", "prisma", "migrations")));
if (config.jobs) await deps.jobs.start(createJobHandlers(deps)).catch(fail);
const server = serve();
deps.log("info", "listening", { url: `http://${config.host}:${server.port}` });
// For people, and not for the log, which is kept.
const announced = announceBootstrap(deps, (text) => console.log(text)).catch((err) =>
  deps.log("error", "no bootstrap token", { error: err }),
);

stop = end;

/** Finishes what is under way, then lets go of the database. */
async function end(): Promise<void> {
  const overdue = setTimeout(() => process.exit(1), DRAIN_SECONDS * 1000);
  await drain(deps.serving, server);
  await announced;
  await close();
  clearTimeout(overdue);
  process.exit(0);
}

function serve() {
  try {
    return Bun.serve({
      hostname: config.host,
      port: config.port,
      fetch: app.fetch,
      // Ours answers 413 as a problem; this one closes the connection on whoever sends far more.
      maxRequestBodySize: config.bodyLimitBytes * 64,
      idleTimeout: config.idleTimeoutSeconds,
    });
  } catch (err) {
    const address = `${config.host}:${config.port}`;
    if (codeOf(err) === "EADDRINUSE")
      return fail(`Port ${config.port} is taken: set PORT to another one.`);
    return fail(
      `Cannot listen on ${address} (${codeOf(err)}): set HOST and PORT to an address of this machine.`,
    );
  }
}

function readConfig() {
  try {
    return parseConfig(process.env, faultsOfFiles);
  } catch (err) {
    return fail(err instanceof ConfigError ? err.message : err);
  }
}

/** Named with the variables, so that a start says everything at once. */
function faultsOfFiles({ MAIL_TEMPLATES, PERMISSIONS_FILE }: Values): Fault[] {
  const faults: [Fault[0], string | null][] = [
    ["MAIL_TEMPLATES", MAIL_TEMPLATES ? faultOfTemplates(resolve(MAIL_TEMPLATES)) : null],
    [
      "PERMISSIONS_FILE",
      PERMISSIONS_FILE ? faultOfPermissionsFile(resolve(PERMISSIONS_FILE)) : null,
    ],
  ];
  return faults.flatMap(([name, fault]) => (fault === null ? [] : [[name, fault] as const]));
}

/** One message and no stack: what goes wrong here is for the operator to mend. */
function fail(reason: unknown): never {
  console.error(reason instanceof Error ? `Tenantry cannot start: ${explain(reason)}` : reason);
  process.exit(1);
}

function explain(err: Error): string {
  if (isUnavailable(err))
    return `the database at ${new URL(config.databaseUrl).host} does not answer.`;
  if (isMissingTable(err)) return "the database has no tables yet. Run: bunx prisma migrate deploy";
  return err.message.trim();
}

function codeOf(err: unknown): unknown {
  return err instanceof Error && "code" in err ? err.code : undefined;
}
