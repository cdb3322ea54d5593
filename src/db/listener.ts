/** LISTEN on a connection of its own, kept alive: what PostgreSQL tells every instance at once. */
import pg from "pg";

export type Listener = {
  /** False while notifications may be missed. Whoever relies on them must ask the database then. */
  readonly healthy: boolean;
  close(): Promise<void>;
};

export type ListenerOptions = {
  databaseUrl: string;
  /** What to call with each payload, by channel. */
  channels: Record<string, (payload: string) => void>;
  /** Called on every (re)connection, after LISTEN and before `healthy`: reads what was missed. */
  resync: () => Promise<void>;
  onError?: (err: unknown) => void;
};

const HEARTBEAT_MILLIS = 1000;
const RECONNECT_MILLIS = 250;

/** Connects and keeps connecting; the first attempt is awaited, so that a healthy start is healthy. */
export async function createListener(options: ListenerOptions): Promise<Listener> {
  let healthy = false;
  let closed = false;
  let client: pg.Client | undefined;
  let timer: Timer | undefined;

  async function connect(): Promise<void> {
    const connection = new pg.Client({
      connectionString: options.databaseUrl,
      connectionTimeoutMillis: 5 * HEARTBEAT_MILLIS,
      query_timeout: 5 * HEARTBEAT_MILLIS,
      application_name: "tenantry listener",
    });
    client = connection;
    connection.on("notification", ({ channel, payload }) => options.channels[channel]?.(payload ?? ""));
    connection.on("error", (err) => lose(connection, err));
    connection.on("end", () => lose(connection));
    try {
      await connection.connect();
      for (const channel of Object.keys(options.channels)) await connection.query(`LISTEN ${channel}`);
      await options.resync();
      healthy = client === connection && !closed;
      if (healthy) timer = setTimeout(() => beat(connection), HEARTBEAT_MILLIS);
    } catch (err) {
      lose(connection, err);
    }
  }

  /** A connection that was cut without a word (a firewall, a pulled cable) shows only when it is asked. */
  async function beat(connection: pg.Client): Promise<void> {
    const overdue = setTimeout(() => lose(connection, new Error("no heartbeat")), HEARTBEAT_MILLIS);
    try {
      await connection.query("SELECT 1");
      if (client === connection && !closed) timer = setTimeout(() => beat(connection), HEARTBEAT_MILLIS);
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
    if (err !== undefined) options.onError?.(err);
    connection.end().catch(() => {});
    timer = setTimeout(connect, RECONNECT_MILLIS);
  }

  await connect();
  return {
    get healthy() {
      return healthy;
    },
    async close() {
      closed = true;
      healthy = false;
      clearTimeout(timer);
      await client?.end().catch(() => {});
    },
  };
}
