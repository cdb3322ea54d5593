import { Prisma } from "../../generated/prisma/client.ts";
import type { Transaction } from "../db/client.ts";
import { LIVE_TENANT_SQL } from "../db/live.ts";
import { holding } from "../db/tenant-locks.ts";
import { NotFoundError } from "../errors.ts";

/**
 * True when the tenant is active, and keeps it so until the transaction ends: a suspension that comes meanwhile waits,
 * and then ends what was begun here. Platform accounts (null) have no tenant to wait for.
 *
 * The turn of `holdTenant` comes first, in one statement with the row: whoever asks while a suspension waits comes after
 * it and finds the tenant suspended, since a row that has changed is looked at again.
 */
export async function lockActiveTenant(tx: Transaction, tenantId: string | null): Promise<boolean> {
  if (tenantId === null) return true;
  const rows = await tx.$queryRaw<
    unknown[]
  >`WITH ${lockingTenant(tenantId)} SELECT true AS locked FROM tenant`;
  return rows.length > 0;
}

/**
 * The part `tenant` of a statement that does the same before it locks what comes after a tenant; whatever it locks has to
 * look at `tenant`, which has one row, or none. The rest of the statement sees the rows as they were before it waited.
 */
export function lockingTenant(tenantId: string): Prisma.Sql {
  return Prisma.sql`held AS MATERIALIZED (${holding(tenantId)}
    ), tenant AS MATERIALIZED (
      SELECT tenants.seat_limit FROM held, tenants
      WHERE tenants.id = ${tenantId}::uuid AND ${Prisma.raw(LIVE_TENANT_SQL)} FOR SHARE OF tenants
    )`;
}

/** The same for whoever puts somebody into a tenant. @throws NotFoundError unless it is active. */
export async function enterTenant(tx: Transaction, tenantId: string | null): Promise<void> {
  if (!(await lockActiveTenant(tx, tenantId))) throw new NotFoundError("tenant");
}
