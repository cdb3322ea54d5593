/**
 * One keep-alive connection of HTTP/1.1 on a raw socket: the request's bytes are made once, and of the answer no more is
 * read than its status, its length and, when it is asked for, its body. `fetch` would take as much CPU time as the server
 * that it measures, which runs on the same cores.
 */
import type { Socket } from "bun";

export type Answer = { status: number; body: Buffer };
export type Connection = {
  /** @throws Error when the connection ends, or the answer is of a kind that is not read here. */
  send(request: string): Promise<Answer>;
  close(): void;
};

const HEAD_END = Buffer.from("\r\n\r\n");

export async function connect(port: number): Promise<Connection> {
  let waiting: PromiseWithResolvers<Answer> | undefined;
  let received: Buffer = Buffer.alloc(0);
  const fail = (err: Error) => {
    waiting?.reject(err);
    waiting = undefined;
  };

  const socket: Socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_, chunk) {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
        try {
          const answer = readAnswer(received);
          if (!answer) return;
          received = Buffer.alloc(0);
          const { resolve } = waiting ?? {};
          waiting = undefined;
          resolve?.(answer);
        } catch (err) {
          fail(err as Error);
        }
      },
      close: () => fail(new Error("the server closed the connection")),
      error: (_, err) => fail(err),
    },
  });
  // An answer is one packet, and so is a request.
  socket.setNoDelay(true);

  return {
    send(request) {
      waiting = Promise.withResolvers<Answer>();
      const { promise } = waiting;
      if (socket.write(request) < request.length) fail(new Error("the request was not sent whole"));
      return promise;
    },
    close: () => socket.end(),
  };
}

/** Null while it has not come whole. @throws Error for a body whose length is not named. */
export function readAnswer(bytes: Buffer): Answer | null {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return null;
  const head = bytes.toString("latin1", 0, headEnd);
  const status = Number(head.slice(9, 12));
  const bodyStart = headEnd + HEAD_END.length;
  const [, length] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? [];
  if (length === undefined && status !== 204 && status !== 304)
    throw new Error(`an answer without Content-Length:\n${head}`);
  const bodyEnd = bodyStart + Number(length ?? 0);
  return bytes.length < bodyEnd ? null : { status, body: bytes.subarray(bodyStart, bodyEnd) };
}
