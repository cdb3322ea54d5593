/** Clients that take their time, and what the database says meanwhile. */
import { connect, type Socket } from "node:net";
import { randomName, type TestApp } from "../support/app.ts";

export type Slow = {
  socket: Socket;
  /** All that came so far. */
  text(): string;
  /** The status of the answer, once there is one; 0 when the connection ended without. */
  status: Promise<number>;
  closed: Promise<void>;
  /** How long it took from the first byte to the end of the connection, in milliseconds. */
  lasted(): number;
};

/** Opens a connection and sends the head of a request, with a body of unknown length. */
export function openRequest(
  port: number,
  route: string,
  headers: Record<string, string> = {},
): Slow {
  const [method = "GET", path = "/"] = route.split(" ");
  const socket = connect(port, "127.0.0.1");
  const answered = Promise.withResolvers<number>();
  const ended = Promise.withResolvers<void>();
  const begun = performance.now();
  let text = "";
  let until = 0;
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
    if (status) answered.resolve(Number(status));
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    until = performance.now();
    answered.resolve(0);
    ended.resolve();
  });
  const lines = Object.entries({ host: "tenantry.test", ...headers });
  const body = method === "GET" ? [] : [["transfer-encoding", "chunked"]];
  const head = [...lines, ...body].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.write(`${method} ${path} HTTP/1.1\r\n${head}\r\n`);
  return {
    socket,
    text: () => text,
    status: answered.promise,
    closed: ended.promise,
    lasted: () => until - begun,
  };
}

/** A piece of the body. */
export function sendPiece({ socket }: Slow, piece: string): void {
  if (!socket.destroyed)
    socket.write(`${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`, "utf8");
}

export function endBody({ socket }: Slow): void {
  if (!socket.destroyed) socket.write("0\r\n\r\n");
}

/** Begins an import and sends `rows` rows every 250 ms until it is answered or `stop` is called. */
export function trickleImport(
  port: number,
  token: string,
  { query = "?atomic=true", rows = 50 } = {},
): Slow & { stop(): void } {
  const slow = openRequest(port, `POST /v1/users/import${query}`, {
    authorization: `Bearer ${token}`,
    "content-type": "text/csv",
    "idempotency-key": randomName(),
  });
  sendPiece(slow, "email\n");
  const send = () =>
    sendPiece(slow, Array.from({ length: rows }, () => `${randomName()}@slow.example\n`).join(""));
  send();
  const timer = setInterval(send, 250);
  const stop = () => clearInterval(timer);
  slow.status.then(stop, stop);
  return { ...slow, stop };
}

/** Transactions of the server's that wait for their client, or are older than half a second. */
export async function longTransactions({ deps }: TestApp): Promise<unknown[]> {
  const { rows } = await deps.pool.query(`
    SELECT state, wait_event_type, now() - xact_start AS age, left(query, 80) AS query FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'tenantry'
      AND (state LIKE 'idle in transaction%' AND now() - state_change > interval '200 ms'
        OR state <> 'idle' AND now() - xact_start > interval '1500 ms')`);
  return rows;
}

/** How long it takes, in milliseconds, and what it answers. */
export async function timed<T>(work: Promise<T>): Promise<{ millis: number; result: T }> {
  const begun = performance.now();
  const result = await work;
  return { millis: performance.now() - begun, result };
}

/** Waits until it is so. @throws Error after forty seconds: a machine with much to do takes some. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 40_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error("it did not come to that");
    await Bun.sleep(10);
  }
}
