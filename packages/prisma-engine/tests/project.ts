/** A small Prisma project on disk, and the Prisma CLI run in it as its user would. */
import { randomBytes } from "node:crypto";
import { copyFile, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { createDatabase } from "../../../tests/support/postgres.ts";

export const ROOT = join(import.meta.dir, "../../..");
/** The CLI takes a second or two to start, and more on a machine that is busy with other tests. */
export const TIMEOUT_MS = 120_000;

export const SCHEMA = `
datasource db {
  provider = "postgresql"
}

model User {
  id    Int    @id
  email String @unique
}
`;

export type Files = Record<string, string>;
export type Outcome = { code: number; output: string; stdout: string };

export type Project = {
  folder: string;
  url: string;
  write(files: Files): Promise<void>;
  /** Runs `bunx prisma` with these words, and gives what it printed. */
  prisma(command: string, env?: Env): Promise<Outcome>;
  query(sql: string): Promise<Record<string, unknown>[]>;
  [Symbol.asyncDispose](): Promise<void>;
};

export type Env = Record<string, string | undefined>;

/** A project with this repository's own configuration and engine, and an empty database. */
export async function createProject(files: Files = {}): Promise<Project> {
  const database = await createDatabase({ template: false });
  const folder = await mkdtemp(join(tmpdir(), "tenantry-prisma-"));
  await mkdir(join(folder, "prisma"));
  await copyFile(join(ROOT, "prisma.config.ts"), join(folder, "prisma.config.ts"));
  await symlink(join(ROOT, "packages"), join(folder, "packages"));
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));

  async function write(files: Files): Promise<void> {
    for (const [path, content] of Object.entries(files))
      await Bun.write(join(folder, path), content);
  }
  await write({
    "prisma/schema.prisma": SCHEMA,
    "prisma/migrations/migration_lock.toml": 'provider = "postgresql"\n',
    ...files,
  });

  return {
    folder,
    url: database.url,
    write,
    prisma: (command, env) => run(folder, command, { DATABASE_URL: database.url, ...env }),
    query: (sql) => query(database.url, sql),
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true });
      await database.drop();
    },
  };
}

/** Runs `bunx prisma` in a folder. Of the environment only what `env` names points to a database. */
export async function run(folder: string, command: string, env: Env = {}): Promise<Outcome> {
  const child = Bun.spawn(["bunx", "prisma", ...command.split(" ")], {
    cwd: folder,
    env: {
      ...process.env,
      NO_COLOR: "1",
      DATABASE_URL: undefined,
      SHADOW_DATABASE_URL: undefined,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);

  return { code, output: stdout + stderr, stdout };
}

export async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** A role that owns the project's `public` schema, and what it may do: `createRole(project, "CREATEDB")`. */
export async function createRole(
  { url, query }: Project,
  privileges: string,
): Promise<{ name: string; url: string } & AsyncDisposable> {
  const name = `prisma_${randomBytes(6).toString("hex")}`;
  const password = randomBytes(12).toString("hex");
  await query(`CREATE ROLE ${name} LOGIN ${privileges} PASSWORD '${password}'`);
  await query(`ALTER SCHEMA public OWNER TO ${name}`);

  return {
    name,
    url: withUrl(url, { username: name, password }),
    async [Symbol.asyncDispose]() {
      await query(`DROP OWNED BY ${name}; DROP ROLE ${name}`);
    },
  };
}

/** The URL with another part: `withUrl(url, { password: "wrong" })`. */
export function withUrl(
  url: string,
  parts: Partial<Record<"username" | "password" | "port" | "pathname" | "search", string>>,
): string {
  return Object.assign(new URL(url), parts).href;
}
