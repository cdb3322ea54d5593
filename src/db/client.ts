/** One pool for everything: Prisma for ordinary queries, hand-written SQL for the hot ones. */
import { PrismaPg } from "@prisma/adapter-pg";
import type pg from "pg";
import { type Prisma, PrismaClient } from "../../generated/prisma/client.ts";
import type { Config } from "../config.ts";
import { tenantFence } from "./fence.ts";
import { createScopedPool, type ScopedPool } from "./scoped-pool.ts";
import { type StatementNames, statementName } from "./statement-names.ts";

/** Whatever takes statements. Transactions are begun by commit.ts alone. */
export type Database = Omit<Prisma.TransactionClient, "$transaction">;
declare const begun: unique symbol;
/** What commit.ts has begun, and nothing else. */
export type Transaction = Database & { readonly [begun]: true };

/**
 * What a connection begins with. Prisma sends times without their zone: on a server that is not set to UTC every one of them
 * would be off by hours. And to compile a statement takes longer than to run any of ours: a search of 20,000 users took
 * 720 ms with JIT, and 7 without.
 */
export const SESSION = "SET TIME ZONE 'UTC'; SET jit = off";

export type PoolOptions = Pick<
  Config,
  "databaseUrl" | "databasePoolSize" | "databaseTimeoutSeconds"
> &
  Partial<Pick<Config, "preparedStatements">>;

export function createPool(
  { databaseUrl, databasePoolSize, databaseTimeoutSeconds, preparedStatements = true }: PoolOptions,
  statementNames: StatementNames = { inUse: preparedStatements, heard() {} },
): ScopedPool {
  const timeoutMillis = databaseTimeoutSeconds * 1000;
  const pool = createScopedPool({
    connectionString: databaseUrl,
    max: databasePoolSize,
    // Without it pg waits for a free connection for ever, and a slow database takes the server with it.
    connectionTimeoutMillis: timeoutMillis,
    statement_timeout: timeoutMillis,
    // The server's own timeout says nothing when the network is what went away.
    query_timeout: timeoutMillis + 1000,
    idle_in_transaction_session_timeout: timeoutMillis,
    keepAlive: true,
    application_name: "tenantry",
    statementNames,
    async onConnect(client) {
      await client.query(SESSION);
    },
  });
  // An idle connection that breaks is replaced at the next query. Without a listener it would end the process.
  pool.on("error", () => {});
  return pool;
}

/** The Prisma client on a pool that stays its owner's to close. */
export function createDatabase(pool: pg.Pool, timeoutSeconds = 10): PrismaClient {
  const statementNameGenerator = ({ sql }: { sql: string }) => statementName(sql);
  const timeout = timeoutSeconds * 1000;
  const client = new PrismaClient({
    adapter: new PrismaPg(pool, { statementNameGenerator }),
    transactionOptions: { maxWait: timeout, timeout },
  });
  // It changes what queries ask, not their types.
  return client.$extends(tenantFence) as unknown as PrismaClient;
}
