/** The only file with effects: configuration, connections, server, drain. */
import { join } from "node:path";
import { createApp } from "./app.ts";
import { ConfigError, parseConfig } from "./config.ts";
import { createDeps } from "./deps.ts";
import { shippedMigrations } from "./health/readiness.ts";

const DRAIN_SECONDS = 20;
const config = readConfig();
const { deps, close } = await createDeps(config).catch(fail);
const app = createApp(deps, shippedMigrations(join(import.meta.dir, "..", "prisma", "migrations")));
const server = serve();
deps.log("info", "listening", { url: `http://${config.host}:${server.port}` });

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, drain);

/** Takes no new connection, finishes what is under way, then lets go of the database. */
async function drain(): Promise<void> {
  const overdue = setTimeout(() => process.exit(1), DRAIN_SECONDS * 1000);
  await server.stop();
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
      // Ours answers 413 as a problem; this one, for bodies that lie about their length, closes the connection.
      maxRequestBodySize: config.bodyLimitBytes * 64,
      idleTimeout: 30,
    });
  } catch (err) {
    return fail(err instanceof Error && "code" in err && err.code === "EADDRINUSE" ? `Port ${config.port} is taken: set PORT to another one.` : err);
  }
}

function readConfig() {
  try {
    return parseConfig(process.env);
  } catch (err) {
    return fail(err instanceof ConfigError ? err.message : err);
  }
}

function fail(reason: unknown): never {
  console.error(reason instanceof Error ? `Tenantry cannot start: ${reason.message}` : reason);
  process.exit(1);
}
