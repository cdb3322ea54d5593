/** The command line and the environment, as options of the check. */
import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { DriftError, messageOf } from "./errors.ts";

export const formatNames = ["text", "json"] as const;

export type Flags = {
  help: boolean;
  databaseUrl: string;
  schema: string;
  migrations: string;
  sql: string;
  schemas: string[];
  strict: boolean;
  format: (typeof formatNames)[number];
};

/** Where `bun dev` writes the URL of the database that it has started. */
const DEV_URL_FILE = ".data/dev.url";

export const usage = `Compares a live database with what the project declares: the Prisma schema and the hand-written SQL.

Usage: bun run drift [options]

  --database-url URL    the live database (DATABASE_URL, else the one that \`bun dev\` has started)
  --schema PATH         Prisma schema, a file or a folder (prisma/schema.prisma)
  --migrations FOLDER   Prisma migrations (prisma/migrations)
  --sql FOLDER          hand-written SQL, applied in the order of names (migrations-sql)
  --schemas A,B         PostgreSQL schemas to compare (the URL's, else public)
  --strict              pending migrations count as drift
  --format FORMAT       ${formatNames.join(" or ")} (text)
  --help

Exit code: 0 no drift, 1 the check could not be made, 2 drift.
`;

/** Throws a DriftError for what it cannot understand. */
export function parseFlags(args: string[], env: Record<string, string | undefined>): Flags {
  const values = parse(args);
  const help = values.help;
  const databaseUrl = help ? "" : (values["database-url"] ?? (env.DATABASE_URL || devUrl()));
  return {
    help,
    databaseUrl,
    schema: values.schema,
    migrations: values.migrations,
    sql: values.sql,
    schemas: values.schemas === undefined ? [schemaOfUrl(databaseUrl)] : names(values.schemas),
    strict: values.strict,
    format: format(values.format),
  };
}

function parse(args: string[]) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        "database-url": { type: "string" },
        schema: { type: "string", default: "prisma/schema.prisma" },
        migrations: { type: "string", default: "prisma/migrations" },
        sql: { type: "string", default: "migrations-sql" },
        schemas: { type: "string" },
        strict: { type: "boolean", default: false },
        format: { type: "string", default: "text" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    // Not repeated in the message: a URL without its option would show its password.
    if (positionals.length > 0) throw new Error("There is an argument that belongs to no option.");
    return values;
  } catch (error) {
    throw new DriftError(`${messageOf(error)}\nSee --help for the options.`, { cause: error });
  }
}

function devUrl(): string {
  if (existsSync(DEV_URL_FILE)) return readFileSync(DEV_URL_FILE, "utf8").trim();
  throw new DriftError(
    "No database is named. Give --database-url or set DATABASE_URL, or start `bun dev`.",
  );
}

function schemaOfUrl(url: string): string {
  return (URL.canParse(url) && new URL(url).searchParams.get("schema")) || "public";
}

function names(list: string): string[] {
  const found = list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (found.length === 0)
    throw new DriftError("--schemas names no schema. Give it as --schemas public,auth.");
  return found;
}

function format(name: string): Flags["format"] {
  const known = formatNames.find((known) => known === name);
  if (!known)
    throw new DriftError(`There is no format "${name}". Choose ${formatNames.join(" or ")}.`);
  return known;
}
