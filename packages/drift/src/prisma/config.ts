/** `prisma.config.ts`, in which Prisma 7 and later versions of 6 have what a schema and its environment had before. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { DriftError, messageOf } from "../model/errors.ts";
import type { Externals } from "./externals.ts";
import { packageFolder } from "./locate.ts";

/** Paths are as seen from the folder that the check runs in; null is what the file does not say. */
export type PrismaConfig = {
  schema: string | null;
  migrations: string | null;
  url: string | null;
  externals: Externals;
};

/** What of the file's export matters here. */
type Shape = {
  schema?: string;
  migrations?: { path?: string; initShadowDb?: string };
  tables?: { external?: string[] };
  enums?: { external?: string[] };
  datasource?: { url?: string; directUrl?: string };
};

const NAMES = ["prisma.config", ".config/prisma"];
const EXTENSIONS = ["ts", "mts", "cts", "js", "mjs", "cjs"];
/** Prisma's own `env()` throws for a variable that is not set, which a check with --shadow-url alone does not need. */
const UNSET = /Cannot resolve environment variable: (\w+)/;
const STAND_IN = "not set";

/** Null where there is none. @throws DriftError when it cannot be loaded. */
export async function loadPrismaConfig(
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<PrismaConfig | null> {
  const files = NAMES.flatMap((name) => EXTENSIONS.map((extension) => `${name}.${extension}`));
  const name = files.find((file) => existsSync(join(folder, file)));
  if (name === undefined) return null;
  const { schema, migrations, datasource, tables, enums } = await load(folder, name, env);
  const url = datasource?.directUrl || datasource?.url;
  return {
    schema: schema === undefined ? null : within(folder, schema),
    migrations: migrations?.path === undefined ? null : within(folder, migrations.path),
    url: url && url !== STAND_IN ? url : null,
    externals: {
      tables: tables?.external ?? [],
      enums: enums?.external ?? [],
      prelude: migrations?.initShadowDb || null,
    },
  };
}

async function load(folder: string, name: string, env: NodeJS.ProcessEnv): Promise<Shape> {
  const missing = new Set<string>();
  try {
    for (;;) {
      try {
        return await read(folder, name, missing.size);
      } catch (error) {
        const variable = UNSET.exec(messageOf(error))?.[1];
        if (variable === undefined || missing.has(variable))
          throw new DriftError(`${name} cannot be loaded: ${messageOf(error)}`, { cause: error });
        missing.add(variable);
        env[variable] = STAND_IN;
      }
    }
  } finally {
    for (const variable of missing) delete env[variable];
  }
}

/** Bun runs TypeScript; on Node the project's Prisma has a loader for it, and for what Bun has failed to load once. */
async function read(folder: string, name: string, attempt: number): Promise<Shape> {
  const path = join(folder, name);
  const isOurs = process.versions.bun === undefined ? !/ts$/.test(name) : attempt === 0;
  if (!isOurs) {
    const prisma = packageFolder("prisma", folder);
    if (prisma === null)
      throw new Error("the project has no package `prisma`, which reads it. Run npm install.");
    const { loadConfigFromFile } = createRequire(join(prisma, "_"))("@prisma/config");
    const { config, error } = await loadConfigFromFile({ configFile: path, configRoot: folder });
    if (error) throw error.error ?? new Error(error._tag);
    return config;
  }
  const module = await import(`${pathToFileURL(path).href}?${attempt}`);
  return module.default;
}

/** A path as people write it. */
function within(folder: string, path: string): string {
  return relative(folder, join(path.startsWith("/") ? "" : folder, path)) || ".";
}
