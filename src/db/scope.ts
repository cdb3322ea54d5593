/**
 * Whose rows a statement may touch: the second fence of tenant isolation, below every `where`. The scope travels with the
 * asynchronous call, scoped-client.ts hands it to PostgreSQL with each transaction, and the policies of
 * migrations-sql/095_row_level_security.sql compare it with the row. Without a scope no tenant's row is seen.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { isId } from "./id.ts";

const ALL = "platform";
const JOBS = "jobs";
const NO_ACCOUNT = "none";

type Scope = {
  /** A tenant's id, or ALL. */
  rows: string;
  /** The account of the session that asks: what it has is its own, whatever tenant it speaks for. */
  account?: string | null;
  /** For whom it is done, whosever rows it needs: connections are shared out by it (scoped-pool.ts). */
  caller: string;
  /** For how long a statement may run, where it is less than what the pool lets it. */
  statementMillis?: number;
};

const scopes = new AsyncLocalStorage<Scope>();

/**
 * Runs `work` for the rows of one tenant; for those of all when the tenant is null, as platform accounts have it.
 * @param accountId of the session that asks, whose own rows it may touch too.
 */
export function inTenant<T>(
  tenantId: string | null,
  work: () => T | PromiseLike<T>,
  accountId: string | null = null,
): Promise<T> {
  for (const id of [tenantId, accountId])
    if (id !== null && !isId(id)) throw new Error("a scope is named by UUIDs");
  const rows = tenantId ?? ALL;
  return within({ rows, account: accountId, caller: rows }, work);
}

/**
 * Runs `work` for the rows of all tenants: for what has no tenant yet, such as finding an account at log-in. The name is
 * the point: each use can be found and questioned. @param caller for whom, where nobody has said so before.
 */
export function acrossTenants<T>(
  work: () => T | PromiseLike<T>,
  caller = scopes.getStore()?.caller ?? ALL,
): Promise<T> {
  return within({ rows: ALL, caller }, work);
}

/** As `acrossTenants`, for background work: all of it together is one caller. */
export function inBackground<T>(work: () => T | PromiseLike<T>): Promise<T> {
  return acrossTenants(work, JOBS);
}

/** Lets no statement of `work` run for longer than this. */
export function withStatementLimit<T>(millis: number, work: () => PromiseLike<T>): Promise<T> {
  const scope = scopes.getStore();
  if (!scope) throw new Error("a statement that nobody asks for has no limit of its own");
  return within({ ...scope, statementMillis: millis }, work);
}

/** Prisma's promises send their query only when somebody awaits them, so that is done within. All others have begun. */
function within<T>(scope: Scope, work: () => T | PromiseLike<T>): Promise<T> {
  return scopes.run(scope, () => {
    try {
      const working = work();
      return working instanceof Promise ? working : settle(working);
    } catch (err) {
      return Promise.reject(err);
    }
  });
}

async function settle<T>(working: T | PromiseLike<T>): Promise<T> {
  return await working;
}

/** What PostgreSQL is told: whose rows, of which account, and for how long a statement may run where that is limited. */
export type Settings = readonly [rows: string, account: string, statementMillis?: string];

/** Of whom no row of a tenant is. */
export const NOBODY: Settings = ["", NO_ACCOUNT];

/** The settings of the present call, or null where nobody has set a scope. */
export function currentSettings(): Settings | null {
  const scope = scopes.getStore();
  if (!scope) return null;
  const { rows, account, statementMillis } = scope;
  return statementMillis === undefined
    ? [rows, account ?? NO_ACCOUNT]
    : [rows, account ?? NO_ACCOUNT, String(statementMillis)];
}

/** For whom the present call is: a tenant's id, a network, "platform", "jobs", or null where nobody has said so. */
export function currentCaller(): string | null {
  return scopes.getStore()?.caller ?? null;
}

/** False for the operator's own accounts and for nobody in particular, which no tenant and no stranger can be. */
export function isStranger(caller: string | null): boolean {
  return caller !== null && caller !== ALL;
}

export function currentStatementMillis(): number | undefined {
  return scopes.getStore()?.statementMillis;
}

/** The tenant whose rows alone may be touched; null across tenants and outside of every scope. */
export function scopedTenant(): string | null {
  const { rows = ALL } = scopes.getStore() ?? {};
  return rows === ALL ? null : rows;
}

const deleted = new AsyncLocalStorage<true>();

/** Runs `work` so that its queries see soft-deleted rows too, where else only live ones are seen (fence.ts). */
export function withDeleted<T>(work: () => T | PromiseLike<T>): Promise<T> {
  return deleted.run(true, async () => await work());
}

export function deletedToo(): boolean {
  return deleted.getStore() ?? false;
}

/** `work` as if it were called here: for what is called from elsewhere, such as a stream by its reader. */
export function boundToScope<Args extends unknown[], Result>(
  work: (...args: Args) => Result,
): (...args: Args) => Result {
  return AsyncLocalStorage.bind(work);
}
