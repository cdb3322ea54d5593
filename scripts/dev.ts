/** `bun dev`: from a fresh clone to a server with hot reload, its database and demo data. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import pg from "pg";
import { DEFAULT_DEMO_PASSWORD, DEMO_USERS } from "../prisma/seed.ts";
import { createPool } from "../src/db/client.ts";
import { prepareRuntimeRole } from "../src/db/runtime-role.ts";
import { checkReadiness, shippedMigrations } from "../src/health/readiness.ts";
import { startEmbedded } from "./embedded-postgres.ts";
import { ROOT, run } from "./prepare.ts";

const DATA = join(ROOT, ".data");
const OWNER_FILE = join(DATA, "dev.pid");
const URL_FILE = join(DATA, "dev.url");
const READY_SECONDS = 30;

type DevDatabase = {
  /** As its owner. */
  url: string;
  /** As the server uses it. */
  serverUrl(): Promise<string>;
  describe: string;
  stop(): void;
};

const port = Number(process.env.PORT || 3000);
let stopping = false;
/** What to undo at the end, the last first. */
const started: { stop(): unknown }[] = [];

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => void end(0));
endWithLauncher();
try {
  const server = await start();
  await announceWhenReady(server);
  await server.exited;
} catch (err) {
  console.error(err instanceof Error ? err.message : err);
}
await end(1);

async function start(): Promise<Bun.Subprocess> {
  await assertPortFree();
  const given = process.env.DATABASE_URL;
  const database = given ? givenDatabase(given) : await embeddedDatabase();
  started.push(database);
  console.error(`Database: ${database.describe}`);
  const env = { DATABASE_URL: database.url };
  if (!(await isMigrated(database.url)))
    await run([process.execPath, "x", "prisma", "migrate", "deploy"], env);

  const server = Bun.spawn(
    [process.execPath, "--no-orphans", "--watch", "--no-clear-screen", "src/index.ts"],
    {
      cwd: ROOT,
      env: {
        NODE_ENV: "development",
        HOST: "127.0.0.1",
        SECRET_KEY: secret("secret-key", () => randomBytes(32).toString("base64")),
        LOG_LEVEL: "warn",
        ...process.env,
        DATABASE_URL: await database.serverUrl(),
        PORT: String(port),
      },
      stdio: ["ignore", "inherit", "inherit"],
    },
  );
  started.push({
    stop() {
      server.kill("SIGTERM");
      return server.exited;
    },
  });
  await run([process.execPath, "prisma/seed.ts"], env);
  return server;
}

/** Asks the database itself: Prisma's CLI takes two seconds to say that there is nothing to do. */
async function isMigrated(databaseUrl: string): Promise<boolean> {
  const pool = createPool({ databaseUrl, databasePoolSize: 1, databaseTimeoutSeconds: 10 });
  const { ready } = await checkReadiness(
    pool,
    shippedMigrations(join(ROOT, "prisma", "migrations")),
  );
  await pool.end();
  return ready;
}

async function announceWhenReady(server: Bun.Subprocess): Promise<void> {
  const origin = `http://localhost:${port}`;
  for (
    const deadline = Date.now() + READY_SECONDS * 1000;
    !(await isReady());
    await Bun.sleep(50)
  ) {
    if (stopping) return;
    if (Date.now() > deadline || server.exitCode !== null)
      throw new Error(`The server is not ready after ${READY_SECONDS} s: its own words are above.`);
  }
  console.log(`
Tenantry is ready

  API       ${origin}/v1
  Docs      ${origin}/docs      (OpenAPI: ${origin}/openapi.json)
  Ready     ${origin}/health/ready
  Mail      ${origin}/dev/mail

Demo accounts, password ${process.env.DEMO_PASSWORD ? "as in DEMO_PASSWORD" : DEFAULT_DEMO_PASSWORD}
${DEMO_USERS.map(({ email, tenant, role }) => `  ${email.padEnd(24)}${role}${tenant ? ` of ${tenant}` : ""}`).join("\n")}

Ctrl-C stops it. The data stays in .data/: delete that folder to begin again.
`);
}

async function isReady(): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => null);
  return answer?.status === 200;
}

/** Stops the server, then its database. Whoever calls again waits for the first call to end the process. */
async function end(status: number): Promise<never> {
  if (stopping) return new Promise(() => {});
  stopping = true;
  for (const part of started.reverse()) await part.stop();
  process.exit(status);
}

/** npx that is killed says nothing to the bun that it started: that one is then left with another parent. */
function endWithLauncher(): void {
  if (!process.env.npm_execpath?.endsWith("npm-cli.js")) return;
  const launcher = parentOf(process.ppid);
  setInterval(() => {
    if (parentOf(process.ppid) !== launcher) void end(0);
  }, 500).unref();
}

/** Known where there is /proc; elsewhere null. */
function parentOf(pid: number): string | null {
  const stat = `/proc/${pid}/stat`;
  if (!existsSync(stat)) return null;
  return readFileSync(stat, "utf8").split(") ").at(-1)?.split(" ")[1] ?? null;
}

function givenDatabase(url: string): DevDatabase {
  if (!URL.canParse(url))
    throw new Error("DATABASE_URL is not a URL: postgresql://user:password@host:5432/database");
  return {
    url,
    serverUrl: async () => url,
    describe: `${new URL(url).host}${new URL(url).pathname} (DATABASE_URL)`,
    stop() {},
  };
}

/** The embedded server's `tenantry` database. Who started it stops it; a server that a killed run left is taken over. */
async function embeddedDatabase(): Promise<DevDatabase> {
  mkdirSync(DATA, { recursive: true });
  const embedded = await startEmbedded({ dataDir: join(DATA, "postgres") });
  const shared = embedded.adopted && ownerIsAlive();
  if (!shared) writeFileSync(OWNER_FILE, String(process.pid));

  const client = new pg.Client({ connectionString: embedded.url });
  await client.connect();
  const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = 'tenantry'");
  if (rowCount === 0) await client.query("CREATE DATABASE tenantry");
  await client.end();

  const url = embedded.url.replace(/\/postgres$/, "/tenantry");
  writeFileSync(URL_FILE, url, { mode: 0o600 });
  return {
    url,
    serverUrl: () => asServer(url),
    describe: `embedded PostgreSQL in .data/postgres${shared ? ", shared with another bun dev" : ""}`,
    stop() {
      if (shared) return;
      embedded.stop();
      rmSync(OWNER_FILE, { force: true });
    },
  };
}

/** As in production, the server runs as a login that row-level security holds. */
async function asServer(ownerUrl: string): Promise<string> {
  const url = new URL(ownerUrl);
  url.username = "tenantry_dev";
  url.password = secret("server-password", () => randomBytes(24).toString("base64url"));
  await prepareRuntimeRole(ownerUrl, { user: url.username, password: url.password });
  return url.href;
}

function ownerIsAlive(): boolean {
  if (!existsSync(OWNER_FILE)) return false;
  try {
    return process.kill(Number(readFileSync(OWNER_FILE, "utf8")), 0);
  } catch {
    return false;
  }
}

/** Made once, and kept beside the data that it is for. */
function secret(name: string, make: () => string): string {
  const file = join(DATA, name);
  mkdirSync(DATA, { recursive: true });
  if (!existsSync(file)) writeFileSync(file, make(), { mode: 0o600 });
  return readFileSync(file, "utf8");
}

async function assertPortFree(): Promise<void> {
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new Error("PORT must be a number from 1 to 65535.");
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", () =>
      reject(
        new Error(
          `Port ${port} is taken, perhaps by another bun dev. Choose another one: PORT=${port + 1} bun dev`,
        ),
      ),
    );
    probe.listen(port, "127.0.0.1", resolve);
  });
  await new Promise((resolve) => probe.close(resolve));
}
