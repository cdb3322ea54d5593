import type { Transaction } from "../db/client.ts";

/**
 * Revokes every key of a user who is deleted, so that a restored account comes back without them; answers how many. After
 * the commit call `ctx.apiKeys.forget`; the other instances hear of it by the trigger's notification.
 */
export async function revokeApiKeysOf(
  tx: Transaction,
  { id, tenantId }: { id: string; tenantId: string | null },
): Promise<number> {
  const { count } = await tx.apiKey.updateMany({
    where: { userId: id, tenantId, revokedAt: null },
    data: { revokedAt: new Date() },
  });
  return count;
}
