/** LISTEN on a connection of its own, kept alive: what PostgreSQL tells every instance at once. */
import pg from "pg";

export type Listener = {
  /** False while notifications may be missed. Whoever relies on them must ask the database then. */
  readonly healthy: boolean;
  /** How many seconds a notification takes now, from being sent to being heard. @throws Error when it is not heard in time. */
  lagSeconds(): Promise<number>;
  close(): Promise<void>;
};

export type ListenerOptions = {
  databaseUrl: string;
  /** What to call with each payload, by channel. */
  channels: Record<string, (payload: string) => void>;
  /** Sends a notification on another connection, as whoever revokes a session does. */
  notify: (channel: string, payload: string) => Promise<unknown>;
  /** Called on every (re)connection, after LISTEN and before `healthy`: reads what was missed. */
  resync: () => Promise<void>;
  onError?: (err: unknown) => void;
  /** Called when it is healthy again after it was lost. */
  onFound?: () => void;
};

/** Together the longest time for which a connection that was cut without a word still counts as healthy. */
const HEARTBEAT_MILLIS = 500;
const OVERDUE_MILLIS = 400;
const GIVE_UP_MILLIS = 5000;
/** Doubles with every failure in a row, up to the longest. */
const RECONNECT_MILLIS = 250;
const LONGEST_RECONNECT_MILLIS = 5000;
const PROBE_CHANNEL = "tenantry_probe";
const PROBE_MILLIS = 2000;

/** Connects and keeps connecting; the first attempt is awaited, so that a healthy start is healthy. */
export async function createListener(options: ListenerOptions): Promise<Listener> {
  let healthy = false;
  let closed = false;
  let client: pg.Client | undefined;
  let timer: Timer | undefined;
  let failures = 0;
  let isLost = false;

  async function connect(): Promise<void> {
    const connection = new pg.Client({
      connectionString: options.databaseUrl,
      connectionTimeoutMillis: GIVE_UP_MILLIS,
      query_timeout: GIVE_UP_MILLIS,
      application_name: "tenantry listener",
    });
    client = connection;
    connection.on("notification", ({ channel, payload }) =>
      options.channels[channel]?.(payload ?? ""),
    );
    connection.on("error", (err) => lose(connection, err));
    connection.on("end", () => lose(connection));
    try {
      await connection.connect();
      const channels = Object.keys(options.channels).map((channel) => `LISTEN ${channel}`);
      await connection.query(channels.join("; "));
      await assertHears(connection, options.notify);
      await options.resync();
      healthy = client === connection && !closed;
      if (!healthy) return;
      failures = 0;
      if (isLost) options.onFound?.();
      isLost = false;
      timer = setTimeout(() => beat(connection), HEARTBEAT_MILLIS);
    } catch (err) {
      lose(connection, err);
    }
  }

  /**
   * A connection that was cut without a word (a firewall, a pulled cable) shows only when it is asked. A late answer is
   * no loss: the notifications sent before it arrived before it, so nothing has to be read again.
   */
  async function beat(connection: pg.Client): Promise<void> {
    const overdue = setTimeout(() => {
      if (client === connection) healthy = false;
    }, OVERDUE_MILLIS);
    try {
      await connection.query("SELECT 1");
      healthy = client === connection && !closed;
      if (healthy) timer = setTimeout(() => beat(connection), HEARTBEAT_MILLIS);
    } catch (err) {
      lose(connection, err);
    } finally {
      clearTimeout(overdue);
    }
  }

  function lose(connection: pg.Client, err?: unknown): void {
    if (client !== connection || closed) return;
    client = undefined;
    healthy = false;
    clearTimeout(timer);
    isLost = true;
    options.onError?.(err ?? new Error("the connection was ended"));
    connection.end().catch(() => {});
    timer = setTimeout(
      connect,
      Math.min(RECONNECT_MILLIS * 2 ** failures, LONGEST_RECONNECT_MILLIS),
    );
    failures += 1;
  }

  await connect();
  return {
    get healthy() {
      return healthy;
    },
    async lagSeconds() {
      if (!client) throw new Error("the listener is away");
      const begun = performance.now();
      await assertHears(client, options.notify);
      return (performance.now() - begun) / 1000;
    },
    async close() {
      closed = true;
      healthy = false;
      clearTimeout(timer);
      await client?.end().catch(() => {});
    },
  };
}

/**
 * A pooler in transaction mode takes LISTEN without a word and delivers nothing: sessions that ended elsewhere would go
 * on here. So one notification has to arrive before any silence is believed. @throws Error when it does not.
 */
async function assertHears(
  connection: pg.Client,
  notify: ListenerOptions["notify"],
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const payload = crypto.randomUUID();
  const hear = (message: pg.Notification) => message.payload === payload && resolve();
  const deaf = setTimeout(
    () =>
      reject(new Error("LISTEN hears nothing: LISTEN_DATABASE_URL must lead to PostgreSQL itself")),
    PROBE_MILLIS,
  );
  connection.on("notification", hear);
  try {
    await connection.query(`LISTEN ${PROBE_CHANNEL}`);
    await Promise.all([notify(PROBE_CHANNEL, payload), promise]);
  } finally {
    clearTimeout(deaf);
    connection.off("notification", hear);
  }
}
