/**
 * Turns at a tenant as a whole. They are advisory locks because PostgreSQL serves those in the order of asking: sharers of
 * a row go past whoever waits for all of it, so a stream of log-ins would hold a suspension off for ever. All of them end
 * with their transaction.
 */
import { Prisma } from "../../generated/prisma/client.ts";
import { ApiError } from "../errors.ts";
import type { Transaction } from "./client.ts";
import { LOCKS } from "./lock-names.ts";

const { tenant: TENANT, power: POWER, long: LONG } = LOCKS;

/** How often a long transaction looks whether it stands in the way. */
const LOOK_EVERY_MILLIS = 200;

/** Who belongs to no tenant belongs to the platform, as in the lock of the grants (roles/held.ts). */
const PLATFORM = "platform";

/**
 * Keeps the tenant as it is: whoever changes it waits. Shared by all who work in the tenant, and the
 * first lock that they take; who asks while a change waits comes after the change.
 */
export async function holdTenant(tx: Transaction, tenantId: string): Promise<void> {
  await tx.$executeRaw(holding(tenantId));
}

/** The statement of `holdTenant`, for those who put it before another one in the same round trip. */
export function holding(tenantId: string): Prisma.Sql {
  return Prisma.sql`SELECT pg_advisory_xact_lock_shared(${TENANT}::int, hashtext(${tenantId.toLowerCase()}))`;
}

/** Waits for those who hold the tenant, and keeps everybody else out until the change of it is done. */
export async function takeTenant(tx: Transaction, tenantId: string): Promise<void> {
  await announce(tx, tenantId);
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${TENANT}::int, hashtext(${tenantId.toLowerCase()}))`;
}

/**
 * Says that somebody is about to change a tenant or one of its people, and may have to wait: a long transaction ends for
 * them. It waits for nobody itself. @param tenantId null for platform accounts.
 */
export async function announce(tx: Transaction, tenantId: string | null): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock_shared(${POWER}::int, hashtext(${nameOf(tenantId)}))`;
}

/** What `announce` does, of the tenant of each row of `users` that a statement looks at. */
export const ANNOUNCE_TENANT_OF_USER = Prisma.raw(
  `pg_advisory_xact_lock_shared(${POWER}, hashtext(coalesce(users.tenant_id::text, '${PLATFORM}')))`,
);

/** What `holdTenant` does, of a column `tenant_id`. */
export const HOLD_TENANT = Prisma.raw(
  `pg_advisory_xact_lock_shared(${TENANT}, hashtext(tenant_id::text))`,
);

/**
 * Begins a transaction that may take seconds, one at a time in each of these tenants. Answers what to call between its
 * steps: it throws when somebody who has announced a change of a tenant, or of its people, waits for this transaction.
 * Who takes power away must not wait for whom they take it from. @throws ApiError `overloaded`
 */
export async function beginLong(
  tx: Transaction,
  tenantIds: readonly (string | null)[],
): Promise<() => Promise<void>> {
  const names = [...new Set(tenantIds.map(nameOf))].sort();
  for (const name of names)
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LONG}::int, hashtext(${name}))`;
  for (const name of names) if (name !== PLATFORM) await holdTenant(tx, name);
  let looked = performance.now();
  return async function giveWay() {
    if (performance.now() - looked < LOOK_EVERY_MILLIS) return;
    looked = performance.now();
    // Class and object of an advisory lock of two keys, which pg_locks shows as unsigned.
    const waiting = await tx.$queryRaw<unknown[]>`
      SELECT FROM pg_locks
      WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid = ${POWER}::int::oid AND objid = ANY (ARRAY(
          SELECT hashtext(name)::oid FROM unnest(${names}::text[]) AS name))
        AND pg_backend_pid() = ANY (pg_blocking_pids(pid))`;
    if (waiting.length > 0)
      throw new ApiError(
        "overloaded",
        "A change of the tenant, or of somebody in it, goes first: nothing was written. Send it again.",
        { retryAfterSeconds: 2 },
      );
  };
}

function nameOf(tenantId: string | null): string {
  return (tenantId ?? PLATFORM).toLowerCase();
}
