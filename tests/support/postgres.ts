/** Databases for tests: each test file gets its own, cloned from one template that `prisma migrate deploy` made. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import pg from "pg";
import { prepareRuntimeRole } from "../../src/db/runtime-role.ts";

export type TestDatabase = {
  /** As a superuser, whom no policy holds. */
  url: string;
  /** As the server's login. */
  appUrl: string;
  name: string;
  /** Runs SQL on a connection of its own. */
  query(sql: string): Promise<void>;
  drop(): Promise<void>;
};

const ROOT = join(import.meta.dir, "..", "..");
const PREFIX = "tenantry_test";
/** Of servers that are made for tests and gone after them. */
const LOGIN = { user: "tenantry_test", password: "for-a-server-that-is-thrown-away" };

/**
 * A database of its own: complete (every migration applied), or empty with `template: false`.
 * @param server another one than that of the test run, by its URL: there nothing is ready yet.
 */
export async function createDatabase({
  template = true,
  server = serverUrl(),
} = {}): Promise<TestDatabase> {
  const ready = server === serverUrl() ? templateName : () => buildTemplate(server);
  const source = template ? await ready() : "template0";
  const name = `${PREFIX}_${randomBytes(6).toString("hex")}`;
  const url = urlOf(name, server);
  // Files are copied, and not written to the log page by page: less than half of the work where nothing is synced.
  await run(server, `CREATE DATABASE ${name} TEMPLATE ${source} STRATEGY file_copy`);
  return {
    url,
    appUrl: asLogin(url),
    name,
    query: (sql) => run(url, sql),
    drop: () => run(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

/** Makes the template, or names the one that was made for this run. */
export async function templateName(): Promise<string> {
  return process.env.TENANTRY_TEST_TEMPLATE ?? buildTemplate();
}

/** Drops the template, so that a server which outlives the run keeps nothing of it. */
export async function dropTemplate(): Promise<void> {
  const name = process.env.TENANTRY_TEST_TEMPLATE;
  if (name) await onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
}

async function buildTemplate(server = serverUrl()): Promise<string> {
  const name = `${PREFIX}_template_${randomBytes(6).toString("hex")}`;
  await run(server, `CREATE DATABASE ${name} TEMPLATE template0`);
  const deploy = Bun.spawn([process.execPath, "x", "prisma", "migrate", "deploy"], {
    cwd: ROOT,
    env: { ...process.env, DATABASE_URL: urlOf(name, server) },
    stdout: "pipe",
    stderr: "pipe",
  });
  if ((await deploy.exited) !== 0) {
    const output = (await deploy.stdout.text()) + (await deploy.stderr.text());
    throw new Error(`the migrations do not apply to an empty database:\n${output}`);
  }
  await prepareLogin(urlOf(name, server));
  return name;
}

/** Makes the server's login in a migrated database, and answers its URL. */
export async function prepareLogin(url: string): Promise<string> {
  await prepareRuntimeRole(url, LOGIN);
  return asLogin(url);
}

function asLogin(url: string): string {
  return url.replace(/\/\/[^@]*@/, `//${LOGIN.user}:${LOGIN.password}@`);
}

function urlOf(database: string, server: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

/** Runs SQL in the maintenance database: what says something of other databases and of roles. */
export function onServer(sql: string): Promise<void> {
  return run(serverUrl(), sql);
}

async function run(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

function serverUrl(): string {
  const url = process.env.DATABASE_URL_TEST;
  if (!url)
    throw new Error(
      "no test server: run through `bun test`, which preloads tests/support/preload.ts",
    );
  return url;
}
