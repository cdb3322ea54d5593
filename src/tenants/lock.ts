import type { Transaction } from "../db/client.ts";

/**
 * True when the tenant is active, and keeps it so until the transaction ends: a suspension that comes meanwhile waits,
 * and then ends what was begun here. Platform accounts (null) have no tenant to wait for.
 */
export async function lockActiveTenant(tx: Transaction, tenantId: string | null): Promise<boolean> {
  if (tenantId === null) return true;
  const rows = await tx.$queryRaw<unknown[]>`
    SELECT id FROM tenants WHERE id = ${tenantId}::uuid AND status = 'active' AND NOT is_deleted FOR SHARE`;
  return rows.length > 0;
}
