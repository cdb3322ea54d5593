/** PgBouncer in transaction mode in front of a database, set as docs/operations/deploy.md says. */
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

// Debian puts it where ordinary users do not look.
const PROGRAM =
  process.env.PGBOUNCER ||
  (Bun.which("pgbouncer", { PATH: `${process.env.PATH}:/usr/sbin` }) ?? "pgbouncer");

export type Pooler = { url: string; pid: number; stop(): Promise<void> };

export const hasPgBouncer = (): boolean => existsSync(PROGRAM);

type Options = { connections?: number; statements?: number; port?: number };

/**
 * It forgets prepared statements between transactions: older ones know no better, newer ones are told to.
 * @param statements how many it keeps, where it is to keep them. @param port where it listens; without it: where nobody does.
 * @throws Error when it is too old to keep any.
 */
export async function startPgBouncer(
  databaseUrl: string,
  { connections = 6, statements = 0, port }: Options = {},
): Promise<Pooler> {
  if (statements > 0 && !knowsStatements())
    throw new Error("this PgBouncer keeps no prepared statements: it must be 1.21 or later");
  const folder = mkdtempSync(join(tmpdir(), "tenantry-test-pgbouncer-"));
  chmodSync(folder, 0o755);
  const target = new URL(databaseUrl);
  const { username, password, pathname } = target;
  const own = port ?? (await freePort());
  writeFileSync(join(folder, "users.txt"), `"${username}" "${password}"\n`);
  writeFileSync(
    join(folder, "pgbouncer.ini"),
    [
      "[databases]",
      `${pathname.slice(1)} = host=${target.hostname} port=${target.port}`,
      "[pgbouncer]",
      "listen_addr = 127.0.0.1",
      `listen_port = ${own}`,
      "unix_socket_dir =",
      "auth_type = scram-sha-256",
      `auth_file = ${join(folder, "users.txt")}`,
      "pool_mode = transaction",
      `default_pool_size = ${connections}`,
      "max_client_conn = 200",
      "server_login_retry = 1",
      "ignore_startup_parameters = extra_float_digits,statement_timeout,idle_in_transaction_session_timeout",
      ...(knowsStatements() ? [`max_prepared_statements = ${statements}`] : []),
    ].join("\n"),
  );
  const asUser = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  const child = Bun.spawn([PROGRAM, ...asUser, join(folder, "pgbouncer.ini")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  await listens(child);
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${own}`;
  return {
    url: url.href,
    pid: child.pid,
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Since 1.21. */
function knowsStatements(): boolean {
  const { stdout } = Bun.spawnSync([PROGRAM, "--version"]);
  const [, major = 0, minor = 0] = /PgBouncer (\d+)\.(\d+)/.exec(String(stdout)) ?? [];
  return Number(major) > 1 || Number(minor) >= 21;
}

async function listens(child: Bun.Subprocess<"ignore", "ignore", "pipe">): Promise<void> {
  let output = "";
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    output += text;
    if (output.includes("process up")) return;
  }
  throw new Error(`PgBouncer did not start:\n${output}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}
