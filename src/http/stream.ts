/** Answers that are made while they are read. */
import type { AuthedContext } from "../context.ts";
import { boundToScope } from "../db/scope.ts";
import { ApiError } from "../errors.ts";
import { payerOf } from "../principal.ts";

/** Handed over at a time, in bytes. Each is to be taken within CLIENT_TIMEOUT_SECONDS. */
const MOUTHFUL = 65_536;

type Options = {
  /** Asked before each piece; what it throws ends the answer there. */
  mayGoOn(): Promise<void>;
  /** What to answer, once there is a turn for it: pieces between which nothing is held but memory. */
  begin(): AsyncGenerator<string> | Promise<AsyncGenerator<string>>;
};

/**
 * A body that is made while it is read: the next piece when there is room for it, and none any more when the reader goes
 * away, or takes longer than CLIENT_TIMEOUT_SECONDS for 64 KiB. So many at once as turns.ts says.
 * @throws ApiError `overloaded`; what `begin` throws.
 */
export async function exportStream(
  ctx: AuthedContext,
  { mayGoOn, begin }: Options,
): Promise<ReadableStream<Uint8Array>> {
  const endTurn = await ctx.turns.exports.turn(payerOf(ctx.principal));
  try {
    return streamOf(await begin(), ctx, { mayGoOn, endTurn });
  } catch (err) {
    endTurn();
    throw err;
  }
}

/** What fails under way breaks the connection off, since the status has gone out: the log tells why. */
function streamOf(
  pieces: AsyncGenerator<string>,
  { config, log }: AuthedContext,
  { mayGoOn, endTurn }: { mayGoOn(): Promise<void>; endTurn(): void },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  // The reader asks from outside of the request, and the pieces are rows of its tenant.
  const next = boundToScope(async () => {
    await mayGoOn();
    return pieces.next();
  });
  const leave = boundToScope(() => pieces.return(undefined));
  let patience: Timer | undefined;
  let ready = new Uint8Array();
  let isOver = false;

  function awaitReader(controller: ReadableStreamDefaultController): void {
    patience = setTimeout(async () => {
      log("warn", "a stream broke off", { error: "its reader stopped reading" });
      controller.error(new Error("the reader stopped reading"));
      await finish();
    }, config.clientTimeoutSeconds * 1000);
  }
  async function finish(): Promise<void> {
    isOver = true;
    clearTimeout(patience);
    try {
      await leave();
    } catch (err) {
      log("error", "a stream did not end well", { error: err });
    } finally {
      endTurn();
    }
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // Some readers take the head of the answer and never ask for more.
        awaitReader(controller);
      },
      async pull(controller) {
        clearTimeout(patience);
        try {
          while (ready.byteLength === 0) {
            const { done, value } = await next();
            // The reader went away meanwhile: there is nobody to hand it to, and that is no fault.
            if (isOver) return;
            if (done) {
              await finish();
              return controller.close();
            }
            ready = encoder.encode(value);
          }
          awaitReader(controller);
          controller.enqueue(ready.subarray(0, MOUTHFUL));
          ready = ready.subarray(MOUTHFUL);
        } catch (err) {
          const isOurs = !(err instanceof ApiError);
          log(isOurs ? "error" : "warn", "a stream broke off", { error: err });
          await finish();
          throw err;
        }
      },
      cancel: finish,
    },
    { highWaterMark: 0 },
  );
}
