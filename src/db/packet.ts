/**
 * A statement and what goes ahead of it, in one write to the socket. Messages of the extended protocol before one Sync are
 * one transaction, unless a BEGIN is among them: what `set_config(…, true)` sets ends with it, whatever happens, and after
 * an error PostgreSQL skips the rest. A simple query would leave that transaction open, so nothing here is one.
 */
import pg from "pg";

export type Statement = Pick<pg.QueryConfig, "text"> &
  Partial<Pick<pg.QueryConfig, "name" | "values" | "types">> & { rowMode?: string };

/** One that goes ahead. Its rows are nobody's; with a name it is prepared on the connection already. */
export type Ahead = { name: string; text: string; values: readonly unknown[] };

export type Answered = (err: Error | null | undefined, result?: unknown) => void;

/** What pg's connection and query have beyond their types. */
type Connection = Pick<pg.Connection, "sync"> & {
  stream: Stream;
  parse(message: { name: string; text: string }): void;
  bind(message: {
    statement: string;
    values: readonly unknown[];
    valueMapper: (value: unknown) => unknown;
  }): void;
  execute(message: object): void;
};
type Stream = { readonly writable: boolean; write(message: Uint8Array): unknown };
type Query = {
  name?: string | undefined;
  queryMode?: string;
  submit(connection: Connection): Error | null;
  handleDataRow(message: unknown): void;
  handleCommandComplete(message: unknown, connection: Connection): void;
};
const { prepareValue } = (pg as unknown as { utils: { prepareValue(value: unknown): unknown } })
  .utils;
const Query = pg.Query as unknown as new (statement: object, answered: Answered) => Query;

/** Its result is that of the statement alone. */
export class Packet extends Query {
  readonly #ahead: readonly Ahead[];
  #unanswered: number;

  constructor(statement: Statement, name: string, ahead: readonly Ahead[], answered: Answered) {
    super(statement, answered);
    this.name = name;
    this.queryMode = "extended";
    this.#ahead = ahead;
    this.#unanswered = ahead.length;
  }

  override submit(connection: Connection): Error | null {
    return inOneWrite(connection, () => {
      for (const { name, text, values } of this.#ahead) {
        // pg takes each ParseComplete for that of the statement itself: one that has a name comes after named ones alone.
        if (name === "") connection.parse({ name, text });
        connection.bind({ statement: name, values, valueMapper: (value) => prepareValue(value) });
        connection.execute({});
      }
      return super.submit(connection);
    });
  }

  override handleDataRow(message: unknown): void {
    if (this.#unanswered === 0) super.handleDataRow(message);
  }

  override handleCommandComplete(message: unknown, connection: Connection): void {
    if (this.#unanswered === 0) super.handleCommandComplete(message, connection);
    else this.#unanswered -= 1;
  }
}

/** Prepares statements without running them. */
export class Preparation extends Query {
  readonly #statements: readonly { name: string; text: string }[];

  constructor(statements: readonly { name: string; text: string }[], answered: Answered) {
    super({ text: "" }, answered);
    this.#statements = statements;
  }

  override submit(connection: Connection): null {
    return inOneWrite(connection, () => {
      for (const statement of this.#statements) connection.parse(statement);
      connection.sync();
      return null;
    });
  }
}

/** Sends what `compose` writes, unless it finds a fault: then nothing has been sent. */
function inOneWrite<Fault extends Error | null>(
  connection: Connection,
  compose: () => Fault,
): Fault {
  const { stream } = connection;
  const messages: Uint8Array[] = [];
  connection.stream = { writable: true, write: (message) => messages.push(message) };
  try {
    const fault = compose();
    if (!fault && stream.writable) stream.write(Buffer.concat(messages));
    return fault;
  } finally {
    connection.stream = stream;
  }
}
