/** Stopping without cutting anybody off (RFC 9112, section 9.6). */
import type { Log } from "../log.ts";

/**
 * Whether this instance is about to stop, whether whoever stops it is in a hurry, and when it was last asked for something,
 * in milliseconds of `performance.now`, which no step of the clock moves.
 */
export type Serving = { stopping: boolean; hurried: boolean; lastRequestAt: number };

/** So long nobody may have asked for anything before the connections that are left are closed. */
const QUIET_MILLIS = 1000;
/** So much longer than DRAIN_SECONDS at most those are served who go on asking. */
const LONGEST_MILLIS = 5000;

export function createServing(): Serving {
  return { stopping: false, hurried: false, lastRequestAt: 0 };
}

/** Probes are no sign of a client. @param now in milliseconds of `performance.now` */
export function noteRequest(serving: Serving, path: string, now: number): void {
  if (!path.startsWith("/health/")) serving.lastRequestAt = now;
}

/**
 * Every answer of an instance that stops says that its connection ends with it: the client sends its next request on
 * another one, where a connection that is closed without a word takes the request that is on its way with it.
 */
export function announceStop(serving: Serving, answer: Response): void {
  if (serving.stopping) answer.headers.set("connection", "close");
}

type Server = Pick<Bun.Server<unknown>, "stop" | "pendingRequests">;

/**
 * Serves on, not ready and with the announcement, for so many seconds and until it is quiet; then takes no new connection,
 * closes those that are idle, and waits for what is under way. Whoever is in a hurry spares the first.
 */
export async function drain(
  serving: Serving,
  server: Server,
  { seconds, log }: { seconds: number; log: Log },
): Promise<void> {
  serving.stopping = true;
  const begun = performance.now();
  const end = begun + seconds * 1000;
  log("info", "stopping: not ready, and serving on", { seconds });
  while (!serving.hurried && servesOn(serving, begun, end)) await Bun.sleep(50);
  const underWay = server.pendingRequests;
  log("info", "stopping: no new connections", {
    underWay,
    ...(serving.hurried && { hurried: true }),
  });
  await server.stop();
  log("info", "stopping: every request is answered");
}

function servesOn({ lastRequestAt }: Serving, begun: number, end: number): boolean {
  const now = performance.now();
  if (now < end) return true;
  return now - Math.max(begun, lastRequestAt) < QUIET_MILLIS && now < end + LONGEST_MILLIS;
}
