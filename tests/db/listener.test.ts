import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createServer, connect as dial, type Server, type Socket } from "node:net";
import pg from "pg";
import { createListener, type Listener, type ListenerOptions } from "../../src/db/listener.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

let database: TestDatabase;
let client: pg.Client;
let listener: Listener | undefined;
beforeAll(async () => {
  database = await createDatabase({ template: false });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterEach(async () => {
  await listener?.close();
  listener = undefined;
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

/** Starts a listener that writes down what happens to it. */
async function listen(options: Partial<ListenerOptions> = {}, duringResync = async () => {}) {
  const events: string[] = [];
  listener = await createListener({
    databaseUrl: database.url,
    channels: {
      one: (payload) => events.push(`one ${payload}`),
      two: (payload) => events.push(`two ${payload}`),
    },
    async resync() {
      events.push("resync");
      await duringResync();
    },
    notify: (channel, payload) => client.query("SELECT pg_notify($1, $2)", [channel, payload]),
    onError: () => events.push("lost"),
    ...options,
  });
  return { listener, events };
}

async function until(isSo: () => boolean, millis = 3000) {
  const end = Date.now() + millis;
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`not within ${millis} ms`);
    await Bun.sleep(5);
  }
}

function cut() {
  return client.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
  );
}

test("every channel's payloads arrive, in order", async () => {
  const { listener, events } = await listen();
  expect(listener.healthy).toBe(true);
  await client.query(
    "SELECT pg_notify('one', 'a'), pg_notify('two', 'b'), pg_notify('three', 'c')",
  );
  await client.query("NOTIFY one");
  await until(() => events.length === 4);
  expect(events).toEqual(["resync", "one a", "two b", "one "]);
});

test("after a cut, LISTEN comes first, then what was missed is read again, and only then it is healthy", async () => {
  let healthyDuring: boolean | undefined;
  const { listener: started, events } = await listen({}, async () => {
    healthyDuring = listener?.healthy;
    // A change that is committed now is in no answer to an earlier query: it must come as a notification.
    await client.query("NOTIFY one, 'meanwhile'");
  });
  await until(() => events.includes("one meanwhile"));
  events.length = 0;
  await cut();
  await until(() => events.includes("lost"));
  expect(started.healthy).toBe(false);
  await until(() => started.healthy && events.length === 3);
  expect(events).toEqual(["lost", "resync", "one meanwhile"]);
  expect(healthyDuring).toBe(false);
});

test("that it is found again is told, once for each loss", async () => {
  const found: string[] = [];
  const { listener: started, events } = await listen({ onFound: () => found.push("found") });
  expect(found).toEqual([]);
  for (const losses of [1, 2]) {
    await cut();
    await until(() => events.filter((event) => event === "lost").length === losses);
    await until(() => started.healthy);
    expect(found).toHaveLength(losses);
  }
});

test("a start without a database is not healthy, and becomes it when the database comes", async () => {
  const port = await freePort();
  const url = new URL(database.url);
  const target = { host: url.hostname, port: Number(url.port) };
  url.host = `127.0.0.1:${port}`;
  const { listener, events } = await listen({ databaseUrl: url.href });
  expect(listener.healthy).toBe(false);
  expect(events).toEqual(["lost"]);
  const proxy = await startProxy(target, port);
  try {
    await until(() => listener.healthy);
    expect(events.at(-1)).toBe("resync");
  } finally {
    await listener.close();
    proxy.close();
  }
});

test("a connection that takes LISTEN and hears nothing, as through a pooler in transaction mode, is not healthy", async () => {
  const { listener, events } = await listen({ notify: async () => {} });
  expect(listener.healthy).toBe(false);
  expect(events).toEqual(["lost"]);
});

test("a closed listener stays closed, and leaves no connection", async () => {
  const { listener, events } = await listen();
  await listener.close();
  expect(listener.healthy).toBe(false);
  await client.query("NOTIFY one, 'late'");
  const { rows } = await client.query(
    "SELECT FROM pg_stat_activity WHERE application_name = 'tenantry listener' AND datname = current_database()",
  );
  expect(rows).toHaveLength(0);
  expect(events).toEqual(["resync"]);
});

describe("a connection that is cut without a word", () => {
  test("is not healthy within a second; when it only was slow, nothing is lost and nothing read again", async () => {
    const proxy = await startProxy();
    try {
      const { listener, events } = await listen({ databaseUrl: proxy.url });
      proxy.freeze();
      await until(() => !listener.healthy, 1000);
      await client.query("NOTIFY one, 'meanwhile'");
      let heardWhenHealthy: boolean | undefined;
      proxy.thaw();
      await until(() => {
        if (listener.healthy) heardWhenHealthy ??= events.includes("one meanwhile");
        return listener.healthy;
      });
      expect(heardWhenHealthy).toBe(true);
      expect(events).toEqual(["resync", "one meanwhile"]);
    } finally {
      await listener?.close();
      proxy.close();
    }
  });

  test("is given up after a while for a new one", async () => {
    const proxy = await startProxy();
    try {
      const { listener, events } = await listen({ databaseUrl: proxy.url });
      proxy.freeze();
      await until(() => events.includes("lost"), 8000);
      expect(listener.healthy).toBe(false);
      await until(() => listener.healthy);
      expect(events).toEqual(["resync", "lost", "resync"]);
    } finally {
      await listener?.close();
      proxy.close();
    }
  });
});

/** Stands between listener and server. `freeze` holds back what is under way, as a lost network does. */
async function startProxy(target?: { host: string; port: number }, port = 0) {
  const { hostname, port: serverPort } = new URL(database.url);
  const to = target ?? { host: hostname, port: Number(serverPort) };
  const sockets: Socket[] = [];
  const server: Server = createServer((near) => {
    const far = dial(to);
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.push(from);
      from.on("data", (bytes) => into.write(bytes));
      from.on("error", () => into.destroy());
      from.on("close", () => into.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const address = server.address();
  const url = new URL(database.url);
  url.host = `127.0.0.1:${typeof address === "object" && address ? address.port : port}`;
  return {
    url: url.href,
    freeze: () => sockets.forEach((socket) => void socket.pause()),
    thaw: () => sockets.forEach((socket) => void socket.resume()),
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}
