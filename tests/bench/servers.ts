/** Servers as processes of their own, begun as somebody would begin them and ended with the bench. */
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { ROOT } from "../../scripts/prepare.ts";
import { residentBytesOf } from "./load/proc.ts";

export type Server = {
  name: string;
  port: number;
  pid: number;
  /** The file with what it writes. */
  log: string;
  /** From the start of the process to its first answer. */
  startMillis: number;
  residentMegabytes(): number;
  stop(): Promise<void>;
};

type Program = {
  name: string;
  /** Of the repository. */
  file: string;
  env: Record<string, string>;
  /** What is asked until it answers 200. */
  path: string;
};

const READY_SECONDS = 30;
const POLL_MILLIS = 2;

/** @param folder where what it writes goes. @throws Error with that, when it does not answer. */
export async function startServer(folder: string, program: Program): Promise<Server> {
  const { name, file, env, path } = program;
  const port = await freePort();
  const log = join(folder, `${name}.log`);
  const started = performance.now();
  const child = Bun.spawn([process.execPath, "--no-orphans", "--no-env-file", file], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? "", NODE_ENV: "production", PORT: String(port), ...env },
    stdin: "ignore",
    stdout: Bun.file(log),
    stderr: Bun.file(`${log}.err`),
  });
  const server: Server = {
    name,
    port,
    pid: child.pid,
    log,
    startMillis: 0,
    residentMegabytes: () => residentBytesOf(child.pid) / 2 ** 20,
    async stop() {
      child.kill("SIGTERM");
      const overdue = setTimeout(() => child.kill("SIGKILL"), 5000);
      await child.exited;
      clearTimeout(overdue);
    },
  };
  while (!(await answers(port, path))) {
    if (performance.now() - started > READY_SECONDS * 1000 || child.exitCode !== null) {
      await server.stop();
      const said = [log, `${log}.err`].map((file) => readFileSync(file, "utf8").slice(-2000));
      throw new Error(`${name} does not answer:\n${said.join("")}`);
    }
    await Bun.sleep(POLL_MILLIS);
  }
  return { ...server, startMillis: performance.now() - started };
}

async function answers(port: number, path: string): Promise<boolean> {
  try {
    const { status } = await fetch(`http://127.0.0.1:${port}${path}`);
    return status === 200;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port on 127.0.0.1");
  return address.port;
}
