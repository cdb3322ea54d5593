/** The processes of a PostgreSQL: started apart from this one, signalled with all of their children. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";

const RESTART_MILLIS = 500;
const MOST_ATTEMPTS = 60;

/** @throws Error with what it said, at the last of so many attempts. */
export async function startAgain(dataDir: string, port: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1)
    try {
      return void (await start(dataDir, port));
    } catch (err) {
      if (attempt === MOST_ATTEMPTS) throw err;
      await Bun.sleep(RESTART_MILLIS);
    }
}

/** Answers its URL. @throws Error with what it said. */
export async function start(dataDir: string, port = ""): Promise<string> {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "start-postgres.ts"), dataDir, port],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const [out, err, status] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (status !== 0) throw new Error(err);
  return out.trim();
}

/** To the postmaster and all of its children. */
export function signalAll(dataDir: string, name: NodeJS.Signals): void {
  const postmaster = pidOf(dataDir);
  const pids = postmaster === null ? [] : [postmaster, ...childrenOf(postmaster)];
  // The postmaster last where it is killed: its children go as those of a machine that lost its power.
  for (const pid of name === "SIGKILL" ? pids.reverse() : pids) kill(pid, name);
}

export async function ask<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on("error", () => {});
  await client.connect();
  return (await client.query<Row>(sql).finally(() => client.end())).rows;
}

function pidOf(dataDir: string): number | null {
  try {
    return Number(readFileSync(join(dataDir, "postmaster.pid"), "utf8").split("\n")[0]);
  } catch {
    return null;
  }
}

function childrenOf(parent: number): number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const [, ppid] =
        readFileSync(`/proc/${name}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
      return Number(ppid) === parent ? [Number(name)] : [];
    } catch {
      return []; // It has ended.
    }
  });
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

export function run(...command: string[]): number {
  try {
    return Bun.spawnSync(command, { stdio: ["ignore", "ignore", "ignore"] }).exitCode;
  } catch {
    return 127;
  }
}
