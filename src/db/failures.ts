/** Telling a database's complaints apart. */
import { isDriverAdapterError } from "@prisma/driver-adapter-utils";
import { Prisma } from "../../generated/prisma/client.ts";
import { ApiError } from "../errors.ts";

/**
 * What says "not now": connections, resources, files of the server (58), timeouts, deadlocks, an administrator's shutdown, a
 * database that takes no changes (25006: a standby, until the failover is over). SQLSTATEs, the system's errors and
 * Prisma's, among them P2028 (no connection for a transaction in time) and P2034 (deadlock). 26000 and 42P05 are prepared
 * statements that a pooler has lost: from the next one on they go unnamed (names-watch.ts). `overloaded` is the pool's own,
 * when too many wait for a connection.
 */
const UNAVAILABLE =
  /^(overloaded|08|25006|26000|42P05|53|57|58|25P03|40001|40P01|55P03|E(CONNREFUSED|CONNRESET|TIMEDOUT|PIPE|NOTFOUND|AI_AGAIN|HOSTUNREACH|NETUNREACH)|P(1001|1002|1008|1017|2024|2028|2034|2037))/;
/** What the driver adapter calls them; of raw queries Prisma tells no more than that. */
const UNAVAILABLE_KIND =
  /^(DatabaseNotReachable|ConnectionClosed|SocketTimeout|TooManyConnections|TransactionWriteConflict)$/;
/** pg has no code for these. Where there is a code it alone counts: Prisma's messages quote the caller's source. */
const UNAVAILABLE_MESSAGE =
  /timeout exceeded when trying to connect|Connection terminated|connection error and is not queryable|Query read timeout/;

/** A database that its operator has closed, for a restore perhaps. It shares its code with faults of ours. */
export const NOT_OPEN = /not currently accepting connections/;
/** Of a standby, where tables that are not logged are not there at all (0A000), and of statements that it never takes. */
const IN_RECOVERY = /during recovery/;

/** True when the database cannot be reached or cannot serve, so that trying again later makes sense. */
export function isUnavailable(err: unknown): boolean {
  if (!(err instanceof Error)) return false;
  const { originalCode, kind } = adapterCause(err);
  if (kind !== undefined && UNAVAILABLE_KIND.test(kind)) return true;
  const code = originalCode ?? ("code" in err ? err.code : undefined);
  const matches =
    typeof code === "string" ? UNAVAILABLE.test(code) : UNAVAILABLE_MESSAGE.test(err.message);
  return matches || saysClosed(err) || isUnavailable(err.cause);
}

function saysClosed(err: Error): boolean {
  const message = messageOf(err);
  return NOT_OPEN.test(message) || IN_RECOVERY.test(message);
}

/** True when the database answers, and takes no changes. */
export function isReadOnly(err: unknown): boolean {
  if (!(err instanceof Error)) return false;
  return codeOf(err) === "25006" || IN_RECOVERY.test(messageOf(err)) || isReadOnly(err.cause);
}

const REASONS = new Map([
  ["53100", "the database has no room on its disk"],
  ["53200", "the database has no memory free"],
  ["53300", "the database has no connection free: max_connections, or a limit of the role"],
  ["58030", "the database cannot read or write its files"],
  ["57P03", "the database is starting up or shutting down"],
]);
const READ_ONLY = "the database takes no changes: a standby, or default_transaction_read_only";

/** Why the database does not serve, for the log, where more is to be said than what it says itself. */
export function reasonOf(err: unknown): string | undefined {
  if (isReadOnly(err)) return READ_ONLY;
  const reason = REASONS.get(codeOf(err) ?? "");
  return reason ?? (err instanceof Error && err.cause ? reasonOf(err.cause) : undefined);
}

/** SQLSTATE, or what the system or Prisma calls it. */
export function codeOf(err: unknown): string | undefined {
  const { originalCode, kind } = adapterCause(err);
  if (originalCode !== undefined) return originalCode;
  if (kind === "TooManyConnections") return "53300";
  return err instanceof Error && "code" in err && typeof err.code === "string"
    ? err.code
    : undefined;
}

/** Prisma's own quotes the caller's source, so only what the driver said counts. */
function messageOf(err: Error): string {
  const { originalMessage } = adapterCause(err);
  if (originalMessage !== undefined) return originalMessage;
  return err instanceof Prisma.PrismaClientKnownRequestError ? "" : err.message;
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

/** True when the schema is another one than this build's. */
export function isMissingColumn(err: unknown): boolean {
  return hasCode(err, "P2022") || hasCode(err, "42703");
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
  originalMessage?: string;
  constraint?: { index?: string };
};

/** What the driver adapter reported: from within Prisma's own error, and from `$executeRaw` as it is. */
function adapterCause(err: unknown): AdapterCause {
  if (err instanceof Error && isDriverAdapterError(err)) return err.cause as AdapterCause;
  if (!(err instanceof Prisma.PrismaClientKnownRequestError)) return {};
  const { cause } = (err.meta?.driverAdapterError ?? {}) as { cause?: AdapterCause };
  return cause ?? {};
}
