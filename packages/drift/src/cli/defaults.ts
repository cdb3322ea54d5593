/** What a project is taken to be when the command line does not say. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { PrismaConfig } from "../prisma/config.ts";
import { type Datasource, datasourceOf, urlOf, withDotenv } from "../prisma/datasource.ts";
import type { SchemaFile } from "../prisma/schema-file.ts";

export const SQL_FOLDER = "migrations-sql";

/** Where Prisma looks as well; the first is named when there is none. */
const SCHEMAS = ["prisma/schema.prisma", "prisma/schema", "schema.prisma"] as const;

type Named = {
  schema?: string | undefined;
  migrations?: string | undefined;
  "database-url"?: string | undefined;
  "database-url-file"?: string | undefined;
};
type Environment = Record<string, string | undefined>;

export type Defaults = {
  schema: string;
  /** Of a folder the file with the datasource. */
  schemaFile: string;
  migrations: string | null;
  /** Where the first migration goes, if there is none yet. */
  firstMigrations: string;
  databaseUrl: string | null;
  /** PostgreSQL's, that the Prisma schema lists. */
  schemas: string[];
};

/** What is named, else what the project's own files say, else where Prisma looks. */
export function defaultsOf(named: Named, env: Environment, config: PrismaConfig | null): Defaults {
  const schema = named.schema ?? config?.schema ?? prismaSchema();
  const datasource = datasourceOf(prismaFiles(schema));
  return {
    schema,
    schemaFile: datasource?.path ?? schema,
    // Prisma's own `init` names a folder that the first migration makes.
    migrations:
      named.migrations ??
      (config?.migrations ? present(config.migrations) : migrationsOf(schema, datasource)),
    firstMigrations: config?.migrations ?? join(dirname(datasource?.path ?? schema), "migrations"),
    databaseUrl:
      named["database-url"] ??
      (config?.url || fromSchema(datasource, config ? env : withDotenv(env, schema))) ??
      urlIn(named["database-url-file"]),
    schemas: datasource?.schemas ?? [],
  };
}

/** A default place counts only when something is there; what is named must be. */
export function present(path: string): string | null {
  return existsSync(path) ? path : null;
}

/** The URL that a development server has noted, while there is such a note. */
function urlIn(path: string | undefined): string | null {
  return path !== undefined && existsSync(path) ? readFileSync(path, "utf8").trim() : null;
}

/** As for Prisma, names without a schema mean the one in the URL. */
export function schemaOf(url: string | null): string | null {
  return url && URL.canParse(url) ? new URL(url).searchParams.get("schema") : null;
}

function fromSchema(datasource: Datasource | null, env: Environment): string | null {
  return (datasource && urlOf(datasource, env)) || env.DATABASE_URL || null;
}

function prismaSchema(): string {
  return inPackageJson() ?? SCHEMAS.find(existsSync) ?? SCHEMAS[0];
}

/** Where Prisma 6 lets a project name its schema. */
function inPackageJson(): string | null {
  try {
    const { prisma } = JSON.parse(readFileSync("package.json", "utf8"));
    return typeof prisma?.schema === "string" ? prisma.schema : null;
  } catch {
    return null;
  }
}

/** Prisma keeps them beside the file that has the datasource. */
function migrationsOf(schema: string, datasource: Datasource | null): string | null {
  const beside = [...(datasource ? [dirname(datasource.path)] : []), schema, dirname(schema)];
  const places = [...beside.map((folder) => join(folder, "migrations")), "prisma/migrations"];
  return places.find(existsSync) ?? null;
}

/** Empty when they cannot be read: who needs them says so, and says it better. */
function prismaFiles(path: string): SchemaFile[] {
  try {
    const paths = statSync(path).isDirectory()
      ? readdirSync(path, { recursive: true, encoding: "utf8" })
          .filter((name) => name.endsWith(".prisma"))
          .map((name) => join(path, name))
      : [path];
    return paths.map((path) => ({ path, content: readFileSync(path, "utf8") }));
  } catch {
    return [];
  }
}
