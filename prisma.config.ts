import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { defineConfig } from "prisma/config";

const root = import.meta.dirname;
const isBun = process.versions.bun !== undefined;
const dotenv = join(root, ".env");

// Bun has read it already; Prisma on Node reads none.
if (!isBun && existsSync(dotenv)) process.loadEnvFile(dotenv);
if (!isBun && !isOnPath("bun")) console.warn("Prisma needs Bun on the PATH to reach the database.");

// No binary is downloaded, and no version check leaves the machine.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= join(
  root,
  "packages/prisma-engine/src/schema-engine.ts",
);
process.env.CHECKPOINT_DISABLE ??= "1";
process.env.PRISMA_HIDE_UPDATE_MESSAGE ??= "1";
// The seed is a process of its own: it inherits the address.
process.env.DATABASE_URL = fromFile() ?? developmentUrl();
delete process.env.DATABASE_URL_FILE;

const { DATABASE_URL, SHADOW_DATABASE_URL } = process.env;

export default defineConfig({
  schema: join(root, "prisma/schema.prisma"),
  migrations: { path: join(root, "prisma/migrations"), seed: "bun prisma/seed.ts" },
  datasource: {
    url: DATABASE_URL,
    ...(SHADOW_DATABASE_URL && { shadowDatabaseUrl: SHADOW_DATABASE_URL }),
  },
});

/** DATABASE_URL_FILE, by the rules of src/config/secret-files.ts. Where there are migrations alone, that file is not there. */
function fromFile(): string | null {
  const { DATABASE_URL, DATABASE_URL_FILE: path } = process.env;
  if (!path) return DATABASE_URL || null;
  if (DATABASE_URL)
    throw new Error("DATABASE_URL_FILE stands beside DATABASE_URL: set one of the two.");
  const text = readFileSync(path, "utf8").replace(/[\r\n]+$/, "");
  if (text === "") throw new Error("DATABASE_URL_FILE names a file that is empty.");
  return text;
}

/** The server of `bun dev`, which notes its address; or else one that answers nobody. */
function developmentUrl(): string {
  const note = join(root, ".data/dev.url");
  return existsSync(note) ? readFileSync(note, "utf8").trim() : "postgresql://localhost:1/postgres";
}

function isOnPath(program: string): boolean {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.some((folder) => existsSync(join(folder, program)));
}
