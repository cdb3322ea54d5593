/** A PostgreSQL with all of its durability, that can be killed, stopped in the middle, and have its disk filled. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";

/** Room for an hour of this; what fills it has to write no more than that. */
const DISK_MIB = 1536;
const RESTART_MILLIS = 500;

export type Cluster = {
  /** The maintenance database, as the superuser. */
  url: string;
  /** Whether its folder is a file system of its own, which can be filled. */
  ownDisk: boolean;
  /** The postmaster and all of its children. */
  signal(signal: NodeJS.Signals): void;
  /** One that serves a connection: PostgreSQL then ends all, and recovers. */
  killBackend(name: string): Promise<void>;
  /** Starts it, as often as it takes. */
  start(): Promise<void>;
  fillDisk(): Promise<void>;
  emptyDisk(): void;
  query(sql: string): Promise<void>;
  destroy(): Promise<void>;
};

export async function startCluster(): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), "tenantry-chaos-"));
  const ownDisk =
    run("mount", "-t", "tmpfs", "-o", `size=${DISK_MIB}m,mode=755`, "tmpfs", folder) === 0;
  const dataDir = join(folder, "postgres");
  const ballast = join(folder, "ballast");
  const url = await start(dataDir).catch((err) => {
    remove();
    throw err;
  });
  const { port } = new URL(url);

  function remove(): void {
    if (ownDisk) run("umount", "--lazy", folder);
    rmSync(folder, { recursive: true, force: true });
  }

  function pids(): number[] {
    const postmaster = pidOf(dataDir);
    return postmaster === null ? [] : [postmaster, ...childrenOf(postmaster)];
  }

  function signal(name: NodeJS.Signals): void {
    // The postmaster last where it is killed: its children go as those of a machine that lost its power.
    for (const pid of name === "SIGKILL" ? pids().reverse() : pids()) kill(pid, name);
  }

  async function query(sql: string): Promise<void> {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
    client.on("error", () => {});
    await client.connect();
    await client.query(sql).finally(() => client.end());
  }

  return {
    url,
    ownDisk,
    signal,
    async killBackend(name) {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      client.on("error", () => {});
      const { rows } = await client.query<{ pid: number }>(
        "SELECT pid FROM pg_stat_activity WHERE application_name = $1 ORDER BY random() LIMIT 1",
        [name],
      );
      if (rows[0]) kill(rows[0].pid, "SIGKILL");
      await client.end().catch(() => {});
    },
    async start() {
      for (let attempt = 1; ; attempt += 1)
        try {
          return void (await start(dataDir, port));
        } catch (err) {
          if (attempt === 60) throw err;
          await Bun.sleep(RESTART_MILLIS);
        }
    },
    async fillDisk() {
      const { bavail, bsize } = statfsSync(folder);
      run("fallocate", "-l", String(bavail * bsize), ballast);
      // The segment that is begun has room for a while.
      await query("SELECT pg_switch_wal()").catch(() => {});
    },
    emptyDisk: () => rmSync(ballast, { force: true }),
    query,
    async destroy() {
      signal("SIGKILL");
      await Bun.sleep(200);
      remove();
    },
  };
}

/** Answers its URL. @throws Error with what it said. */
async function start(dataDir: string, port = ""): Promise<string> {
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

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

function run(...command: string[]): number {
  try {
    return Bun.spawnSync(command, { stdio: ["ignore", "ignore", "ignore"] }).exitCode;
  } catch {
    return 127;
  }
}
