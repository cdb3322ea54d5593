/** HAProxy and nginx, as docs/operations has them, in front of instances of this machine. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent } from "node:http";
import { join } from "node:path";
import { freePort } from "../mail/smtp-server.ts";
import { ask } from "./one-try.ts";

export type Front = {
  port: number;
  /** Says of an instance, from 0, that it is about to end, or is there again: where the proxy does not ask by itself. */
  leave(instance: number): void;
  back(instance: number): void;
  stop(): Promise<void>;
};

type Kind = {
  command(file: string): string[];
  /** The documented file, with addresses of this machine. */
  config(port: number, ports: number[], folder: string): string;
};

const PATHS = `${process.env.PATH}:/usr/sbin`;
const programOf = (name: string) => Bun.which(name, { PATH: PATHS }) ?? name;
const read = (name: string) =>
  readFileSync(join(import.meta.dir, "..", "..", "docs", "operations", name), "utf8");

export const PROXIES = {
  haproxy: {
    command: (file) => [programOf("haproxy"), "-db", "-f", file],
    config: (port, ports) =>
      read("haproxy.cfg")
        .replace(/^ {2}bind .*$/m, `  bind 127.0.0.1:${port}`)
        .replace(/(^ {2}server .*\n?)+/m, () =>
          ports.map((each, n) => `  server s${n} 127.0.0.1:${each}\n`).join(""),
        ),
  },
  nginx: {
    command: (file) => [programOf("nginx"), "-c", file],
    config(port, ports, folder) {
      const site = ports
        .reduce(
          (text, each, n) => text.replaceAll(`10.0.0.1${n + 1}:3000`, `127.0.0.1:${each}`),
          read("nginx.conf"),
        )
        .replace(/^ {2}listen .*$/m, `  listen 127.0.0.1:${port};`)
        .replace(/^ {2}ssl_.*\n/gm, "")
        .replaceAll("/run/tenantry/", `${folder}/`);
      const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
      return [
        "daemon off;",
        "worker_processes 2;",
        `pid ${folder}/nginx.pid;`,
        "error_log stderr crit;",
        "events { worker_connections 1024; }",
        "http {",
        "access_log off;",
        ...paths.map((each) => `${each}_temp_path ${folder}/nginx-${each};`),
        site,
        "}",
      ].join("\n");
    },
  },
} satisfies Record<string, Kind>;

export async function startProxy(kind: Kind, folder: string, ports: number[]): Promise<Front> {
  const port = await freePort();
  const file = join(folder, `${port}.cfg`);
  writeFileSync(file, kind.config(port, ports, folder));
  const child = Bun.spawn(kind.command(file), { stdio: ["ignore", "ignore", "pipe"] });
  const flagOf = (instance: number) => join(folder, `${["one", "two"][instance]}.leaving`);
  const leave = (instance: number) => writeFileSync(flagOf(instance), "");
  const back = (instance: number) => rmSync(flagOf(instance), { force: true });
  const stop = async () => {
    // nginx ends its workers itself, at once.
    child.kill("SIGTERM");
    await child.exited;
  };
  for (const end = Date.now() + 10_000; Date.now() < end; await Bun.sleep(50)) {
    if (child.exitCode !== null) throw new Error(await child.stderr.text());
    const answer = await ask({ port }, new Agent(), "GET /health/live").catch(() => null);
    if (answer?.status === 200) return { port, leave, back, stop };
  }
  await stop();
  throw new Error("the proxy does not answer");
}
