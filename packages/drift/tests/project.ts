/** A project on disk and the check run in it, as its user would. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { HistoryRow } from "../src/database/migrations-table.ts";

const CLI = join(import.meta.dir, "../src/cli/drift.ts");

/** Contents of files by their path in the project. */
export type Files = Record<string, string>;

export type Outcome = { code: number; stdout: string; stderr: string };

export type Project = {
  folder: string;
  write(files: Files): Promise<void>;
  read(path: string): Promise<string>;
  /** The same, run in a folder of the project. */
  at(folder: string): Pick<Project, "drift">;
  start(args?: string[], env?: Record<string, string>): ReturnType<typeof start>;
  drift(args?: string[], env?: Record<string, string>): Promise<Outcome>;
  remove(): Promise<void>;
};

/** Once the database with its objects is gone. */
export async function dropRole(databaseUrl: string, role: string): Promise<void> {
  const server = new URL(databaseUrl);
  server.pathname = "/postgres";
  await execute(server.href, `DROP ROLE ${role}`);
}

/** What `prisma migrate deploy` keeps its history in. */
export const historyTable = `
CREATE TABLE public._prisma_migrations (
  id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL,
  logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(),
  applied_steps_count integer NOT NULL DEFAULT 0
);`;

/** Marks a migration as applied, or as one that has failed or was rolled back. */
export function historyRow(
  name: string,
  { sql = "", outcome = "applied" }: { sql?: string; outcome?: HistoryRow["outcome"] } = {},
): string {
  const checksum = new Bun.CryptoHasher("sha256").update(sql).digest("hex");
  return `INSERT INTO public._prisma_migrations (id, checksum, migration_name, started_at, finished_at, rolled_back_at)
    VALUES (gen_random_uuid(), '${checksum}', '${name}', clock_timestamp(),
      ${outcome === "applied" ? "now()" : "NULL"}, ${outcome === "rolled back" ? "now()" : "NULL"});`;
}

/** Makes the project in a folder of its own; paths are the check's defaults. */
export async function createProject(databaseUrl: string, files: Files = {}): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), "drift-project-"));
  const write = async (files: Files) => {
    for (const [path, content] of Object.entries(files))
      await Bun.write(join(folder, path), content);
  };
  await write({ "prisma/migrations/migration_lock.toml": 'provider = "postgresql"\n', ...files });

  return {
    folder,
    write,
    read: (path) => Bun.file(join(folder, path)).text(),
    at: (below) => ({
      drift: (args, env) => runDrift(join(folder, below), databaseUrl, args, env),
    }),
    start: (args, env) => start(folder, databaseUrl, args, env),
    drift: (args, env) => runDrift(folder, databaseUrl, args, env),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Runs the check in a folder and waits for it. */
export async function runDrift(...run: Parameters<typeof start>): Promise<Outcome> {
  const check = start(...run);
  const [stdout, stderr, code] = await Promise.all([
    check.stdout.text(),
    check.stderr.text(),
    check.exited,
  ]);
  return { code, stdout, stderr };
}

function start(
  folder: string,
  databaseUrl: string,
  args: string[] = [],
  env: Record<string, string> = {},
) {
  return Bun.spawn([process.execPath, CLI, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, DATABASE_URL: databaseUrl, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

/** Runs statements in a database. */
export async function execute(url: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}
