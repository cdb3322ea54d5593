/** A pool whose statements carry the scope of the call that sends them. */
import pg from "pg";
import { acrossTenants, currentScope } from "./scope.ts";
import { type StatementNames, statementName } from "./statement-names.ts";

/**
 * The scope holds for one transaction, so it cannot leak into the next use of the connection, nor into another client's
 * behind PgBouncer. A single statement becomes a transaction of its own; the connection is in pipeline mode, so that is
 * still one round trip.
 */
class ScopedClient extends pg.Client {
  readonly #names: StatementNames;

  constructor(config: pg.ClientConfig & NamesOption) {
    super(config);
    this.#names = config.statementNames;
    this.connection.on("errorMessage", ({ code }: pg.DatabaseError) => this.#names.heard(code));
    // A query that fails with its connection says so itself. In pipeline mode pg also emits the end of the connection,
    // after the pool has stopped listening: without a listener that would end the process.
    this.on("error", () => {});
  }

  // pg declares eight overloads; ours passes through whatever it is given.
  // biome-ignore lint/suspicious/noExplicitAny: the arguments are pg's.
  override query(...args: any[]): any {
    const [first] = args;
    const text = typeof first === "string" ? first : first?.text;
    // What Prisma and `pool.connect()` users begin a transaction with.
    if (text === "BEGIN") args = [beginInScope()];
    else if (first?.name) args = [renamed(first, this.#names), ...args.slice(1)];
    return Reflect.apply(super.query, this, args);
  }
}

/** The pool hands its options to each of its clients. */
type NamesOption = { statementNames: StatementNames };

/** Whatever name a statement was given, by a library too, it goes by that of its text, or without one. */
function renamed(statement: pg.QueryConfig, { inUse }: StatementNames): pg.QueryConfig {
  const name = inUse ? statementName(statement.text) : "";
  return name === statement.name ? statement : { ...statement, name };
}

/** As pg has it, and `plain` for statements that no policy concerns, such as the counters of rate limits. */
export type ScopedPool = pg.Pool & {
  plain<Row extends pg.QueryResultRow>(config: pg.QueryConfig): Promise<pg.QueryResult<Row>>;
};

export function createScopedPool(config: pg.PoolConfig & NamesOption): ScopedPool {
  return new Pool(config);
}

class Pool extends pg.Pool {
  constructor(config: pg.PoolConfig & NamesOption) {
    super({ ...config, Client: ScopedClient, pipeline: true } as unknown as pg.PoolConfig);
  }

  /** For promises alone. Outside of every scope the statement goes out as it is. */
  // biome-ignore lint/suspicious/noExplicitAny: the arguments are pg's.
  override query(...args: any[]): any {
    if (currentScope() === null || typeof args.at(-1) === "function")
      return Reflect.apply(super.query, this, args);
    return this.#queryInScope(args);
  }

  plain<Row extends pg.QueryResultRow>(config: pg.QueryConfig): Promise<pg.QueryResult<Row>> {
    return super.query<Row>(config);
  }

  async #queryInScope(args: unknown[]): Promise<unknown> {
    const client = await this.connect();
    const sent = [
      client.query("BEGIN"),
      Reflect.apply(client.query, client, args) as Promise<unknown>,
      // After a failure this is a rollback.
      client.query("COMMIT"),
    ];
    const [begun, answered, ended] = await Promise.allSettled(sent);
    const lost = [begun, ended].find((each) => each?.status === "rejected");
    client.release(lost !== undefined);
    if (answered?.status === "rejected") throw answered.reason;
    if (lost?.status === "rejected") throw lost.reason;
    return answered?.value;
  }
}

/** One message: what it interpolates is a UUID or a word of ours (scope.ts). */
function beginInScope(): string {
  return `BEGIN; SET LOCAL tenantry.scope = '${currentScope() ?? ""}'`;
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
