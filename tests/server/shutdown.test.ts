import { afterEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { type Server, startServer } from "./start.ts";

let server: Server;
afterEach(() => server.stop());

describe("on SIGTERM and SIGINT the server", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`finishes the request under way, takes no other, and exits 0 (${signal})`, async () => {
      server = await startServer();
      // A body that has not come to its end keeps the request under way for as long as we like.
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const writer = writable.getWriter();
      const underWay = fetch(`${server.url}/v1/auth/login`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: readable,
      });
      await writer.write(Buffer.from('{"email":'));
      await reached();
      server.process.kill(signal);
      await refused();
      expect(server.process.exitCode).toBeNull();

      await writer.write(Buffer.from('"nobody@a.example","password":"x"}'));
      await writer.close();
      expect((await underWay).status).toBe(401);
      expect(await server.process.exited).toBe(0);
    });
  }

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

  test("says nothing on its way out", async () => {
    server = await startServer();
    server.process.kill("SIGTERM");
    expect(await server.process.exited).toBe(0);
    expect(server.output().trim().split("\n")).toEqual([expect.stringContaining('"listening"')]);
  });
});

/** One more request answered: the one before it has arrived too. */
async function reached(): Promise<void> {
  expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
}

/** Nobody listens any more. */
async function refused(): Promise<void> {
  for (const deadline = Date.now() + 5000; Date.now() < deadline; await Bun.sleep(10)) {
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
