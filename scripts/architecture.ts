/** The rules of the layout, checked on the imports themselves. Prints each breach with its file and ends with 1. */
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ROOT } from "./prepare.ts";

const LONGEST_FILE = 300;
/** What any feature may use. */
const GROUND = [
  "config",
  "config-fields",
  "config-rules",
  "context",
  "crypto",
  "db",
  "errors",
  "fair-queue",
  "fields",
  "jobs",
  "log",
  "network",
  "turns",
];
const SHARED_FEATURES = ["audit", "mail", "one-time-tokens", "rate-limits", "roles", "sessions"];
/** The features that a feature may use besides those. */
const FEATURES: Record<string, string[]> = {
  invitations: ["auth", "users", "tenants"],
  platform: ["auth", "users", "factors"],
  auth: ["users", "factors", "tenants"],
  "api-keys": ["users"],
  "service-accounts": ["users", "tenants"],
  users: ["factors", "tenants"],
  factors: ["tenants"],
  tenants: [],
  audit: [],
  mail: [],
  "one-time-tokens": [],
  "rate-limits": [],
  roles: [],
  // For how long they last, which a tenant may decide.
  sessions: ["tenants"],
  health: [],
};
/** Files that put things together, and so may import anything. */
const ROOTS = [
  "src/app.ts",
  "src/audit-cli.ts",
  "src/index.ts",
  "src/deps.ts",
  "src/job-handlers.ts",
];
/** What http/ may use of the features: who may, still may, and must be there in person, and whose proof is recent. */
const FOR_HTTP = [
  "src/roles/permissions.ts",
  "src/roles/in-person.ts",
  "src/sessions/recent-proof.ts",
  "src/sessions/still-allowed.ts",
];
/** The types of every part meet here. */
const TYPES_ONLY = ["src/context.ts"];

type Import = { from: string; to: string; typeOnly: boolean };

const files = [
  ...new Bun.Glob("{src,packages,prisma,scripts,tests}/**/*.ts").scanSync({ cwd: ROOT }),
].filter((file) => !/(generated|node_modules)\//.test(file));
const breaches = files.flatMap((file) => [
  ...longFile(file),
  ...importsOf(file).flatMap(breachesOf),
  ...environment(file),
  ...openTable(file),
]);
for (const breach of [...breaches, ...indexFiles()]) console.error(breach);
process.exit(breaches.length + indexFiles().length === 0 ? 0 : 1);

function importsOf(file: string): Import[] {
  const source = readFileSync(join(ROOT, file), "utf8");
  const statements = source.matchAll(/^(?:import|export)\s+(type\s+)?[^;]*?from\s+"([^"]+)"/gm);
  return [...statements].map(([, type, target = ""]) => ({
    from: file,
    to: target.startsWith(".") ? relative(ROOT, join(ROOT, dirname(file), target)) : target,
    typeOnly: type !== undefined,
  }));
}

function breachesOf({ from, to, typeOnly }: Import): string[] {
  if (!from.startsWith("src/") || ROOTS.includes(from)) return [];
  const room = roomOf(from);
  const target = roomOf(to);
  const say = (rule: string) => [`${from}: imports ${to}. ${rule}`];

  if (TYPES_ONLY.includes(from)) return typeOnly ? [] : say("It may import types alone.");

  const isRoutes = from.endsWith("/routes.ts");
  const isHttp = room === "http" || isRoutes;
  if (/^hono(\/|-|$)/.test(to) && !isHttp) return say("Hono stays in app, http/ and routes.");
  if (isHttp && to.includes("generated/prisma")) return say("Routes hold no Prisma.");
  if (!to.startsWith("src/") || target === room || GROUND.includes(target)) return [];
  if (target === "http") return isRoutes ? [] : say("Functions hold no HTTP.");
  if (room === "http")
    return typeOnly || FOR_HTTP.includes(to) ? [] : say("http/ serves features, and knows none.");
  if (GROUND.includes(room)) return say(`${room} is below the features.`);
  const allowed = [...SHARED_FEATURES, ...(FEATURES[room] ?? [])];
  return allowed.includes(target)
    ? []
    : say(
        `Between features: auth → users → factors, tenants, and all → ${SHARED_FEATURES.join(", ")}.`,
      );
}

/** The folder under src/, or the name of a file that stands there by itself. */
function roomOf(path: string): string {
  return /^src\/([^/]+?)(?:\.ts)?(?:\/|$)/.exec(path)?.[1] ?? "";
}

function longFile(file: string): string[] {
  const lines = readFileSync(join(ROOT, file), "utf8").split("\n").length - 1;
  return lines > LONGEST_FILE
    ? [`${file}: ${lines} lines. Past ${LONGEST_FILE} a file wants splitting.`]
    : [];
}

function environment(file: string): string[] {
  if (
    !file.startsWith("src/") ||
    [
      "src/index.ts",
      "src/audit-cli.ts",
      "src/keys-cli.ts",
      "src/roles-cli.ts",
      "src/db/embedded.ts",
    ].includes(file)
  )
    return [];
  const reads = /\b(process|Bun)\.env\b/.test(readFileSync(join(ROOT, file), "utf8"));
  return reads
    ? [`${file}: reads the environment. Only config.ts parses it, from what index.ts passes in.`]
    : [];
}

/** What is typed by any string can be asked for `constructor`. The drift check's tables are asked for kinds of its own. */
function openTable(file: string): string[] {
  if (!file.startsWith("src/")) return [];
  const tables = readFileSync(join(ROOT, file), "utf8").matchAll(
    /^(?:export )?const (\w+): (?:Readonly<)?(?:Partial<)?Record<string,/gm,
  );
  return [...tables].map(
    ([, name]) => `${file}: ${name} is an object that any word is looked up in. Make it a Map.`,
  );
}

function indexFiles(): string[] {
  return files
    .filter((file) => file.endsWith("/index.ts") && file !== "src/index.ts")
    .map((file) => `${file}: no index files per folder.`);
}
