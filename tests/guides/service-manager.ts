/** What systemd does with the unit of docs/guides/operations.md, as far as that guide asks for it: start, stop, restart. */
import { readFileSync } from "node:fs";

export type ServiceManager = {
  /** What a `systemctl` in PATH sends its words to. */
  url: string;
  /** Starts this one, and stops it first when it runs. Null is the proxy, which has a unit of its own. */
  restart(port: number | null): Promise<void>;
  stop(port: number): Promise<void>;
  /** How each that was stopped has ended. */
  statuses: number[];
  end(): Promise<void>;
};

/**
 * @param unit the text of the unit. @param proxy the command of haproxy, whose unit is Debian's.
 * @param path what instances find programs in.
 */
export function createServiceManager(unit: () => string, proxy: string[]): ServiceManager {
  const running = new Map<number | null, Bun.Subprocess>();
  const statuses: number[] = [];

  async function stop(port: number | null): Promise<void> {
    const child = running.get(port);
    if (!child) return;
    running.delete(port);
    child.kill("SIGTERM");
    const seconds = port === null ? 10 : Number(settingOf(unit(), "TimeoutStopSec"));
    const overdue = setTimeout(() => child.kill("SIGKILL"), seconds * 1000);
    const status = await child.exited;
    clearTimeout(overdue);
    if (port !== null) statuses.push(status);
  }

  async function restart(port: number | null): Promise<void> {
    await stop(port);
    running.set(port, port === null ? start(proxy, {}) : startInstance(unit(), port));
  }

  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 120,
    async fetch(request) {
      const words = (await request.text()).trim().split(" ");
      if (words[0] === "daemon-reload") return new Response();
      const ports = words.flatMap((word) => /^tenantry@(\d+)$/.exec(word)?.[1] ?? []).map(Number);
      if (words.at(-1) === "haproxy") await restart(null);
      for (const port of ports) await restart(port);
      return new Response();
    },
  });
  return {
    url: server.url.href,
    restart,
    stop,
    statuses,
    async end() {
      await Promise.all([...running.keys()].map(stop));
      await server.stop(true);
    },
  };
}

function startInstance(unit: string, port: number): Bun.Subprocess {
  const file = readFileSync(settingOf(unit, "EnvironmentFile"), "utf8");
  const own = settingOf(unit, "Environment").replaceAll("%i", String(port));
  const env = Object.fromEntries(
    [...file.split("\n"), ...own.split(" ")].flatMap((line): [string, string][] => {
      const [, name, value = ""] = /^(\w+)=(.*)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, value]];
    }),
  );
  return start(settingOf(unit, "ExecStart").split(" "), env, settingOf(unit, "WorkingDirectory"));
}

function start(command: string[], env: Record<string, string>, cwd?: string): Bun.Subprocess {
  return Bun.spawn(command, {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: ["ignore", "ignore", "inherit"],
    ...(cwd && { cwd }),
  });
}

function settingOf(unit: string, name: string): string {
  const [, value] = new RegExp(`^${name}=(.*)$`, "m").exec(unit) ?? [];
  if (value === undefined) throw new Error(`the unit has no ${name}`);
  return value;
}
