/** Who may come into a tenant: addresses of its domains, and no more people than it has seats. */
import { Prisma } from "../../generated/prisma/client.ts";
import type { Database, Transaction } from "../db/client.ts";
import { PENDING_INVITATION_SQL } from "../db/live.ts";
import { LOCKS } from "../db/lock-names.ts";
import { ApiError, ValidationError } from "../errors.ts";
import { settingsOf, type TenantSettings } from "../tenant-settings/settings.ts";

/**
 * Lets one more person in, by their address and by the seats. Until the transaction ends the seats do not change, and
 * nobody else takes one. Platform accounts (null) take none.
 * @param email null for somebody who comes back: they stay who they were, whatever domains count now.
 * @throws ValidationError for an address of another domain; ApiError `seat_limit`.
 */
export async function admitPerson(
  tx: Transaction,
  tenantId: string | null,
  email: string | null,
): Promise<void> {
  if (email !== null) await admitAddress(tx, tenantId, email);
  assertFreeSeat(await freeSeats(tx, tenantId));
}

/**
 * For an address that changes, of somebody who has a seat. It locks nothing: the caller holds the user's row, and
 * log-ins lock the tenant first. @throws ValidationError
 */
export async function admitAddress(
  db: Database,
  tenantId: string | null,
  email: string,
): Promise<void> {
  assertAllowedDomain(await settingsOf(db, tenantId), email);
}

/** @throws ValidationError */
export function assertAllowedDomain({ allowedEmailDomains }: TenantSettings, email: string): void {
  const domain = email.slice(email.lastIndexOf("@") + 1);
  if (!allowedEmailDomains || allowedEmailDomains.includes(domain)) return;
  const message = `Must be an address at ${allowedEmailDomains.join(" or ")}`;
  throw new ValidationError([{ path: "email", message }]);
}

/**
 * How many seats are left; none is taken by anybody else until the transaction ends. Infinity where any number is.
 * Callers come one after the other: of thirty at once each counts what the one before it has committed (ASVS 5.0,
 * 2.3.4). Not by a lock on the tenant's row, which all of them share already: of two who both want it whole, neither
 * would let go.
 */
export async function freeSeats(tx: Transaction, tenantId: string | null): Promise<number> {
  if (tenantId === null) return Infinity;
  const [tenant] = await tx.$queryRaw<{ seatLimit: number | null }[]>`
    SELECT seat_limit AS "seatLimit" FROM tenants WHERE id = ${tenantId}::uuid FOR SHARE`;
  if ((tenant?.seatLimit ?? null) === null) return Infinity;
  await tx.$executeRaw`SELECT ${seatsLock(tenantId)}`;
  const [row] = await tx.$queryRaw<Seats[]>`SELECT ${freeSeatsSql(tenantId)}`;
  return freeSeatsOf(row);
}

/** Namespaced by its first key; released at the end of the transaction. */
export function seatsLock(tenantId: string): Prisma.Sql {
  return Prisma.sql`pg_advisory_xact_lock(${LOCKS.seats}::int, hashtext(${tenantId}))`;
}

/** NULL where there is no limit. */
export type Seats = { freeSeats: number | null };

/**
 * `Seats` as SQL, to be asked under their lock. A seat is a person who is not deleted, or a pending invitation. Both are
 * counted of the tenant's row: by the parameter PostgreSQL would plan anew each time, since most tenants are smaller than
 * the average one.
 */
export function freeSeatsSql(tenantId: string | null): Prisma.Sql {
  return Prisma.sql`(SELECT CASE WHEN seat_limit IS NOT NULL THEN (seat_limit
      - (SELECT count(*) FROM users WHERE tenant_id = tenants.id AND kind = 'person' AND NOT is_deleted)
      - (SELECT count(*) FROM invitations
        WHERE tenant_id = tenants.id AND ${Prisma.raw(PENDING_INVITATION_SQL)}))::int END
    FROM tenants WHERE tenants.id = ${tenantId}::uuid) AS "freeSeats"`;
}

export function freeSeatsOf(seats: Seats | undefined): number {
  return Math.max(0, seats?.freeSeats ?? Infinity);
}

/** @throws ApiError `seat_limit` */
export function assertFreeSeat(seats: number): void {
  if (seats <= 0) throw new ApiError("seat_limit");
}
