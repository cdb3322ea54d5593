/** Reading what PostgreSQL knows of itself: one moment, and nothing is written. */
import type pg from "pg";
import { withClient } from "../connection.ts";
import * as sql from "./sql.ts";
import { readStatements, type Statements } from "./statements.ts";
import { masked } from "./text.ts";

type Database = {
  name: string;
  version: string;
  bytes: number;
  /** From when on scans, reads and statements are counted. */
  countedSince: string;
  /** Of the oldest row's transaction, in transactions: PostgreSQL stops at two thousand million. */
  transactionAge: number;
  hits: number;
  reads: number;
  deadlocks: number;
  temporaryBytes: number;
  isStandby: boolean;
  /** False for a login that is shown its own statements alone. */
  seesAll: boolean;
};
export type Table = {
  name: string;
  parts: number;
  rows: number;
  dead: number;
  bytes: number;
  /** Since the planner last counted. */
  changes: number;
  analyzed: string | null;
  vacuumed: string | null;
  hits: number;
  reads: number;
};
/** `isRule`: it holds something, and so has its use without being read. */
export type Index = {
  name: string;
  table: string;
  scans: number;
  bytes: number;
  isValid: boolean;
  isRule: boolean;
};
type Connections = {
  application: string;
  login: string;
  total: number;
  active: number;
  idle: number;
  inTransaction: number;
};
type Wait = {
  waiting: number;
  holding: number;
  waitsWith: string;
  holdsWith: string;
  holdingState: string;
  seconds: number;
};
type RunningTransaction = {
  pid: number;
  application: string;
  state: string;
  query: string;
  seconds: number;
};
type Replica = {
  name: string;
  state: string;
  sync: string;
  bytes: number | null;
  seconds: number | null;
};
type Slot = { name: string; active: boolean; bytes: number | null };

export type Stats = {
  at: string;
  database: Database;
  tables: Table[];
  indexes: Index[];
  connections: Connections[];
  server: { used: number; most: number };
  waits: Wait[];
  transactions: RunningTransaction[];
  replicas: Replica[];
  slots: Slot[];
  statements: Statements;
};

/** @param url of any login that may connect; one that has pg_monitor sees more. */
export function readStats(url: string, progress: (step: string) => void): Promise<Stats> {
  return withClient(url, { name: "stats" }, async (client) => {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    // Whatever is locked in between: the answer is about locks, and must not wait for one.
    await client.query("SET LOCAL lock_timeout = '3s'");
    const rows = async <Row extends pg.QueryResultRow>(text: string) =>
      (await client.query<Row>(text)).rows;
    const [database] = await rows<Database>(sql.DATABASE);
    if (!database) throw new Error("the database has no statistics");
    progress("reading connections and locks");
    const connections = await rows<Connections>(sql.CONNECTIONS);
    const [server = { used: 0, most: 0 }] = await rows<Stats["server"]>(sql.CONNECTIONS_OF_SERVER);
    const waits = await rows<Wait>(sql.WAITS);
    const transactions = await rows<RunningTransaction>(sql.TRANSACTIONS);
    const replicas = await rows<Replica>(database.isStandby ? sql.OWN_LAG : sql.REPLICAS);
    const slots = await rows<Slot>(sql.SLOTS);
    progress("reading tables and indexes");
    const tables = await rows<Table>(sql.TABLES);
    const indexes = await rows<Index>(sql.INDEXES);
    await client.query("COMMIT");
    progress("reading statements");
    const statements = await readStatements(client, url, database.name);
    const read: Stats = {
      at: new Date().toISOString(),
      ...{
        database,
        tables,
        indexes,
        connections,
        server,
        transactions,
        replicas,
        slots,
        statements,
      },
      waits: waits.map((wait) => ({
        ...wait,
        waitsWith: masked(wait.waitsWith),
        holdsWith: masked(wait.holdsWith),
      })),
    };
    read.transactions = transactions.map((each) => ({ ...each, query: masked(each.query) }));
    // As it will be read again: times are text.
    return JSON.parse(JSON.stringify(read)) as Stats;
  });
}
