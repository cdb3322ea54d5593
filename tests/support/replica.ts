/** A primary and a streaming replica of it, made for the tests of a file. */
import { chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { type EmbeddedServer, startEmbedded } from "../../scripts/embedded-postgres.ts";

export type Pair = {
  /** URLs of the maintenance databases, as superusers. */
  primary: string;
  replica: string;
  /** What the replica has of another URL's database. */
  atReplica(url: string): string;
  /** Has the replica receive and replay nothing, or go on. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Makes a primary of it. */
  promote(): Promise<void>;
  stopReplica(): void;
  startReplica(): Promise<void>;
  stop(): void;
};

/** @param prepare makes what both are to have. */
export async function startPair(prepare: (primary: string) => Promise<void>): Promise<Pair> {
  const folder = mkdtempSync(join(tmpdir(), "tenantry-test-replica-"));
  const [dataDir, copyDir] = [join(folder, "primary"), join(folder, "replica")];
  const primary = await startEmbedded({ dataDir });
  let replica: EmbeddedServer | undefined;
  const stop = () => {
    process.off("exit", stop);
    replica?.stop();
    primary.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  process.on("exit", stop); // Also when the run is broken off.
  try {
    await prepare(primary.url);
    await copyRunning(primary.url, dataDir, copyDir);
    replica = await startEmbedded({ dataDir: copyDir });
  } catch (err) {
    stop();
    throw err;
  }
  const replicaUrl = replica.url;
  const ask = (sql: string) => run(replicaUrl, sql);
  return {
    primary: primary.url,
    replica: replicaUrl,
    atReplica: (url) => Object.assign(new URL(url), { port: new URL(replicaUrl).port }).href,
    pause: () => ask("SELECT pg_wal_replay_pause()"),
    resume: () => ask("SELECT pg_wal_replay_resume()"),
    promote: () => ask("SELECT pg_promote()"),
    stopReplica: () => replica?.stop(),
    async startReplica() {
      replica = await startEmbedded({ dataDir: copyDir, port: Number(new URL(replicaUrl).port) });
    },
    stop,
  };
}

/** What pg_basebackup does, which is not among the embedded programs (PostgreSQL's documentation, section 25.3.4). */
export async function copyRunning(url: string, dataDir: string, copyDir: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("SELECT pg_backup_start('copy', fast => true)");
  // With its owner, where this is root.
  await Bun.spawn(["cp", "--archive", dataDir, copyDir], { stderr: "ignore" }).exited;
  for (const file of ["postmaster.pid", "postmaster.opts"]) rmSync(join(copyDir, file));
  const { rows } = await client.query<{ label: string }>(
    "SELECT labelfile AS label FROM pg_backup_stop(wait_for_archive => false)",
  );
  await client.end();
  Bun.spawnSync(["cp", "--archive", `${dataDir}.password`, `${copyDir}.password`]);
  const { hostname, port, username, password } = new URL(url);
  const { uid, gid } = statSync(join(copyDir, "PG_VERSION"));
  const write = (name: string, text: string) => {
    writeFileSync(join(copyDir, name), text);
    chownSync(join(copyDir, name), uid, gid);
  };
  write("backup_label", rows[0]?.label ?? "");
  write("standby.signal", "");
  write(
    "postgresql.auto.conf",
    `primary_conninfo = 'host=${hostname} port=${port} user=${username} password=${password}'\n`,
  );
}

async function run(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
}
