/** The real server, `bun src/index.ts`, as a child process with a database of its own. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { SQL, type Subprocess } from "bun";
import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import { createDatabase } from "../support/postgres.ts";

const ROOT = join(import.meta.dir, "..", "..");

export type Server = {
  url: string;
  port: number;
  process: Subprocess<"ignore", "pipe", "pipe">;
  /** Everything it has written so far, on both streams. */
  output(): string;
  /** Ends it when it still runs, and drops its database. */
  stop(): Promise<void>;
};

/** What the server gets of the environment: nothing but this, so that the machine's own variables change no test. */
export function serverEnv(env: Record<string, string>): Record<string, string> {
  return {
    PATH: process.env.PATH ?? "",
    NODE_ENV: "test",
    HOST: "127.0.0.1",
    PORT: "0",
    SECRET_KEY: randomBytes(32).toString("base64"),
    ...env,
  };
}

/** @param by the command that runs it, where it is not run by itself. */
export function spawnServer(env: Record<string, string>, root = ROOT, by: string[] = []) {
  return Bun.spawn([...by, process.execPath, "--no-orphans", "--no-env-file", "src/index.ts"], {
    cwd: root,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/**
 * Starts a server and waits for the line that names its address. There is a super admin already: else the server writes
 * on its console how to make the first one (tests/platform/announcement.test.ts).
 * @param root of the code, where it is another than this.
 */
export async function startServer(
  env: Record<string, string> = {},
  root = ROOT,
  by: string[] = [],
): Promise<Server> {
  const database = env.DATABASE_URL ? undefined : await createDatabase();
  await insertSuperAdmin(env.LISTEN_DATABASE_URL ?? env.DATABASE_URL ?? database?.url);
  const child = spawnServer(
    serverEnv({ ...(database && { DATABASE_URL: database.appUrl }), ...env }),
    root,
    by,
  );
  let output = "";
  let settled = false;
  const listening = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) void collect(stream);
  const url = await Promise.race([listening.promise, child.exited.then(() => failed())]);

  async function collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      output += text;
      if (settled) continue;
      const address = /"url":"([^"]+)"/.exec(output)?.[1];
      if (address) listening.resolve(address);
      settled = address !== undefined;
    }
  }
  function failed(): never {
    throw new Error(`the server ended before it listened:\n${output}`);
  }

  return {
    url,
    port: Number(new URL(url).port),
    process: child,
    output: () => output,
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
      await database?.drop();
    },
  };
}

async function insertSuperAdmin(databaseUrl: string | undefined): Promise<void> {
  const sql = new SQL(databaseUrl ?? "");
  const id = "00000000-0000-7000-8000-0000000000aa";
  await sql.begin(async (tx) => {
    // As the server's login too, whom the policies hold.
    await tx`SET LOCAL tenantry.scope = 'platform'`;
    await tx`INSERT INTO accounts (id, email) VALUES (${id}, 'first@platform.example') ON CONFLICT DO NOTHING`;
    await tx`
      INSERT INTO users (id, account_id, email) VALUES (${id}, ${id}, 'first@platform.example')
      ON CONFLICT DO NOTHING`;
    await tx`
      INSERT INTO user_roles (user_id, role_id) VALUES (${id}, ${SYSTEM_ROLES.super_admin})
      ON CONFLICT DO NOTHING`;
  });
  await sql.end();
}

export type Run = { status: number; stdout: string; stderr: string; seconds: number };

/** Starts a server that is expected to end by itself. */
export async function runServer(env: Record<string, string>): Promise<Run> {
  const started = performance.now();
  const child = spawnServer(env);
  const overdue = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const [stdout, stderr, status] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  clearTimeout(overdue);
  return { status, stdout, stderr, seconds: (performance.now() - started) / 1000 };
}
