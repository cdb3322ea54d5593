/**
 * The rules of the layout that Biome cannot say; those that it can (circles, the order of the rooms, long files, who reads
 * the environment) are in biome.json. Prints each breach with its file and ends with 1.
 */
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ROOT } from "./prepare.ts";

/** Files that put things together, and so may import anything. */
const ROOTS = ["src/app.ts", "src/index.ts", "src/serve.ts", "src/deps.ts", "src/clean-up.ts"];
/** What http/ may use of the features: who may, still may, and must be there in person, and whose proof is recent. */
const FOR_HTTP = [
  "src/roles/permissions.ts",
  "src/roles/in-person.ts",
  "src/sessions/access-token.ts",
  "src/sessions/recent-proof.ts",
  "src/sessions/still-allowed.ts",
];
/** What features share, from below: each uses only what stands before it. */
const SHARED = [
  "tenant-settings",
  "audit",
  "rate-limits",
  "one-time-tokens",
  "signing-keys",
  "roles",
  "sessions",
  "mail",
];
/** What this instance remembers, put right before the commit or beside it (src/db/commit.ts). */
const TOO_EARLY =
  /(?<!after(?:Commit\(tx|Answer\(ctx), \(\) => (?:ctx\.)?)\b(?:revocations\.add|(?:grants|apiKeys|me)\.forget)\(/g;
/** Biome knows of process.env alone. */
const ENVIRONMENT = /\b(?:Bun|import\.meta)\.env\b/;
const FEATURE = /^src\/(?!(config|crypto|db|http|jobs|watch)\/)[^/]+\//;

type Import = { from: string; to: string; typeOnly: boolean };

const files = [...new Bun.Glob("src/**/*.ts").scanSync({ cwd: ROOT })];
const breaches = files.flatMap((file) => {
  const source = readFileSync(join(ROOT, file), "utf8");
  return [
    ...importsOf(file, source).flatMap(breachesOf),
    ...openTables(source),
    ...(ROOTS.includes(file) ? [] : tooEarly(source)),
    ...(!readsEnvironment(file) && ENVIRONMENT.test(source)
      ? ["Leave the environment to config."]
      : []),
    ...(file !== "src/index.ts" && file.endsWith("/index.ts")
      ? ["No index files per folder."]
      : []),
  ].map((breach) => `${file}: ${breach}`);
});
for (const breach of breaches) console.error(breach);
process.exit(breaches.length === 0 ? 0 : 1);

function importsOf(file: string, source: string): Import[] {
  const statements = source.matchAll(/^(?:import|export)\s+(type\s+)?[^;]*?from\s+"([^"]+)"/gm);
  return [...statements].map(([, type, target = ""]) => ({
    from: file,
    to: target.startsWith(".") ? relative(ROOT, join(ROOT, dirname(file), target)) : target,
    typeOnly: type !== undefined,
  }));
}

function readsEnvironment(file: string): boolean {
  return file === "src/index.ts" || file.startsWith("src/cli/");
}

function heightOf(file: string): number {
  return SHARED.indexOf(/^src\/([^/]+)\//.exec(file)?.[1] ?? "");
}

function breachesOf({ from, to, typeOnly }: Import): string[] {
  const say = (rule: string) => [`imports ${to}. ${rule}`];
  if (to.startsWith("scripts/") || (to.startsWith("src/cli/") && !from.startsWith("src/cli/")))
    return say("What is run by hand uses the application, and not the other way.");
  if (to.startsWith("src/operations/") && !/^src\/(cli|operations)\//.test(from))
    return say("What operators do by hand uses the application, and not the other way.");
  if (ROOTS.includes(from)) return [];
  // The types of every part meet there.
  if (from === "src/context.ts") return typeOnly ? [] : say("It may import types alone.");

  const inHttp = from.startsWith("src/http/");
  const isRoutes = from.endsWith("/routes.ts");
  if (/^hono(\/|-|$)/.test(to) && !inHttp && !isRoutes)
    return say("Hono stays in app, http/ and routes.");
  if (to.includes("generated/prisma") && (inHttp || isRoutes)) return say("Routes hold no Prisma.");
  if (to.startsWith("src/http/") && !inHttp && !isRoutes) return say("Functions hold no HTTP.");
  if (heightOf(from) >= 0 && heightOf(to) > heightOf(from))
    return say(`Of what features share, imports go down: ${SHARED.toReversed().join(" > ")}.`);
  if (inHttp && FEATURE.test(to) && !typeOnly && !FOR_HTTP.includes(to))
    return say("http/ serves features, and knows none.");
  return [];
}

/** What is typed by any string can be asked for `constructor`. */
function openTables(source: string): string[] {
  const tables = source.matchAll(
    /^(?:export )?const (\w+): (?:Readonly<)?(?:Partial<)?Record<string,/gm,
  );
  return [...tables].map(
    ([, name]) => `${name} is an object that any word is looked up in. Make it a Map.`,
  );
}

function tooEarly(source: string): string[] {
  return [...source.matchAll(TOO_EARLY)].map(([call]) => `${call}) is asked for by afterCommit.`);
}
