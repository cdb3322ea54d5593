/** WORKERS: several processes of one instance on one port. */
import { afterEach, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import pg from "pg";
import { createDatabase } from "../support/postgres.ts";
import { runServer, type Server, serverEnv, startServer } from "./start.ts";
import { beginLogin } from "./under-way.ts";

const WORKERS = 2;

let server: Server | undefined;
afterEach(async () => {
  // What has ended already ends nothing more; its database goes.
  server?.process.kill("SIGTERM");
  await server?.process.exited;
  await server?.stop();
});

async function start(env: Record<string, string> = {}): Promise<Server> {
  server = await startServer({ WORKERS: String(WORKERS), SCHEMA_CHECK: "off", ...env });
  await until(async () => listening(server).length === WORKERS);
  return server;
}

/** The workers that have said that they listen, once for each start. */
function listening(of: Server | undefined): number[] {
  const lines = of?.output().matchAll(/"listening".*"worker":(\d+)/g) ?? [];
  return [...lines].map(([, worker]) => Number(worker));
}

/** The process ids, by the number of the worker. */
function workersOf({ process }: Server): Map<number, number> {
  const { stdout } = Bun.spawnSync(["ps", "-o", "pid=,args=", "--ppid", String(process.pid)]);
  const found = stdout.toString().matchAll(/^ *(\d+) .*--worker=(\d+)$/gm);
  return new Map([...found].map(([, pid, worker]) => [Number(worker), Number(pid)]));
}

/** On a connection of its own, so that the kernel chooses a worker for it. Null when the connection broke. */
async function ask({ url }: Server, path = "/health/live"): Promise<number | null> {
  try {
    const response = await fetch(url + path, {
      headers: { connection: "close" },
      keepalive: false,
    });
    await response.text();
    return response.status;
  } catch {
    return null;
  }
}

/** Open files of a process: a connection is one. */
function filesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; !(await isSo()); await Bun.sleep(20))
    if (Date.now() > end) throw new Error("not within twenty seconds");
}

describe("with WORKERS=2", () => {
  test("both take connections of one port, and answer on them", async () => {
    const running = await start();
    const pids = [...workersOf(running).values()];
    expect(pids).toHaveLength(WORKERS);
    const before = pids.map(filesOf);
    const sockets = await Promise.all(Array.from({ length: 64 }, () => connected(running.port)));
    const answers = await Promise.all(sockets.map(askOn));
    expect(new Set(answers)).toEqual(new Set(["HTTP/1.1 200 OK"]));
    const taken = pids.map((pid, index) => filesOf(pid) - (before[index] ?? 0));
    // The kernel deals them out by chance.
    for (const count of taken) expect(count).toBeGreaterThan(8);
    for (const socket of sockets) socket.destroy();
  });

  test("together they open no more connections to the database than one process may", async () => {
    const database = await createDatabase();
    const running = await start({ DATABASE_URL: database.appUrl, DATABASE_POOL_SIZE: "4" });
    await Promise.all(Array.from({ length: 100 }, () => ask(running, "/health/ready")));
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query(
      "SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'tenantry' AND datname = current_database()",
    );
    await client.end();
    expect(rows[0].count).toBeWithin(2, 5);
    running.process.kill("SIGTERM");
    await running.process.exited;
    await database.drop();
  });

  test("one that is killed comes back, and takes no request of the other one with it", async () => {
    const running = await start();
    const workers = workersOf(running);
    const killed = workers.get(1) ?? 0;
    process.kill(killed, "SIGKILL");
    // With it go the requests that it has, and the connections that the kernel has given it.
    await until(async () => !isAlive(killed));
    const answers: (number | null)[] = [];
    await until(async () => {
      answers.push(await ask(running));
      return listening(running).length > WORKERS;
    });
    expect(new Set(answers)).toEqual(new Set([200]));
    expect(listening(running).filter((worker) => worker === 1)).toHaveLength(2);
    expect(workersOf(running).get(0)).toBe(workers.get(0) as number);
    expect(running.output()).toContain(
      '"a worker ended and is started again","worker":1,"reason":"SIGKILL"',
    );
  });

  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
    test(`${signal} ends all of them when they have answered, with 0`, async () => {
      const running = await start();
      const writers = await Promise.all(Array.from({ length: 8 }, () => beginLogin(running)));
      const workers = workersOf(running);
      running.process.kill(signal);
      await until(async () => (await ask(running)) === null);
      expect(running.process.exitCode).toBeNull();
      for (const { finish, answer } of writers) {
        await finish();
        expect((await answer).status).toBe(401);
      }
      expect(await running.process.exited).toBe(0);
      for (const pid of workers.values()) expect(() => process.kill(pid, 0)).toThrow();
    });

  test("a second signal spares all of them the wait; one that each of them gets too does not", async () => {
    const running = await start({ DRAIN_SECONDS: "60" });
    for (const pid of [running.process.pid, ...workersOf(running).values()])
      process.kill(pid, "SIGTERM");
    await Bun.sleep(1500);
    expect(await ask(running)).toBe(200);
    expect(await ask(running, "/health/ready")).toBe(503);
    running.process.kill("SIGTERM");
    expect(await running.process.exited).toBe(0);
    expect(running.output().match(/stopping: no new connections/g)).toHaveLength(WORKERS);
  });

  test("workers end with their supervisor, however that ends", async () => {
    const running = await start();
    const workers = workersOf(running);
    running.process.kill("SIGKILL");
    await until(async () => [...workers.values()].every((pid) => !isAlive(pid)));
  });
});

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return socket;
}

/** The status line; the connection stays. */
function askOn(socket: Socket): Promise<string | undefined> {
  socket.write("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return new Promise((resolve, reject) => {
    socket.once("data", (data) => resolve(data.toString().split("\r\n")[0]));
    socket.once("error", reject);
  });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("a start of two workers that cannot succeed says why once, and exits 1", () => {
  async function failure(env: Record<string, string>): Promise<string> {
    const { status, stdout, stderr } = await runServer(serverEnv({ WORKERS: "2", ...env }));
    expect([status, stdout]).toEqual([1, ""]);
    return stderr.trim();
  }

  test("when the port is taken", async () => {
    const taken = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const PORT = String(taken.port);
    const DATABASE_URL = "postgresql://nobody@127.0.0.1:1/x";
    expect(await failure({ DATABASE_URL, PORT })).toBe(
      `Port ${PORT} is taken: set PORT to another one.`,
    );
    await taken.stop(true);
  });

  test("when the configuration is wrong", async () => {
    const DATABASE_URL = "postgresql://nobody@127.0.0.1:1/x";
    const message = await failure({ DATABASE_URL, RATE_LIMITS: "memory" });
    expect(message.match(/RATE_LIMITS: /g)).toHaveLength(1);
  });

  test("when the database has no tables", async () => {
    const empty = await createDatabase({ template: false });
    expect(await failure({ DATABASE_URL: empty.url })).toBe(
      "Tenantry cannot start: the database has no tables yet. Run: bunx prisma migrate deploy",
    );
    await empty.drop();
  });
});
