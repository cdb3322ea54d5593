/**
 * Whose rows a statement may touch: the second fence of tenant isolation, below every `where`. The scope travels with the
 * asynchronous call, client.ts hands it to PostgreSQL with each transaction, and the policies of
 * migrations-sql/095_row_level_security.sql compare it with the row. Without a scope no tenant's row is seen.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { isId } from "./id.ts";

const ALL = "platform";

const scopes = new AsyncLocalStorage<string>();

/** Runs `work` for the rows of one tenant; for those of all when the tenant is null, as platform accounts have it. */
export function inTenant<T>(tenantId: string | null, work: () => T | PromiseLike<T>): Promise<T> {
  if (tenantId !== null && !isId(tenantId)) throw new Error("a tenant's id must be a UUID");
  // Awaited within: Prisma's promises send their query only when somebody awaits them.
  return scopes.run(tenantId ?? ALL, async () => await work());
}

/**
 * Runs `work` for the rows of all tenants: for what has no tenant yet, such as finding an account at log-in, and for
 * background work. The name is the point: each use can be found and questioned.
 */
export function acrossTenants<T>(work: () => T | PromiseLike<T>): Promise<T> {
  return scopes.run(ALL, async () => await work());
}

/** The scope of the present call: a tenant's id, "platform", or null where nobody has set one. */
export function currentScope(): string | null {
  return scopes.getStore() ?? null;
}

/** The tenant whose rows alone may be touched; null across tenants and outside of every scope. */
export function scopedTenant(): string | null {
  const scope = currentScope();
  return scope === ALL ? null : scope;
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
