/** A pool whose statements carry the scope of the call that sends them, and whose connections go round by caller. */
import pg from "pg";
import { ApiError } from "../errors.ts";
import { createFairQueue, type FairQueue } from "../fair-queue.ts";
import { isStatementTimeout } from "./failures.ts";
import { leaseOf } from "./lease.ts";
import type { Ahead } from "./packet.ts";
import {
  acrossTenants,
  currentCaller,
  currentSettings,
  currentStatementMillis,
  isStranger,
  NOBODY,
  withStatementLimit,
} from "./scope.ts";
import {
  type NamesOption,
  ScopedClient,
  type ScopedStatement,
  statementOf,
} from "./scoped-client.ts";

/** How many may wait for each connection, and how many of these one tenant's or network's requests may be. */
const WAITING = 400;
const WAITING_EACH = 100;

/** How many of one tenant, on this instance, may wait for a turn at what is costly, and for how long. */
const COSTLY_WAITING = 1000;
export const COSTLY_WAITING_EACH = 100;
/** Somebody waits for a list. An export, which may be under way, and many changes at once are given more time. */
const COSTLY_WAITING_MILLIS = { read: 10_000, export: 60_000, write: 10_000 };
const COSTLY_STATEMENT_MILLIS = 3000;

type ScopedPoolClient = pg.PoolClient & ScopedClient;
type Connected = (err: Error | undefined, client?: pg.PoolClient, done?: unknown) => void;

/** As pg has it, and more. */
export type ScopedPool = pg.Pool & {
  /** For statements that no policy concerns, such as the counters of rate limits. */
  plain<Row extends pg.QueryResultRow>(config: pg.QueryConfig): Promise<pg.QueryResult<Row>>;
  /**
   * Sends `first` and a statement in one packet, which is one transaction: neither BEGIN nor COMMIT is waited for. The
   * statement begins after `first` has ended, so what that locks it sees as under the lock. Answers the statement's rows.
   * @param first of a text that goes ahead of others alone: pg does not know that it is prepared.
   */
  behind<Row extends pg.QueryResultRow>(
    first: Ahead,
    statement: pg.QueryConfig,
  ): Promise<pg.QueryResult<Row>>;
  /**
   * Does what costs the more the more a tenant has: of each tenant on a quarter of the connections, of all together on half
   * of them. Each kind has turns of its own. Reading within a turn to read is in the same one.
   * @throws ApiError `overloaded` when too many wait, or for too long, or a statement of a list takes too long.
   */
  costly<T>(kind: Costly, work: () => Promise<T>): Promise<T>;
  /** How its connections are used now, how many it may have, and how many wait for one. */
  load(): { inUse: number; idle: number; waiting: number; size: number };
};

/** A list is asked for by somebody who waits for it; an export may take what the pool lets a statement take. */
type Costly = "read" | "export" | "write";

export function createScopedPool(config: pg.PoolConfig & NamesOption): ScopedPool {
  return new Pool(config);
}

class Pool extends pg.Pool {
  readonly #turns: FairQueue;
  readonly #costly: Record<Costly, FairQueue>;
  readonly #statementMillis: number;

  constructor(config: pg.PoolConfig & NamesOption) {
    super({ ...config, Client: ScopedClient, pipeline: true } as unknown as pg.PoolConfig);
    const size = config.max ?? 10;
    this.#statementMillis = Number(config.statement_timeout) || 10_000;
    const share = Math.ceil(size / 2);
    this.#turns = createFairQueue({
      turns: size,
      turnsEach: (caller) => (isStranger(caller) ? share : size),
      waiting: WAITING * size,
      waitingEach: (caller) => (isStranger(caller) ? WAITING_EACH : WAITING) * size,
      ...(config.connectionTimeoutMillis && { waitingMillis: config.connectionTimeoutMillis }),
      // As pg says it: perhaps the database is silent, and all connections wait for it (failures.ts).
      tooLate: () => new Error("timeout exceeded when trying to connect"),
    });
    const costly = (kind: Costly) =>
      createFairQueue({
        turns: Math.max(1, Math.floor(size / 2)),
        turnsEach: Math.max(1, Math.floor(size / 4)),
        waiting: COSTLY_WAITING,
        // An export that is under way has been answered: it is no more to be refused.
        ...(kind !== "export" && { waitingEach: COSTLY_WAITING_EACH }),
        waitingMillis: COSTLY_WAITING_MILLIS[kind],
      });
    this.#costly = { read: costly("read"), export: costly("export"), write: costly("write") };
  }

  /**
   * With a turn that ends when the connection is released. Nobody waits in pg's own queue, which knows no callers. A promise
   * is of a connection for one transaction: that is how Prisma asks.
   */
  override connect(): Promise<pg.PoolClient>;
  override connect(connected: Connected): void;
  override connect(connected?: Connected): Promise<pg.PoolClient> | undefined {
    return connected ? this.#connect(connected) : this.#take().then(leaseOf);
  }

  #take(): Promise<pg.PoolClient> {
    const { promise, resolve, reject } = Promise.withResolvers<pg.PoolClient>();
    this.#connect((err, client) => (client ? resolve(client) : reject(err)));
    return promise;
  }

  #connect(connected: Connected): undefined {
    const caller = currentCaller();
    const begin = (end: () => void) =>
      super.connect((err, client) => {
        if (!client) end();
        else endWithRelease(client, end);
        connected(err, client, client?.release);
      });
    const end = this.#turns.turnNow(caller);
    if (end) begin(end);
    else this.#turns.turn(caller).then(begin, connected);
  }

  costly<T>(kind: Costly, work: () => Promise<T>): Promise<T> {
    if (kind === "write") return this.#costly.write.run(currentCaller(), work);
    if (currentStatementMillis() !== undefined) return work();
    const millis = kind === "read" ? COSTLY_STATEMENT_MILLIS : this.#statementMillis;
    return this.#costly[kind].run(currentCaller(), async () => {
      try {
        return await withStatementLimit(millis, work);
      } catch (err) {
        if (kind === "read" && isStatementTimeout(err)) throw tooCostly(err);
        throw err;
      }
    });
  }

  load() {
    const { idleCount: idle, totalCount } = this;
    const { waiting } = this.#turns.load();
    return { inUse: totalCount - idle, idle, waiting, size: this.options.max };
  }

  /** For promises alone. Outside of every scope the statement goes out as it is. */
  // biome-ignore lint/suspicious/noExplicitAny: the arguments are pg's.
  override query(...args: any[]): any {
    const settings = currentSettings();
    if (settings === null || typeof args.at(-1) === "function")
      return Reflect.apply(super.query, this, args);
    return this.#queryInScope({ ...statementOf(args), settings });
  }

  plain<Row extends pg.QueryResultRow>(config: pg.QueryConfig): Promise<pg.QueryResult<Row>> {
    return super.query<Row>(config);
  }

  behind<Row extends pg.QueryResultRow>(first: Ahead, statement: pg.QueryConfig) {
    const settings = currentSettings() ?? NOBODY;
    const behind = { ...statement, first, settings };
    return this.#queryInScope(behind) as Promise<pg.QueryResult<Row>>;
  }

  async #queryInScope(statement: ScopedStatement): Promise<unknown> {
    const client = await this.#take();
    try {
      const answer = await client.query(statement);
      client.release();
      return answer;
    } catch (err) {
      // Whether it was the statement or its connection that failed, its next answer says.
      const isAlive = await client.query("SELECT").then(
        () => true,
        () => false,
      );
      client.release(!isAlive);
      throw err;
    }
  }
}

function endWithRelease(client: pg.PoolClient, end: () => void): void {
  const { release } = client;
  client.release = (err) => {
    release(err || (client as ScopedPoolClient).isSpent);
    end();
  };
}

function tooCostly(cause: unknown): ApiError {
  const seconds = COSTLY_STATEMENT_MILLIS / 1000;
  return new ApiError("overloaded", `This took more than ${seconds} s: ask for less at once.`, {
    retryAfterSeconds: 5,
    cause,
  });
}

/** The pool as one that no policy concerns: for tables without a tenant, such as counters and jobs. */
export function plainly(pool: ScopedPool): Pick<pg.Pool, "query"> {
  const query = (config: pg.QueryConfig | string, values?: unknown[]) =>
    pool.plain(typeof config === "string" ? { text: config, ...(values && { values }) } : config);
  return { query: query as pg.Pool["query"] };
}

/** The pool as one that sees the rows of all tenants, whoever asks. */
export function acrossAll(pool: ScopedPool): Pick<pg.Pool, "query"> {
  const query = (...args: unknown[]) => acrossTenants(() => Reflect.apply(pool.query, pool, args));
  return { query: query as pg.Pool["query"] };
}
