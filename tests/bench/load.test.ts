/** The load counts what it says, and nothing else passes for an answer. */
import { afterAll, describe, expect, test } from "bun:test";
import { connect, readAnswer } from "./load/connection.ts";
import type { Plan } from "./load/plan.ts";
import { cpuMicrosOf, residentBytesOf } from "./load/proc.ts";
import { sendLoad } from "./load/run.ts";

const seen: string[] = [];
let most = 0;
let open = 0;
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  routes: {
    "/slow": async () => {
      most = Math.max(most, ++open);
      await Bun.sleep(20);
      open -= 1;
      return Response.json({ ok: true });
    },
    "/fails": () => new Response("no", { status: 500 }),
    "/refresh": async (request) => {
      const { refreshToken } = (await request.json()) as { refreshToken: string };
      seen.push(refreshToken);
      return Response.json({ refreshToken: `${refreshToken}+` });
    },
  },
});
afterAll(() => server.stop(true));

function plan(more: Partial<Plan> & Pick<Plan, "calls">): Plan {
  return {
    ...{ port: Number(server.port), connections: 4, warmUpSeconds: 0.1, seconds: 0.5, status: 200 },
    processes: { server: process.pid },
    ...more,
  };
}

describe("a load", () => {
  test("keeps its connections busy, and tells how long an answer took", async () => {
    const load = await sendLoad(plan({ calls: [{ route: "GET /slow" }] }));
    expect(most).toBe(4);
    expect(load.p50Millis).toBeWithin(19, 200);
    expect(load.p99Millis).toBeGreaterThanOrEqual(load.p50Millis);
    expect(load.requests / load.rate).toBeWithin(0.49, 5);
    expect(load.rate).toBeLessThanOrEqual(4 / 0.019);
    expect(load.cpuMicros.server).toBeGreaterThanOrEqual(0);
  });

  test("ends with the last call when each is to be sent once", async () => {
    const calls = Array.from({ length: 10 }, (_, n) => ({
      route: "POST /refresh",
      body: { refreshToken: `once ${n}` },
    }));
    const load = await sendLoad(plan({ calls, once: true, warmUpSeconds: 0, seconds: 30 }));
    expect(load.requests).toBe(10);
    expect(seen.filter((token) => token.startsWith("once")).sort()).toEqual(
      calls.map(({ body }) => body.refreshToken).sort(),
    );
  });

  test("goes on with the token of the last answer, each connection with its own", async () => {
    const call = (refreshToken: string) => ({ route: "POST /refresh", body: { refreshToken } });
    const calls = [call("a"), call("b")];
    await sendLoad(plan({ calls, connections: 2, followRefreshToken: true }));
    for (const own of ["a", "b"]) {
      const tokens = seen.filter((token) => token.startsWith(own));
      expect(tokens.length).toBeGreaterThan(2);
      expect(tokens).toEqual(tokens.map((_, n) => own + "+".repeat(n)));
    }
  });

  test("fails on an answer that is not the expected one, with what it said", async () => {
    const calls = [{ route: "GET /fails" }];
    await expect(sendLoad(plan({ calls }))).rejects.toThrow("500 no");
    expect((await sendLoad(plan({ calls, status: 500 }))).requests).toBeGreaterThan(0);
  });
});

describe("an answer", () => {
  const read = (text: string) => readAnswer(Buffer.from(text));

  test("is read once all of it is there", () => {
    const text = 'HTTP/1.1 201 Created\r\ncontent-length: 4\r\nx: y\r\n\r\n"ok"';
    for (let length = 0; length < text.length; length += 1)
      expect(read(text.slice(0, length))).toBeNull();
    expect(read(text)).toMatchObject({ status: 201 });
    expect(read(text)?.body.toString()).toBe('"ok"');
  });

  test("has no body with 204, and one of unknown length is refused", () => {
    expect(read("HTTP/1.1 204 No Content\r\n\r\n")?.body).toHaveLength(0);
    expect(() => read("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")).toThrow(
      "Content-Length",
    );
  });

  test("that does not come is an error", async () => {
    const mute = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => void socket.end() },
    });
    const connection = await connect(mute.port);
    await expect(connection.send("GET / HTTP/1.1\r\n\r\n")).rejects.toThrow("closed");
    mute.stop(true);
  });
});

test("CPU time and memory are those of a process and of what it has begun", async () => {
  const busy = "while (process.cpuUsage().user < 400_000); await Bun.sleep(60_000)";
  const parent = Bun.spawn(
    [
      process.execPath,
      "-e",
      `Bun.spawn([process.execPath, "--no-orphans", "-e", ${JSON.stringify(busy)}]); await Bun.sleep(60_000)`,
    ],
    { stdio: ["ignore", "ignore", "ignore"] },
  );
  const began = Date.now();
  while (cpuMicrosOf(parent.pid) < 200_000 && Date.now() - began < 20_000) await Bun.sleep(50);
  expect(cpuMicrosOf(parent.pid)).toBeGreaterThanOrEqual(200_000);
  expect(residentBytesOf(parent.pid)).toBeGreaterThan(20 * 2 ** 20);
  parent.kill("SIGKILL");
  await parent.exited;
  expect(cpuMicrosOf(parent.pid)).toBe(0);
});
