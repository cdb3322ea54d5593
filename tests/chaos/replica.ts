/** A streaming replica of the world's PostgreSQL, which can be killed, held back, promoted and made anew. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyRunning } from "../support/replica.ts";
import type { Cluster } from "./postgres.ts";
import { ask, signalAll, start, startAgain } from "./server-process.ts";

/** What is written while the replica is away has to be there when it comes back. */
const KEPT_LOG = "256MB";
const BETWEEN_MILLIS = 200;

export type Replica = {
  /** What the replica has of another URL's database. */
  at(url: string): string;
  signal(signal: NodeJS.Signals): void;
  start(): Promise<void>;
  /** Receives and goes on, and replays nothing; or goes on with that too. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Replays each change so much later than it was made. */
  delay(seconds: number): Promise<void>;
  promote(): Promise<void>;
  /** Copied from the primary again, whatever it has become. */
  makeAnew(): Promise<void>;
  /** When it was read from last, by its own clock; null when nobody has who is still connected. */
  lastRead(): Promise<number | null>;
  destroy(): Promise<void>;
};

export async function startReplica(primary: Cluster, databaseUrl: string): Promise<Replica> {
  const folder = mkdtempSync(join(tmpdir(), "tenantry-chaos-replica-"));
  const dataDir = join(folder, "postgres");
  await primary.query(`ALTER SYSTEM SET wal_keep_size = '${KEPT_LOG}'`);
  await primary.query("SELECT pg_reload_conf()");
  await copyRunning(primary.url, primary.dataDir, dataDir);
  const { port } = new URL(await start(dataDir));
  const at = (url: string) => Object.assign(new URL(url), { port }).href;
  const here = at(databaseUrl);

  async function endAll(): Promise<void> {
    signalAll(dataDir, "SIGKILL");
    await Bun.sleep(BETWEEN_MILLIS);
  }

  return {
    at,
    signal: (name) => signalAll(dataDir, name),
    start: () => startAgain(dataDir, port),
    pause: async () => void (await ask(here, "SELECT pg_wal_replay_pause()")),
    resume: async () => void (await ask(here, "SELECT pg_wal_replay_resume()")),
    async delay(seconds) {
      await ask(here, `ALTER SYSTEM SET recovery_min_apply_delay = '${seconds}s'`);
      await ask(here, "SELECT pg_reload_conf()");
    },
    promote: async () => void (await ask(here, "SELECT pg_promote()")),
    async makeAnew() {
      await endAll();
      rmSync(dataDir, { recursive: true, force: true });
      await copyRunning(primary.url, primary.dataDir, dataDir);
      await startAgain(dataDir, port);
    },
    async lastRead() {
      const rows = await ask<{ at: Date | null }>(
        here,
        "SELECT max(query_start) AS at FROM pg_stat_activity WHERE application_name = 'tenantry' AND query NOT LIKE '%pg_last_wal_replay_lsn%'",
      );
      return rows[0]?.at?.getTime() ?? null;
    },
    async destroy() {
      await endAll();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
