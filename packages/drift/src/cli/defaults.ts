/** What a project is taken to be when the command line does not say. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

export const SQL_FOLDER = "migrations-sql";
export const MIGRATIONS_FOLDER = "prisma/migrations";

/** Where Prisma looks as well; the first is named when there is none. */
const SCHEMAS = ["prisma/schema.prisma", "prisma/schema", "schema.prisma"] as const;

/** A default place counts only when something is there; what is named must be. */
export function present(path: string): string | null {
  return existsSync(path) ? path : null;
}

export function prismaSchema(): string {
  return SCHEMAS.find(existsSync) ?? SCHEMAS[0];
}

/** The URL that a development server has noted, while there is such a note. */
export function urlIn(path: string | undefined): string | null {
  return path !== undefined && existsSync(path) ? readFileSync(path, "utf8").trim() : null;
}

/** As for Prisma, names without a schema mean the one in the URL. */
export function schemaOf(url: string | null): string | null {
  return url && URL.canParse(url) ? new URL(url).searchParams.get("schema") : null;
}

/** The PostgreSQL schemas that the Prisma schema lists, else the one in the URL, else public. */
export function defaultSchemas(schema: string, url: string | null): string[] {
  const [, list] = /^\s*schemas\s*=\s*\[([^\]]*)\]/m.exec(prismaText(schema)) ?? [];
  const listed = [...(list ?? "").matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name);
  if (listed.length > 0) return listed;
  return [schemaOf(url) || "public"];
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
