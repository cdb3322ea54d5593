/** A PostgreSQL with all of its durability, that can be killed, stopped in the middle, and have its disk filled. */
import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { ask, kill, run, signalAll, start, startAgain } from "./server-process.ts";

/** Room for an hour of this; what fills it has to write no more than that. */
const DISK_MIB = 1536;

export type Cluster = {
  /** The maintenance database, as the superuser. */
  url: string;
  /** Whether its folder is a file system of its own, which can be filled. */
  ownDisk: boolean;
  dataDir: string;
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

  return {
    url,
    ownDisk,
    dataDir,
    signal: (name) => signalAll(dataDir, name),
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
    start: () => startAgain(dataDir, port),
    async fillDisk() {
      const { bavail, bsize } = statfsSync(folder);
      run("fallocate", "-l", String(bavail * bsize), ballast);
      // The segment that is begun has room for a while.
      await ask(url, "SELECT pg_switch_wal()").catch(() => {});
    },
    emptyDisk: () => rmSync(ballast, { force: true }),
    query: async (sql) => void (await ask(url, sql)),
    async destroy() {
      signalAll(dataDir, "SIGKILL");
      await Bun.sleep(200);
      remove();
    },
  };
}
