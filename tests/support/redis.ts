/** Valkey, or Redis where that is what the machine has: a server of its own, without files. */
import { createServer } from "node:net";

const PROGRAM = Bun.which("valkey-server") ?? Bun.which("redis-server") ?? "redis-server";
const PASSWORD = "for-a-server-that-is-thrown-away";

export type TestStore = {
  url: string;
  /** Neither answers nor refuses, or goes on. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Sends it one command, as an operator. */
  send(command: string, ...args: string[]): Promise<unknown>;
};

export async function startStore(): Promise<TestStore> {
  const port = await freePort();
  const url = `redis://:${PASSWORD}@127.0.0.1:${port}`;
  let child = await run(port);
  return {
    url,
    freeze: () => child.kill("SIGSTOP"),
    thaw: () => child.kill("SIGCONT"),
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
    },
    async start() {
      child = await run(port);
    },
    async send(command, ...args) {
      const client = new Bun.RedisClient(url, { autoReconnect: false, enableOfflineQueue: false });
      try {
        await client.connect();
        return await client.send(command, args);
      } finally {
        client.close();
      }
    },
  };
}

async function run(port: number) {
  const options = { port, bind: "127.0.0.1", requirepass: PASSWORD, save: "", appendonly: "no" };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = Bun.spawn([PROGRAM, ...args], { stdio: ["ignore", "pipe", "ignore"] });
  let output = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    output += text;
    if (output.includes("Ready to accept connections")) return child;
  }
  throw new Error(`${PROGRAM} did not start:\n${output}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}
