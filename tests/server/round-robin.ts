/**
 * A small balancer in front of two servers: it asks each whether it is ready, gives requests to those that are in turn, and
 * keeps its connections to them until an answer says that one ends. It never sends a request twice.
 */
import { connect, type Socket } from "node:net";

export type Balancer = {
  url: string;
  /** How many of the servers are ready, as it has last seen. */
  ready(): number;
  /** What went wrong between it and a server. */
  faults: string[];
  stop(): Promise<void>;
};

type Upstream = {
  port: number;
  /** Probes that failed in a row. */
  failures: number;
  idle: Socket[];
};

const PROBE_MILLIS = 200;
/** As in docs/operations/haproxy.cfg: one probe that a busy machine answers late says nothing. */
const FALL = 2;

export async function startBalancer(ports: number[]): Promise<Balancer> {
  const upstreams = ports.map((port): Upstream => ({ port, failures: FALL, idle: [] }));
  const faults: string[] = [];
  let turn = 0;

  let isOver = false;

  async function probe(upstream: Upstream): Promise<void> {
    const asked = fetch(`http://127.0.0.1:${upstream.port}/health/ready`, { keepalive: false });
    const isReady = await asked.then(
      ({ status }) => status === 200,
      () => false,
    );
    upstream.failures = isReady ? 0 : upstream.failures + 1;
  }
  /** One after the other: a late answer is not to count after a newer one. */
  async function watch(upstream: Upstream): Promise<void> {
    for (; !isOver; await Bun.sleep(PROBE_MILLIS)) await probe(upstream);
  }
  await Promise.all(upstreams.map(probe));
  const watches = upstreams.map(watch);

  async function pass(request: Request): Promise<Response> {
    const ready = upstreams.filter(isUp);
    const upstream = ready[turn++ % ready.length];
    if (!upstream) return new Response("no server is ready", { status: 502 });
    try {
      return await send(
        upstream,
        request.method,
        new URL(request.url).pathname,
        await request.text(),
      );
    } catch (err) {
      faults.push(`${upstream.port}: ${err}`);
      return new Response(String(err), { status: 502 });
    }
  }
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", idleTimeout: 60, fetch: pass });
  return {
    url: `http://127.0.0.1:${server.port}`,
    ready: () => upstreams.filter(isUp).length,
    faults,
    async stop() {
      isOver = true;
      await Promise.all(watches);
      for (const socket of upstreams.flatMap(({ idle }) => idle)) socket.destroy();
      await server.stop(true);
    },
  };
}

const isUp = ({ failures }: Upstream) => failures < FALL;

async function send({ port, idle }: Upstream, method: string, path: string, body: string) {
  const socket = idle.pop() ?? (await opened(port));
  socket.removeAllListeners();
  const { head, text } = await new Promise<{ head: string; text: string }>((resolve, reject) => {
    let received = "";
    socket.on("data", (data) => {
      received += data.toString("latin1");
      const answer = whole(received);
      if (answer) resolve(answer);
    });
    for (const event of ["end", "close", "error"])
      socket.on(event, (err) =>
        reject(new Error(`${event} after ${received.length} bytes ${err}`)),
      );
    socket.write(
      `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  });
  socket.removeAllListeners();
  socket.on("error", () => {});
  if (/\r\nconnection: close/i.test(head)) socket.destroy();
  else {
    idle.push(socket);
    // A server may end what is idle; only a request on its way must not be lost.
    socket.on("close", () => void (idle.includes(socket) && idle.splice(idle.indexOf(socket), 1)));
  }
  return new Response(text, { status: Number(head.split(" ")[1]) });
}

async function opened(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return socket;
}

function whole(received: string): { head: string; text: string } | null {
  const end = received.indexOf("\r\n\r\n");
  if (end === -1) return null;
  const [head, text] = [received.slice(0, end), received.slice(end + 4)];
  return text.length >= Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
    ? { head, text }
    : null;
}
