import type { Log } from "../context.ts";
import { boundToScope } from "../db/scope.ts";

/**
 * A body that is made while it is read: the next piece when there is room for it, and none any more when the reader goes
 * away. What fails under way breaks the connection off, since the status has gone out: the log tells why.
 */
export function streamOf(pieces: AsyncGenerator<string>, log: Log): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  // The reader asks from outside of the request, and the pieces are rows of its tenant.
  const next = boundToScope(() => pieces.next());
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await next();
          if (done) controller.close();
          else controller.enqueue(encoder.encode(value));
        } catch (err) {
          log("error", "a stream broke off", { error: String(err).split("\n").at(-1) });
          throw err;
        }
      },
      async cancel() {
        await pieces.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}
