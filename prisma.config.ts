import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "prisma/config";

const root = import.meta.dirname;
const dotenv = join(root, ".env");
// Where `bun dev` notes the address of its server.
const devUrl = join(root, ".data/dev.url");

// Bun has read it already; Prisma on Node reads none.
if (!process.versions.bun && existsSync(dotenv)) process.loadEnvFile(dotenv);

// No binary is downloaded, and nothing is reported to anyone.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= join(root, "prisma/schema-engine.ts");
process.env.CHECKPOINT_DISABLE ??= "1";
process.env.PRISMA_HIDE_UPDATE_MESSAGE ??= "1";

export default defineConfig({
  schema: join(root, "prisma/schema.prisma"),
  migrations: { path: join(root, "prisma/migrations"), seed: "bun prisma/seed.ts" },
  datasource: {
    url: process.env.DATABASE_URL || findDevUrl(),
    ...(process.env.SHADOW_DATABASE_URL && { shadowDatabaseUrl: process.env.SHADOW_DATABASE_URL }),
  },
});

function findDevUrl(): string {
  if (existsSync(devUrl)) return readFileSync(devUrl, "utf8").trim();
  return "postgresql://localhost:1/start-bun-dev-or-set-DATABASE_URL";
}
