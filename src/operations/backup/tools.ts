/** pg_dump and pg_restore: which of those on this machine fits the server. Nothing of theirs is written again here. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { CannotRun } from "../cannot-run.ts";

export type Tool = { path: string /** Such as 15. */; major: number; version: string };

/** Where packages put them: Debian's, that of PostgreSQL's own repository for RPMs, Homebrew's. */
const PLACES = [
  ["/usr/lib/postgresql", "bin"],
  ["/usr", "bin", /^pgsql-(\d+)$/],
  ["/opt/homebrew/opt", "bin", /^postgresql@(\d+)$/],
] as const;

/**
 * The tool of the server's version; where there is none, the next newer one. An older one refuses a newer server.
 * @param env PG_BIN is a folder to look into first, PATH those to look into last.
 * @throws CannotRun with what to install.
 */
export async function findTool(
  name: "pg_dump" | "pg_restore",
  serverMajor: number,
  env: NodeJS.ProcessEnv,
): Promise<Tool> {
  const paths = [env.PG_BIN ?? "", ...installed(), ...(env.PATH ?? "").split(":")]
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name));
  const tools: Tool[] = [];
  for (const path of new Set(paths)) {
    const tool = existsSync(path) ? await versionOf(path) : null;
    if (tool) tools.push(tool);
  }
  const fitting = tools
    .filter(({ major }) => major >= serverMajor)
    .toSorted((a, b) => a.major - b.major);
  if (fitting[0]) return fitting[0];
  const found =
    tools.length > 0 ? `found: ${tools.map(({ version }) => version).join(", ")}` : "there is none";
  throw new CannotRun(
    `${name} of version ${serverMajor} or newer is needed, and ${found}. Install postgresql-client-${serverMajor}, or set PG_BIN to its folder.`,
  );
}

function installed(): string[] {
  return PLACES.flatMap(([above, bin, pattern = /^(\d+)$/]) => {
    if (!existsSync(above)) return [];
    return readdirSync(above)
      .filter((folder) => pattern.test(folder))
      .map((folder) => join(above, folder, bin));
  });
}

/** Null for what does not run. */
async function versionOf(path: string): Promise<Tool | null> {
  try {
    const child = Bun.spawn([path, "--version"], { stdout: "pipe", stderr: "ignore" });
    const [, version, major] = /\) ((\d+)\S*)/.exec(await child.stdout.text()) ?? [];
    return version && major ? { path, version, major: Number(major) } : null;
  } catch {
    return null;
  }
}

/** What libpq is told by variables, so that nothing of it stands among the arguments, which every user of the machine can read. */
const PARAMETERS = new Map([
  ["host", "PGHOST"],
  ["port", "PGPORT"],
  ["sslmode", "PGSSLMODE"],
  ["sslcert", "PGSSLCERT"],
  ["sslkey", "PGSSLKEY"],
  ["sslrootcert", "PGSSLROOTCERT"],
  ["options", "PGOPTIONS"],
]);

/** What else stands in the URL is for other programs: Prisma's sizes of pools, for one. */
export function environmentOf(databaseUrl: string, env: NodeJS.ProcessEnv): Record<string, string> {
  const url = new URL(databaseUrl);
  const given: [string, string][] = [
    ["PGHOST", url.hostname.replace(/^\[|\]$/g, "")],
    ["PGPORT", url.port],
    ["PGUSER", decodeURIComponent(url.username)],
    ["PGPASSWORD", decodeURIComponent(url.password)],
    ["PGDATABASE", decodeURIComponent(url.pathname.slice(1))],
  ];
  for (const [parameter, variable] of PARAMETERS) {
    const value = url.searchParams.get(parameter);
    if (value !== null) given.push([variable, value]);
  }
  return Object.fromEntries([
    ["PATH", env.PATH ?? ""],
    ["HOME", env.HOME ?? ""],
    ["LC_ALL", "C"],
    ["PGAPPNAME", "tenantry backup"],
    ["PGCONNECT_TIMEOUT", "10"],
    ...given.filter(([, value]) => value !== ""),
  ]);
}

type Run = { env: Record<string, string>; signal: AbortSignal };

/** @throws CannotRun with what it said, when it fails. */
export async function runTool(tool: Tool, args: string[], { env, signal }: Run): Promise<void> {
  signal.throwIfAborted();
  const child = Bun.spawn([tool.path, ...args], {
    env,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const end = () => child.kill();
  signal.addEventListener("abort", end);
  try {
    const [said, status] = await Promise.all([child.stderr.text(), child.exited]);
    signal.throwIfAborted();
    if (status !== 0) throw new CannotRun(wordsOf(tool, said, status));
  } finally {
    signal.removeEventListener("abort", end);
  }
}

const LINES = 4;

function wordsOf({ path }: Tool, said: string, status: number): string {
  const lines = said.trim().split("\n").slice(0, LINES).join("\n  ");
  return `${path} ended with ${status}:\n  ${lines}`;
}
