/** Stopping without cutting anybody off (RFC 9112, section 9.6). */
import type { MiddlewareHandler } from "hono";

/** Whether this instance is about to stop, and when it was last asked for something, in milliseconds of the clock. */
export type Serving = { stopping: boolean; lastRequestAt: number };

/** So long nobody may have asked for anything before the connections that are left are closed. */
const QUIET_MILLIS = 1000;
/** So long at most requests on live connections, and on new ones, are served while balancers hear that we stop. */
const LONGEST_MILLIS = 5000;

export function createServing(): Serving {
  return { stopping: false, lastRequestAt: 0 };
}

/**
 * Every answer of an instance that stops says that its connection ends with it: the client sends its next request on
 * another one, where a connection that is closed without a word takes the request that is on its way with it. Comes first,
 * so that no answer leaves without. Probes are no sign of a client.
 */
export function announceStop(serving: Serving): MiddlewareHandler {
  return async function announceStop(c, next) {
    if (!c.req.path.startsWith("/health/")) serving.lastRequestAt = Date.now();
    await next();
    if (serving.stopping) c.res.headers.set("connection", "close");
  };
}

/**
 * Serves on, not ready and with the announcement, until it is quiet; then takes no new connection, closes those that are
 * idle, and waits for what is under way.
 */
export async function drain(
  serving: Serving,
  server: Pick<Bun.Server<unknown>, "stop">,
): Promise<void> {
  serving.stopping = true;
  const begun = Date.now();
  const quietSince = () => Math.max(begun, serving.lastRequestAt);
  while (Date.now() - quietSince() < QUIET_MILLIS && Date.now() - begun < LONGEST_MILLIS)
    await Bun.sleep(50);
  await server.stop();
}
