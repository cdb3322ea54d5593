import { afterEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { type Server, startServer } from "./start.ts";
import { beginLogin } from "./under-way.ts";

let server: Server;
afterEach(() => server.stop());

describe("on SIGTERM, SIGINT and SIGHUP the server", () => {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    test(`finishes the request under way, takes no other, and exits 0 (${signal})`, async () => {
      server = await startServer();
      const { answer, finish } = await beginLogin(server);
      await reached();
      server.process.kill(signal);
      await refused();
      expect(server.process.exitCode).toBeNull();

      await finish();
      expect((await answer).status).toBe(401);
      expect(await server.process.exited).toBe(0);
    });
  }

  test("takes a SIGHUP beside a SIGTERM for no hurry, and under nohup goes on with it alone", async () => {
    server = await startServer({ DRAIN_SECONDS: "3" });
    const started = performance.now();
    server.process.kill("SIGTERM");
    for (const wait of [20, 300]) {
      await Bun.sleep(wait);
      server.process.kill("SIGHUP");
    }
    expect(await server.process.exited).toBe(0);
    expect(performance.now() - started).toBeGreaterThan(2900);
    await server.stop();

    server = await startServer({}, undefined, ["nohup"]);
    server.process.kill("SIGHUP");
    await Bun.sleep(300);
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
  });

  test("does not wait for connections that are open and idle", async () => {
    server = await startServer();
    const idle = connect(server.port, "127.0.0.1");
    idle.on("error", () => {});
    idle.write("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await new Promise((resolve) => idle.once("data", resolve));
    const started = performance.now();
    server.process.kill("SIGTERM");
    expect(await server.process.exited).toBe(0);
    expect(performance.now() - started).toBeLessThan(3000);
    idle.destroy();
  });

  test("tells each step of its way out, and nothing else", async () => {
    server = await startServer();
    server.process.kill("SIGTERM");
    expect(await server.process.exited).toBe(0);
    const lines = server
      .output()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
      "info listening",
      "info stopping: not ready, and serving on",
      "info stopping: no new connections",
      "info stopping: every request is answered",
      "info stopped",
    ]);
  });

  test("serves on for DRAIN_SECONDS, not ready, on new connections too, and then takes none", async () => {
    server = await startServer({ DRAIN_SECONDS: "6" });
    const signalled = performance.now();
    server.process.kill("SIGTERM");
    const seconds = () => (performance.now() - signalled) / 1000;
    // Probes alone are no sign of a client that would keep it.
    for (await Bun.sleep(100); seconds() < 3; await Bun.sleep(200))
      expect((await fetch(`${server.url}/health/ready`)).status).toBe(503);
    const keys = await fetch(`${server.url}/.well-known/jwks.json`);
    expect([keys.status, keys.headers.get("connection")]).toEqual([200, "close"]);
    await refused();
    expect(seconds()).toBeWithin(5.9, 12);
    expect(await server.process.exited).toBe(0);
  });

  test("a second one spares the wait, and what is under way is still answered; a third ends it at once", async () => {
    for (const signals of [2, 3]) {
      server = await startServer({ DRAIN_SECONDS: "60" });
      const { answer, finish } = await beginLogin(server);
      const signalled = performance.now();
      server.process.kill("SIGTERM");
      while ((await fetch(`${server.url}/health/ready`)).status !== 503) await Bun.sleep(20);
      // Two signals within 200 ms are one.
      await Bun.sleep(400);
      expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
      server.process.kill("SIGINT");
      await refused();
      expect(server.process.exitCode).toBeNull();
      if (signals === 2) {
        await finish();
        expect((await answer).status).toBe(401);
      } else {
        await Bun.sleep(250);
        server.process.kill("SIGTERM");
        await answer.catch(() => {});
      }
      expect(await server.process.exited).toBe(signals === 2 ? 0 : 1);
      expect(performance.now() - signalled).toBeLessThan(8000);
      await server.stop();
    }
  });

  test("two signals at once, as service managers send them, are one", async () => {
    server = await startServer({ DRAIN_SECONDS: "4" });
    server.process.kill("SIGTERM");
    server.process.kill("SIGINT");
    await Bun.sleep(1200);
    expect((await fetch(`${server.url}/.well-known/jwks.json`)).status).toBe(200);
    expect(await server.process.exited).toBe(0);
  });
});

/** One more request answered: the one before it has arrived too. */
async function reached(): Promise<void> {
  expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
}

/** Nobody listens any more. */
async function refused(): Promise<void> {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline; await Bun.sleep(10)) {
    const socket = connect(server.port, "127.0.0.1");
    const isRefused = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(false));
      socket.once("error", () => resolve(true));
    });
    socket.destroy();
    if (isRefused) return;
  }
  throw new Error("the server still takes connections");
}
