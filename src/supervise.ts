/** Several processes on one port, one a core: started, started again when one dies, and ended together. */
import type { Subprocess } from "bun";
import type { Config } from "./config.ts";
import { type Ending, FINISH_SECONDS } from "./ending.ts";
import { freePort } from "./listen.ts";
import { createLog } from "./log.ts";

/** A worker that dies is started again after so long, twice as long each time that it served for less than a minute. */
const RESTART_MILLIS = 250;
const LONGEST_RESTART_MILLIS = 30_000;
const STEADY_MILLIS = 60_000;
/** So much longer than a worker takes for its end (serve.ts). */
const SPARE_SECONDS = 3;

export type Supervisor = Ending & {
  /** Null once all workers serve, or have been started at least; the status of the first one when it did not begin to. */
  started: Promise<number | null>;
};

/**
 * The first worker begins alone: what keeps it from serving is said once, and what is done once (the first signing key,
 * permissions, queues) is there when the others come.
 * @param command starts this program again. @throws StartFault in `started`, when the port is not to be had.
 */
export function supervise(
  config: Pick<Config, "workers" | "host" | "port" | "logLevel" | "drainSeconds">,
  command: string[],
  env: Record<string, string | undefined>,
): Supervisor {
  const log = createLog(config.logLevel);
  const running = new Map<number, Subprocess>();
  const waiting = new Map<number, Timer>();
  const served = new WeakSet<Subprocess>();
  let ending: Promise<number> | undefined;
  let PORT = "";

  /** Answers once it serves, with null, or has ended, with its status. */
  function begin(worker: number, failures: number): Promise<number | null> {
    const { promise, resolve } = Promise.withResolvers<number | null>();
    const begun = performance.now();
    let serves = false;
    const child = Bun.spawn([...command, `--worker=${worker}`], {
      env: { ...env, PORT },
      stdio: ["ignore", "inherit", "inherit"],
      ipc() {
        serves = true;
        served.add(child);
        resolve(null);
      },
    });
    running.set(worker, child);
    void child.exited.then((status) => {
      running.delete(worker);
      resolve(status);
      const isFirstStart = worker === 0 && failures === 0 && !serves;
      if (ending || isFirstStart) return;
      const isSteady = performance.now() - begun > STEADY_MILLIS;
      again(worker, isSteady ? 0 : failures, child.signalCode ?? status);
    });
    return promise;
  }

  function again(worker: number, failures: number, reason: string | number): void {
    const millis = Math.min(RESTART_MILLIS * 2 ** failures, LONGEST_RESTART_MILLIS);
    log("error", "a worker ended and is started again", { worker, reason, afterMillis: millis });
    const timer = setTimeout(() => {
      waiting.delete(worker);
      void begin(worker, failures + 1);
    }, millis);
    waiting.set(worker, timer);
  }

  async function start(): Promise<number | null> {
    PORT = String(await freePort(config));
    if (ending) return 0;
    const status = await begin(0, 0);
    if (status !== null || ending) return status;
    const others = Array.from({ length: config.workers - 1 }, (_, index) => begin(index + 1, 0));
    await Promise.all(others);
    return null;
  }

  /** Each when it has answered what it was asked. Answers 0 when each of them ended as it should. */
  async function endAll(): Promise<number> {
    log("info", "stopping all workers", { workers: running.size });
    for (const timer of waiting.values()) clearTimeout(timer);
    const children = [...running.values()];
    for (const child of children) child.kill("SIGTERM");
    const seconds = config.drainSeconds + FINISH_SECONDS + SPARE_SECONDS;
    const overdue = setTimeout(kill, seconds * 1000);
    const statuses = await Promise.all(children.map((child) => child.exited));
    clearTimeout(overdue);
    const isWell = children.every(endedWell);
    log(isWell ? "info" : "error", "stopped", { ...(!isWell && { statuses }) });
    return isWell ? 0 : 1;
  }

  /** One that had not begun to serve may have been too early to hear it, and had nothing to answer. */
  function endedWell(child: Subprocess): boolean {
    return child.exitCode === 0 || (child.signalCode === "SIGTERM" && !served.has(child));
  }

  function kill(): void {
    for (const child of running.values()) child.kill("SIGKILL");
  }

  return {
    started: start(),
    end() {
      ending ??= endAll();
      return ending;
    },
    hurry() {
      for (const child of running.values()) child.send("hurry");
    },
    kill,
  };
}
