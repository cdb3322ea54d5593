/** A TCP proxy in front of PostgreSQL: the database seems to go away and to come back, for one server only. */
import { connect, createServer, type Socket } from "node:net";

export type DatabaseProxy = {
  /** The database's URL, through the proxy. */
  url: string;
  /** Ends every connection and refuses new ones, as a server that was stopped does. */
  cut(): void;
  /** Keeps every connection open and passes nothing on, as a firewall or a pulled cable does. */
  freeze(): void;
  restore(): void;
  /** How many connections it has turned away while it was cut. */
  turnedAway(): number;
  /** Calls back once, with the bytes that the client sends next that hold `text`; they are passed on afterwards. */
  onSent(text: string, callback: () => void): void;
  close(): Promise<void>;
};

export async function startProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let state: "open" | "cut" | "frozen" = "open";
  let turnedAway = 0;
  let awaited: { text: string; callback: () => void } | undefined;

  const listener = createServer((client) => {
    if (state === "cut") {
      turnedAway += 1;
      client.destroy();
      return;
    }
    const upstream = connect(Number(target.port || 5432), target.hostname);
    link(client, upstream, look);
    link(upstream, client);
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  const url = new URL(databaseUrl);
  url.hostname = "127.0.0.1";
  url.port = String(address.port);

  function link(from: Socket, to: Socket, inspect?: (data: Buffer) => void): void {
    sockets.add(from);
    from.on("data", (data: Buffer) => {
      inspect?.(data);
      if (state === "open") to.write(data);
    });
    from.on("error", () => {});
    from.on("close", () => {
      sockets.delete(from);
      to.destroy();
    });
  }

  function look(data: Buffer): void {
    if (!awaited || !data.includes(awaited.text)) return;
    const { callback } = awaited;
    awaited = undefined;
    callback();
  }

  function reset(): void {
    for (const socket of sockets) socket.destroy();
  }

  return {
    url: url.href,
    cut() {
      state = "cut";
      reset();
    },
    freeze() {
      state = "frozen";
    },
    restore() {
      // What was frozen has lost bytes: such a connection is of no more use.
      if (state === "frozen") reset();
      state = "open";
    },
    turnedAway: () => turnedAway,
    onSent(text, callback) {
      awaited = { text, callback };
    },
    async close() {
      reset();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
