/** A connection whose statements carry the scope of whoever sends them. */
import pg from "pg";
import { type Ahead, type Answered, Packet, Preparation, type Statement } from "./packet.ts";
import { currentSettings, NOBODY, type Settings } from "./scope.ts";
import { named, type StatementNames, statementName } from "./statement-names.ts";

/** The pool hands its options to each of its clients. */
export type NamesOption = { statementNames: StatementNames };

/**
 * With settings it is a transaction of its own, in which they hold, and `first` is done in it before. Without, it is sent as
 * it is.
 */
export type ScopedStatement = Statement & { settings?: Settings; first?: Ahead };

const BEGIN = named("BEGIN");
const SCOPE = named(
  "SELECT set_config('tenantry.scope', $1, true), set_config('tenantry.account', $2, true)",
);
const SCOPE_AND_LIMIT = named(`${SCOPE.text}, set_config('statement_timeout', $3, true)`);
/**
 * What a prepared statement answers once a table has changed under it, is not there any more, or is there twice; and what a
 * session answers that is read-only, which it stays when new ones are no more.
 */
const STALE = ["0A000", "25006", "26000", "42P05"];
const BEGUN = { command: "BEGIN", rowCount: null, oid: null, fields: [], rows: [] };

/**
 * The scope holds for one transaction, so it cannot leak into the next use of the connection, nor into another client's
 * behind PgBouncer. It is sent in the packet of a single statement, or of the first one of a transaction (packet.ts).
 */
export class ScopedClient extends pg.Client {
  readonly #names: StatementNames;
  /** Names of what goes ahead of others and was sent to be prepared. */
  readonly #prepared = new Set<string>();
  #isStale = false;
  /** The scope of a transaction that begins with its next statement. */
  #begin: Settings | null = null;

  constructor(config: pg.ClientConfig & NamesOption) {
    super(config);
    this.#names = config.statementNames;
    this.connection.on("errorMessage", ({ code = "", file }: pg.DatabaseError) => {
      this.#names.heard(code, file);
      this.#isStale ||= STALE.includes(code);
    });
    // A query that fails with its connection says so itself. In pipeline mode pg also emits the end of the connection,
    // after the pool has stopped listening: without a listener that would end the process.
    this.on("error", () => {});
  }

  /** Not for anybody else: within a transaction, whose scope they would have, or with statements that fail each time. */
  get isSpent(): boolean {
    const isInTransaction = this.#begin !== null || this.getTransactionStatus() !== "I";
    return isInTransaction || this.#isStale;
  }

  // pg declares eight overloads; ours passes through whatever it is given.
  // biome-ignore lint/suspicious/noExplicitAny: the arguments are pg's.
  override query(...args: any[]): any {
    const last = args.at(-1);
    if (typeof last === "function") return this.#send(statementOf(args), last);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#send(statementOf(args), (err, result) => (err ? reject(err) : resolve(result)));
    return promise;
  }

  #send(statement: ScopedStatement, answered: Answered): void {
    // What Prisma and `pool.connect()` users begin a transaction with: it goes with what they do first in it.
    if (statement.text === "BEGIN") {
      this.#begin = currentSettings() ?? NOBODY;
      process.nextTick(answered, null, BEGUN);
      return;
    }
    const ahead = this.#takeAhead(statement.settings, statement.first);
    const isPlain = ahead.length === 0 && !statement.name && !statement.values?.length;
    const query = isPlain
      ? new pg.Query(statement, answered as never)
      : new Packet(statement, this.#nameOf(statement, ahead), ahead, answered);
    super.query(query as pg.Query);
  }

  #takeAhead(settings = this.#begin, first?: Ahead): Ahead[] {
    if (!settings) return [];
    const scope = settings.length === 3 ? SCOPE_AND_LIMIT : SCOPE;
    const ahead: Ahead[] = [{ ...scope, values: settings }, ...(first ? [first] : [])];
    if (this.#begin) ahead.unshift({ ...BEGIN, values: [] });
    this.#begin = null;
    if (!this.#names.inUse) return ahead.map((each) => ({ ...each, name: "" }));
    if (!this.#prepared.has(SCOPE.name)) this.#prepare([BEGIN, SCOPE, SCOPE_AND_LIMIT]);
    if (first && first.name !== "" && !this.#prepared.has(first.name)) this.#prepare([first]);
    return ahead;
  }

  /** Nobody waits for it: what is sent after it is done after it. */
  #prepare(statements: readonly { name: string; text: string }[]): void {
    const names = statements.map(({ name }) => name);
    for (const name of names) this.#prepared.add(name);
    const answered = (err: unknown) => {
      if (err) for (const name of names) this.#prepared.delete(name);
    };
    super.query(new Preparation(statements, answered) as unknown as pg.Query);
  }

  /**
   * Whatever name a statement was given, by a library too, it goes by that of its text; or without one, as it does behind one
   * that has none (packet.ts).
   */
  #nameOf({ name, text }: Statement, ahead: readonly Ahead[]): string {
    const isNamed = name && this.#names.inUse && ahead.every((each) => each.name !== "");
    return isNamed ? statementName(text) : "";
  }
}

/** The arguments of pg's `query`, as one. */
export function statementOf([first, second]: unknown[]): ScopedStatement {
  const statement = typeof first === "string" ? { text: first } : (first as ScopedStatement);
  return Array.isArray(second) ? { ...statement, values: second } : statement;
}
