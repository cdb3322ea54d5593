/** The project's files that say what the database should be. */

import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import type { Script } from "../database/replay.ts";
import { codeOf, DriftError, messageOf } from "../model/errors.ts";
import { requirePostgres } from "../prisma/datasource.ts";
import { type Externals, NO_EXTERNALS } from "../prisma/externals.ts";
import type { SchemaFile } from "../prisma/schema-file.ts";
import { schemaToSql } from "../prisma/to-sql.ts";

export type ProjectFiles = {
  /** Path of schema.prisma, or of a folder of .prisma files. */
  schema: string;
  /** Folders; null when the project has none. */
  migrations: string | null;
  sql: string | null;
  externals?: Externals;
};

/** The folder of hand-written SQL that Prisma's part stands on. */
const BEFORE = "before";

type DeclaredFiles = Pick<ProjectFiles, "schema" | "sql" | "externals">;

/**
 * The declared schema as scripts: Prisma's part before the hand-written one, which builds on its tables, and before that
 * the files of a folder `before`, on which Prisma's part builds: extensions, and the functions of its defaults.
 */
export async function readDeclared(files: DeclaredFiles): Promise<Script[]> {
  // Without a prelude nothing else makes them, and keys refer to them.
  const { externals = NO_EXTERNALS } = files;
  const made = externals.prelude === null ? NO_EXTERNALS : externals;
  return Promise.all((await readDeclaredSources(files)).map((script) => withSql(script, made)));
}

/** The same files as they are written: enough to find a line, and nothing that could be applied. */
export async function readDeclaredSources({ schema, sql }: DeclaredFiles): Promise<Script[]> {
  const [sources, written] = await Promise.all([readSchema(schema), readSqlFiles(sql)]);
  const isBefore = ({ path }: Script) => sql !== null && path.startsWith(join(sql, BEFORE, sep));
  const prisma: Script = { path: schema, sql: "", sources };
  return [...written.filter(isBefore), prisma, ...written.filter((script) => !isBefore(script))];
}

async function withSql(script: Script, externals: Externals): Promise<Script> {
  if (!script.sources) return script;
  const sql = await schemaToSql(script.sources, externals).catch((error) => {
    if (error instanceof DriftError) throw error;
    throw new DriftError(`Prisma does not accept the schema. ${messageOf(error).trim()}`, {
      cause: error,
    });
  });
  return { ...script, sql };
}

/** A schema file, or every .prisma file below a folder. */
export async function readSchema(path: string): Promise<SchemaFile[]> {
  const paths = (await isFolder(path, "--schema")) ? await list(path, ".prisma") : [path];
  if (paths.length === 0)
    throw new DriftError(`There is no .prisma file in ${path}. Name the schema with --schema.`);
  const files = await Promise.all(
    paths.map(async (path) => ({ path, content: await readText(path) })),
  );
  requirePostgres(files);
  return files;
}

/** The hand-written SQL, in the order of the file names. */
async function readSqlFiles(folder: string | null): Promise<Script[]> {
  if (folder === null) return [];
  await requireFolder(folder, "--sql");
  const paths = await list(folder, ".sql");
  return Promise.all(paths.map(async (path) => ({ path, sql: await readText(path) })));
}

export type Migration = Script & {
  name: string;
  /** SHA-256 of the file as it is, and as other systems end its lines: Prisma accepts either. */
  checksums: string[];
};

/** Prisma's migrations, in the order in which Prisma applies them: by name. */
export async function readMigrations(folder: string | null): Promise<Migration[]> {
  if (folder === null) return [];
  await requireFolder(folder, "--migrations");
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const path = join(folder, name, "migration.sql");
      const sql = await readText(path).catch((error) => {
        if (codeOf(error.cause) !== "ENOENT") throw error;
        throw new DriftError(
          `${join(folder, name)} has no migration.sql. Bring the file back, or delete the folder, as Prisma asks too.`,
        );
      });
      return { name, path, sql, checksums: checksumsOf(sql) };
    }),
  );
}

function checksumsOf(sql: string): string[] {
  const unix = sql.replaceAll("\r\n", "\n");
  const texts = [sql, unix, unix.replaceAll("\n", "\r\n"), `\uFEFF${sql}`];
  return texts.map((text) => createHash("sha256").update(text).digest("hex"));
}

async function list(folder: string, extension: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names
    .filter((name) => name.endsWith(extension))
    .sort()
    .map((name) => join(folder, name));
}

async function requireFolder(path: string, option: string): Promise<void> {
  if (await isFolder(path, option)) return;
  throw new DriftError(`${path} is not a folder. Name the folder with ${option}.`);
}

async function isFolder(path: string, option: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (codeOf(error) !== "ENOENT")
      throw new DriftError(`${path} cannot be read: ${messageOf(error)}`);
    throw new DriftError(
      `${path} does not exist. Run the check from the project's root, or name the place with ${option}.`,
    );
  }
}

/** Throws a DriftError that names the file when it cannot be read. */
export async function readText(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).replace(/^\uFEFF/, "");
  } catch (error) {
    throw new DriftError(`${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
