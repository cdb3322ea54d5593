/** HTTP over a bare socket, for what no client library would send. */
import { connect } from "node:net";

export type RawAnswer = { status: number; headers: Headers; body: string; closed: boolean };
type Options = { silenceMillis?: number; overdueMillis?: number };

/**
 * Sends the parts one after the other and reads until the server closes, or has answered and is silent for a while.
 * The first answer is parsed; `closed` says whether the server ended the connection.
 */
export async function raw(
  port: number,
  parts: string | Uint8Array | (string | Uint8Array)[],
  { silenceMillis = 100, overdueMillis = 10_000 }: Options = {},
): Promise<RawAnswer> {
  const socket = connect(port, "127.0.0.1");
  const received: Buffer[] = [];
  const done = Promise.withResolvers<void>();
  let closed = false;
  let silence: Timer | undefined;
  socket.on("data", (chunk: Buffer) => {
    received.push(chunk);
    clearTimeout(silence);
    silence = setTimeout(done.resolve, silenceMillis);
  });
  for (const event of ["end", "close", "error"]) {
    socket.on(event, () => {
      closed = true;
      done.resolve();
    });
  }
  const overdue = setTimeout(done.resolve, overdueMillis);
  for (const part of Array.isArray(parts) ? parts : [parts]) {
    if (closed) break;
    const flushed = socket.write(part);
    if (!flushed) await Promise.race([new Promise((go) => socket.once("drain", go)), done.promise]);
  }
  await done.promise;
  clearTimeout(overdue);
  clearTimeout(silence);
  socket.destroy();
  return { ...parse(Buffer.concat(received).toString("latin1")), closed };
}

function parse(text: string): Omit<RawAnswer, "closed"> {
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [statusLine = "", ...lines] = head.split("\r\n");
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return { status: Number(statusLine.split(" ")[1]), headers, body: rest.join("\r\n\r\n") };
}
