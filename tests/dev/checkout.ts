/** A second checkout, so that `bun dev` can be run without touching the data of this one. */
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..", "..");
const COPIED = [
  "src",
  "packages",
  "prisma",
  "scripts",
  "generated",
  "migrations-sql",
  "mail-templates",
];
const FILES = ["package.json", "bun.lock", "bunfig.toml", "prisma.config.ts", "tsconfig.json"];

export type Dev = {
  port: number;
  /** All that it has printed so far, on both streams. */
  output(): string;
  /** Waits for the text. @throws Error with the output when the process ends, or a minute goes by, without it. */
  prints(text: string): Promise<void>;
  stop(signal: NodeJS.Signals): Promise<number>;
};

export type Checkout = {
  dev(env?: Record<string, string>): Promise<Dev>;
  path: string;
  remove(): void;
};

export function createCheckout(): Checkout {
  const path = mkdtempSync(join(tmpdir(), "tenantry-checkout-"));
  for (const name of [...COPIED, ...FILES])
    cpSync(join(ROOT, name), join(path, name), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(path, "node_modules"));
  return {
    path,
    async dev(env = {}) {
      const port = Number(env.PORT ?? (await freePort()));
      const { DATABASE_URL: _, ...inherited } = process.env;
      const child = Bun.spawn([process.execPath, "scripts/dev.ts"], {
        cwd: path,
        env: { ...inherited, NODE_ENV: "development", PORT: String(port), ...env },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      });
      let output = "";
      for (const stream of [child.stdout, child.stderr])
        void collect(stream, (text) => (output += text));
      return {
        port,
        output: () => output,
        async prints(text) {
          for (const deadline = Date.now() + 60_000; !output.includes(text); await Bun.sleep(50)) {
            if (Date.now() > deadline || child.exitCode !== null)
              throw new Error(`bun dev did not print "${text}":\n${output}`);
          }
        },
        async stop(signal) {
          child.kill(signal);
          return child.exited;
        },
      };
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  onText: (text: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) onText(decoder.decode(chunk, { stream: true }));
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}
