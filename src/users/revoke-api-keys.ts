import type { Deps } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { afterCommit } from "../db/commit.ts";

/**
 * Revokes every key of a user who is deleted, so that a restored account comes back without them; answers how many. Once
 * it is committed this instance refuses them; the others hear of it by the trigger's notification.
 */
export async function revokeApiKeysOf(
  tx: Transaction,
  { apiKeys }: Pick<Deps, "apiKeys">,
  { id, tenantId }: { id: string; tenantId: string | null },
): Promise<number> {
  const { count } = await tx.apiKey.updateMany({
    where: { userId: id, tenantId, revokedAt: null },
    data: { revokedAt: new Date() },
  });
  afterCommit(tx, () => apiKeys.forget());
  return count;
}
