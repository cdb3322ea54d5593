import type { Transaction } from "../db/client.ts";

/** Those in the tenant's own pool whose address has a shared account that was proved: they join with it by a mail. */
export async function addedWithAccount(tx: Transaction, tenantId: string): Promise<string[]> {
  const known = await tx.$queryRaw<{ id: string }[]>`
    SELECT users.id FROM users JOIN accounts ON accounts.id = users.account_id
      JOIN accounts AS other ON other.email = accounts.email AND other.pool_id IS NULL AND NOT other.is_deleted
        AND other.email_verified_at IS NOT NULL
    WHERE users.tenant_id = ${tenantId}::uuid AND NOT users.is_deleted AND accounts.pool_id = ${tenantId}::uuid`;
  return known.map(({ id }) => id);
}
