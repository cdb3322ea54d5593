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
  if ((await freeSeats(tx, tenantId)) > 0) return;
  throw new ApiError("seat_limit");
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
  const seatLimit = tenant?.seatLimit ?? null;
  if (seatLimit === null) return Infinity;
  // Namespaced by its first key; released at the end of the transaction.
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LOCKS.seats}::int, hashtext(${tenantId}))`;
  return Math.max(0, seatLimit - (await takenSeats(tx, tenantId)));
}

/** A seat is a person who is not deleted, or a pending invitation. */
async function takenSeats(tx: Transaction, tenantId: string): Promise<number> {
  const [counted] = await tx.$queryRaw<{ seats: number }[]>`
    SELECT ((SELECT count(*) FROM users
        WHERE tenant_id = ${tenantId}::uuid AND kind = 'person' AND NOT is_deleted)
      + (SELECT count(*) FROM invitations
        WHERE tenant_id = ${tenantId}::uuid AND ${Prisma.raw(PENDING_INVITATION_SQL)})
      )::int AS seats`;
  return counted?.seats ?? 0;
}
