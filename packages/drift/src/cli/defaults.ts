/** What a project is taken to be when the command line does not say. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

export const SQL_FOLDER = "migrations-sql";
export const MIGRATIONS_FOLDER = "prisma/migrations";

/** Where Prisma looks as well; the first is named when there is none. */
const SCHEMAS = ["prisma/schema.prisma", "prisma/schema", "schema.prisma"] as const;

/** Where `bun dev` writes the URL of the database that it has started. */
const DEV_URL_FILE = ".data/dev.url";

/** A default place counts only when something is there; what is named must be. */
export function present(path: string): string | null {
  return existsSync(path) ? path : null;
}

export function defaultSchema(): string {
  return SCHEMAS.find(existsSync) ?? SCHEMAS[0];
}

export function devUrl(): string | null {
  return existsSync(DEV_URL_FILE) ? readFileSync(DEV_URL_FILE, "utf8").trim() : null;
}

/** The PostgreSQL schemas that the Prisma schema lists, else the one in the URL, else public. */
export function defaultSchemas(schema: string, url: string | null): string[] {
  const [, list] = /^\s*schemas\s*=\s*\[([^\]]*)\]/m.exec(prismaText(schema)) ?? [];
  const listed = [...(list ?? "").matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name);
  if (listed.length > 0) return listed;
  return [(url && URL.canParse(url) && new URL(url).searchParams.get("schema")) || "public"];
}

/** Empty when it cannot be read: who needs the file says so, and says it better. */
function prismaText(path: string): string {
  try {
    if (!statSync(path).isDirectory()) return readFileSync(path, "utf8");
    const names = readdirSync(path, { recursive: true, encoding: "utf8" });
    const files = names.filter((name) => name.endsWith(".prisma"));
    return files.map((name) => readFileSync(join(path, name), "utf8")).join("\n");
  } catch {
    return "";
  }
}
