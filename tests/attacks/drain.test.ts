/** An instance that stops cuts nobody off: live keep-alive connections, and how long an idle one lasts. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { type Server, startServer } from "../server/start.ts";

const CONNECTIONS = 16;
const REQUEST = "GET /.well-known/jwks.json HTTP/1.1\r\nHost: localhost\r\n\r\n";

setDefaultTimeout(60_000);

let server: Server;
afterEach(() => server.stop());

describe("R76: on SIGTERM", () => {
  for (let run = 1; run <= 3; run += 1) {
    test(`no request on ${CONNECTIONS} busy keep-alive connections is lost (run ${run})`, async () => {
      server = await startServer();
      const clients = Array.from({ length: CONNECTIONS }, () => keepAsking(server.port));
      await Promise.all(clients.map(({ busy }) => busy));
      server.process.kill("SIGTERM");
      const ends = await Promise.all(clients.map(({ ended }) => ended));
      expect(ends.filter(({ announced }) => !announced)).toEqual([]);
      expect(ends.filter(({ unanswered }) => unanswered > 0)).toEqual([]);
      expect(await server.process.exited).toBe(0);
    });
  }

  test("who asks now and then on a live connection is answered, and told to leave", async () => {
    server = await startServer();
    const one = openConnection(server.port);
    expect(await one.ask()).not.toContain("Connection: close");
    server.process.kill("SIGTERM");
    await Bun.sleep(300);
    const answer = await one.ask();
    expect(answer).toStartWith("HTTP/1.1 200");
    expect(answer).toContain("Connection: close");
    await one.closed;
    expect(await server.process.exited).toBe(0);
  });

  test("it is not ready at once, and alive", async () => {
    server = await startServer();
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
    server.process.kill("SIGTERM");
    await Bun.sleep(200);
    const [ready, live] = await Promise.all([
      fetch(`${server.url}/health/ready`),
      fetch(`${server.url}/health/live`),
    ]);
    expect([ready.status, ready.headers.get("connection")]).toEqual([503, "close"]);
    expect([live.status, live.headers.get("connection")]).toEqual([200, "close"]);
  });

  test("an instance that nobody uses ends within seconds, probes or not", async () => {
    server = await startServer();
    const idle = openConnection(server.port);
    await idle.ask();
    const probe = setInterval(() => void fetch(`${server.url}/health/ready`).catch(() => {}), 100);
    const signalled = performance.now();
    server.process.kill("SIGTERM");
    expect(await server.process.exited).toBe(0);
    clearInterval(probe);
    expect(performance.now() - signalled).toBeLessThan(5000);
  });
});

test("R76: an idle connection lasts as long as IDLE_TIMEOUT_SECONDS says", async () => {
  // Bun looks every four seconds.
  server = await startServer({ IDLE_TIMEOUT_SECONDS: "1" });
  const idle = openConnection(server.port);
  await idle.ask();
  const since = performance.now();
  await idle.closed;
  expect(performance.now() - since).toBeLessThan(9000);
});

type End = { answers: number; unanswered: number; announced: boolean };
type Client = { busy: Promise<void>; ended: Promise<End> };

/** Sends the next request as soon as the last is answered, until an answer says that the connection ends. */
function keepAsking(port: number): Client {
  const ended = Promise.withResolvers<End>();
  const busy = Promise.withResolvers<void>();
  const end = { answers: 0, unanswered: 0, announced: false };
  const socket = connect(port, "127.0.0.1");
  const ask = () => {
    end.unanswered += 1;
    socket.write(REQUEST);
  };
  socket.on("connect", ask);
  socket.on("data", (data) => {
    end.unanswered -= 1;
    end.answers += 1;
    if (end.answers === 3) busy.resolve();
    end.announced = /\r\nconnection: close\r\n/i.test(data.toString("latin1"));
    if (end.announced) socket.end();
    else ask();
  });
  socket.on("error", () => {});
  socket.on("close", () => ended.resolve(end));
  return { busy: busy.promise, ended: ended.promise };
}

function openConnection(port: number) {
  const socket = connect(port, "127.0.0.1");
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  let answered = (_answer: string) => {};
  socket.on("data", (data) => answered(data.toString("latin1")));
  socket.on("error", () => {});
  return {
    closed,
    ask(): Promise<string> {
      const { promise, resolve } = Promise.withResolvers<string>();
      answered = resolve;
      socket.write(REQUEST);
      return Promise.race([promise, closed.then(() => "closed")]);
    },
  };
}
