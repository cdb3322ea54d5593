/**
 * Counters in Valkey or Redis: RATE_LIMIT_STORE_URL. One that is away, full, or read-only counts nothing, and the database
 * does: nobody is let through uncounted, nor refused for it. Each window may then be had once more, and no more often.
 */
import { connect as connectTo } from "node:net";
import { RedisClient } from "bun";
import type { Pool } from "pg";
import { describeError, type Log } from "../log.ts";
import type { Metrics } from "../watch/metrics.ts";

/** Where attempts are counted: in the store, and in the database where that is away or there is none. */
export type Counting = { pool: Pick<Pool, "query">; store: Store | null };

export type Attempt = { key: string; points: number; millis: number };
/** As the library reads it from PostgreSQL: the time, in milliseconds since 1970, as text. */
export type Counter = { key: string; points: number; expire: string };

/** Each answers null, and has perhaps done it, where the store is away. */
export type Store = {
  /** Counts for several keys, each once, all of them or none. From a window that is over it counts anew. */
  count(attempts: Attempt[]): Promise<Counter[] | null>;
  /** Begins a window with so many points, whatever there was. */
  set(attempt: Attempt): Promise<Counter | null>;
  forget(keys: string[]): Promise<true | null>;
  /** Takes one point back from a window that is not over. */
  giveBack(key: string): Promise<true | null>;
  /** Whether it counts, as far as is known. */
  readonly healthy: boolean;
  close(): void;
};

/** Its own, where others use the server too. */
const PREFIX = "tenantry:limit:";
const DEFAULT_PORT = 6379;
const ANSWER_MILLIS = 250;
const ANSWER_STEPS = 10;
const LOOK_AGAIN_MILLIS = 1000;

/** Scripts run one after the other, and each as a whole. Their time is the server's. */
const COUNT = `
  local counted = {}
  for n, key in ipairs(KEYS) do
    local points = redis.call('INCRBY', key, ARGV[2 * n - 1])
    local millis = redis.call('PTTL', key)
    if millis < 0 then
      millis = tonumber(ARGV[2 * n])
      redis.call('PEXPIRE', key, millis)
    end
    counted[2 * n - 1] = points
    counted[2 * n] = millis
  end
  return counted`;

const GIVE_BACK = `
  if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then redis.call('DECR', KEYS[1]) end
  return 1`;

/** Waits for the first connection, and goes on without one. */
export async function connectStore(
  url: string,
  log: Log,
  metrics: Metrics | null = null,
): Promise<Store> {
  let client: RedisClient | null = null;
  let isClosed = false;
  let timer: Timer | undefined;

  function lose(reason: unknown): void {
    client?.close();
    client = null;
    if (isClosed || timer) return;
    log("warn", "the store of rate limits is away, the database counts", { reason });
    timer = setTimeout(lookAgain, LOOK_AGAIN_MILLIS);
  }

  async function lookAgain(): Promise<void> {
    const found = await connect(url).catch(() => null);
    if (isClosed) return found?.close();
    timer = found ? undefined : setTimeout(lookAgain, LOOK_AGAIN_MILLIS);
    client = found;
    if (found) log("info", "the store of rate limits is back, and counts again");
  }

  async function ask(...[command = "", ...args]: string[]): Promise<unknown> {
    const asked = client;
    if (!asked) return null;
    const begun = performance.now();
    const tell = (outcome: "ok" | "failed") =>
      metrics?.limitStore.observe((performance.now() - begun) / 1000, outcome);
    try {
      const answer = await inTime(asked.send(command, args));
      tell("ok");
      return answer;
    } catch (err) {
      tell("failed");
      // Of those that were on their way together the first one says it.
      if (client === asked) lose(describeError(err));
      return null;
    }
  }

  try {
    client = await connect(url);
  } catch (err) {
    lose(await reasonOf(url, err));
  }

  return {
    async count(attempts) {
      const keys = attempts.map(({ key }) => PREFIX + key);
      const args = attempts.flatMap(({ points, millis }) => [String(points), String(millis)]);
      const counted = await ask("EVAL", COUNT, String(keys.length), ...keys, ...args);
      if (!isNumbers(counted)) return null;
      return attempts.map(({ key }, n) => counter(key, counted[2 * n], counted[2 * n + 1]));
    },
    async set({ key, points, millis }) {
      const done = await ask("SET", PREFIX + key, String(points), "PX", String(millis));
      return done === null ? null : counter(key, points, millis);
    },
    async forget(keys) {
      return (await ask("DEL", ...keys.map((key) => PREFIX + key))) === null ? null : true;
    },
    async giveBack(key) {
      return (await ask("EVAL", GIVE_BACK, "1", PREFIX + key)) === null ? null : true;
    },
    get healthy() {
      return client !== null;
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
      client?.close();
    },
  };
}

/** One that takes writes: a replica, and a server that is full, answer as well. @throws Error */
async function connect(url: string): Promise<RedisClient> {
  const client = new RedisClient(url, {
    connectionTimeout: ANSWER_MILLIS,
    autoReconnect: false,
    enableOfflineQueue: false,
  });
  try {
    await inTime(client.connect());
    await inTime(client.send("SET", [`${PREFIX}probe`, "1", "PX", "1000"]));
    return client;
  } catch (err) {
    client.close();
    throw err;
  }
}

/** Bun says of whatever keeps a connection from being made that it was closed: so another one is tried, to hear why. */
async function reasonOf(url: string, thrown: unknown): Promise<string> {
  const { hostname, host, port } = new URL(url);
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const socket = connectTo(Number(port) || DEFAULT_PORT, hostname.replace(/^\[|\]$/g, ""));
  socket.once("connect", () => resolve(null));
  socket.once("error", (err: NodeJS.ErrnoException) => resolve(err.code ?? describeError(err)));
  const fault = await inTime(promise).catch(describeError);
  socket.destroy();
  const advice = "something listens there: another password, TLS (rediss://), or another program";
  const isClosed = /closed/i.test(describeError(thrown));
  return `${host}: ${fault ?? describeError(thrown)}${fault === null && isClosed ? `; ${advice}` : ""}`;
}

function counter(key: string, points = 0, millis = 0): Counter {
  return { key, points, expire: String(Date.now() + millis) };
}

function isNumbers(answer: unknown): answer is number[] {
  return Array.isArray(answer) && answer.every((each) => typeof each === "number");
}

/** Where this process itself stood still, nobody else is late: a pause, however long, is one step of the time. */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  let steps = 0;
  let timer = setTimeout(step, ANSWER_MILLIS / ANSWER_STEPS);
  function step(): void {
    steps += 1;
    if (steps === ANSWER_STEPS) reject(new Error(`no answer in ${ANSWER_MILLIS} ms`));
    else timer = setTimeout(step, ANSWER_MILLIS / ANSWER_STEPS);
  }
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(timer);
  }
}
