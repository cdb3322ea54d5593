/** Before somebody is made in a tenant: what has to stand still for it, and what has to be known. */
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { type Giving, givingSql, type StoredGiving, toGiving } from "../roles/giving-sql.ts";
import { lockGrants, sharedGrantsLock } from "../roles/held.ts";
import { freeSeatsOf, freeSeatsSql, type Seats, seatsLock } from "../tenants/admission.ts";
import { lockingTenant } from "../tenants/lock.ts";

type Asking = Pick<AuthedContext, "principal">;

/**
 * Takes in one statement the locks of `enterTenant`, of the grants and of `freeSeats`, in that order: each looks at the row of
 * the one before. False, with no lock but the first, unless the tenant is active. What they protect is read by a statement of
 * its own: this one sees the rows as they were before it waited.
 */
export async function lockForNewUser(
  tx: Transaction,
  { principal }: Asking,
  tenantId: string | null,
): Promise<boolean> {
  if (tenantId === null) {
    await lockGrants(tx, { principal }, null);
    return true;
  }
  const giver = principal.tenantId === tenantId ? null : principal.userId;
  const entered = await tx.$queryRaw<unknown[]>`
    WITH ${lockingTenant(tenantId)}, giver AS MATERIALIZED (
      SELECT users.id FROM tenant, users WHERE users.id = ${giver}::uuid FOR SHARE OF users
    ), grants AS MATERIALIZED (
      SELECT ${sharedGrantsLock(tenantId)} FROM tenant, (SELECT count(*) FROM giver) AS givers
    ), seats AS MATERIALIZED (
      SELECT ${seatsLock(tenantId)} FROM tenant, grants WHERE tenant.seat_limit IS NOT NULL
    )
    SELECT true AS entered FROM tenant, (SELECT count(*) FROM grants) AS granted, (SELECT count(*) FROM seats) AS seated`;
  return entered.length > 0;
}

/** What `rolesToGrant` and `freeSeats` read under these locks. */
export async function readForNewUser(
  tx: Transaction,
  ctx: Asking,
  tenantId: string | null,
  names: string[] | undefined,
): Promise<{ giving: Giving; freeSeats: number }> {
  const [{ freeSeats, ...row }] = await tx.$queryRaw<[StoredGiving & Seats]>`
    SELECT ${givingSql(ctx, tenantId, names)}, ${freeSeatsSql(tenantId)}`;
  return { giving: toGiving(row), freeSeats: freeSeatsOf({ freeSeats }) };
}
