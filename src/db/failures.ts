/** Telling a database's complaints apart. */
import { isDriverAdapterError } from "@prisma/driver-adapter-utils";
import { Prisma } from "../../generated/prisma/client.ts";
import { ApiError } from "../errors.ts";

/**
 * What says "not now": connections, resources, timeouts, deadlocks, an administrator's shutdown. SQLSTATEs, the
 * system's errors and Prisma's, among them P2028 (no connection for a transaction in time) and P2034 (deadlock). 26000 and
 * 42P05 are prepared statements that a pooler has lost: from the next one on they go unnamed (names-watch.ts). 25006 is a
 * database that takes no writes: a standby, until the failover is over. `overloaded` is the pool's own, when too many wait
 * for a connection.
 */
const UNAVAILABLE =
  /^(overloaded|08|25006|26000|42P05|53|57|25P03|40001|40P01|55P03|E(CONNREFUSED|CONNRESET|TIMEDOUT|PIPE|NOTFOUND|AI_AGAIN)|P(1001|1002|1008|1017|2024|2028|2034|2037))/;
/** What the driver adapter calls them; of raw queries Prisma tells no more than that. */
const UNAVAILABLE_KIND =
  /^(DatabaseNotReachable|ConnectionClosed|SocketTimeout|TooManyConnections|TransactionWriteConflict)$/;
/** pg has no code for these. Where there is a code it alone counts: Prisma's messages quote the caller's source. */
const UNAVAILABLE_MESSAGE =
  /timeout exceeded when trying to connect|Connection terminated|connection error and is not queryable|Query read timeout/;

/** True when the database cannot be reached or cannot serve, so that trying again later makes sense. */
export function isUnavailable(err: unknown): boolean {
  if (!(err instanceof Error)) return false;
  const { originalCode, kind } = adapterCause(err);
  if (kind !== undefined && UNAVAILABLE_KIND.test(kind)) return true;
  const code = originalCode ?? ("code" in err ? err.code : undefined);
  const matches =
    typeof code === "string" ? UNAVAILABLE.test(code) : UNAVAILABLE_MESSAGE.test(err.message);
  return matches || isUnavailable(err.cause);
}

/** True when a statement took longer than it may. */
export function isStatementTimeout(err: unknown): boolean {
  return hasCode(err, "57014");
}

/** True when too many wait for a connection, or this one has waited too long (scoped-pool.ts): Prisma wraps that too. */
export function isOverload(err: unknown): boolean {
  return hasCode(err, "overloaded");
}

/** What a caller is told of whatever was thrown. What we did not mean to throw is the database's, or our own fault. */
export function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  if (isOverload(thrown)) return new ApiError("overloaded");
  if (isUnavailable(thrown)) return new ApiError("unavailable");
  return new ApiError("internal_error");
}

/** True before the first migration, when there are no tables yet. */
export function isMissingTable(err: unknown): boolean {
  return hasCode(err, "P2021") || hasCode(err, "42P01");
}

function hasCode(err: unknown, code: string): boolean {
  if (err instanceof Error && "code" in err && err.code === code) return true;
  return adapterCause(err).originalCode === code;
}

/** True when a Prisma write broke the unique index (or the constraint) with this name. */
export function violatesUnique(err: unknown, index: string): boolean {
  return adapterCause(err).constraint?.index === index;
}

/** True when a write broke an exclusion constraint. There is one: `tenants_lookalike`. */
export function violatesExclusion(err: unknown): boolean {
  return (
    hasCode(err, "23P01") ||
    (err instanceof Error && err.cause !== undefined && violatesExclusion(err.cause))
  );
}

type AdapterCause = {
  kind?: string;
  originalCode?: string;
  constraint?: { index?: string };
};

/** What the driver adapter reported: from within Prisma's own error, and from `$executeRaw` as it is. */
function adapterCause(err: unknown): AdapterCause {
  if (err instanceof Error && isDriverAdapterError(err)) return err.cause as AdapterCause;
  if (!(err instanceof Prisma.PrismaClientKnownRequestError)) return {};
  const { cause } = (err.meta?.driverAdapterError ?? {}) as { cause?: AdapterCause };
  return cause ?? {};
}
