import { recordAudit } from "../../audit/record.ts";
import type { Context } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import { discardFactors } from "../../factors/changes.ts";
import { revokeSessions } from "../../sessions/revoke.ts";
import { revokeApiKeysOf } from "../../users/revoke-api-keys.ts";

type User = { id: string; tenantId: string | null };

/**
 * Takes every way in from an account that was set up before its address was proved, when another proof than the one that
 * set it up now proves the address: a stranger may have registered it, waiting for its owner to move in
 * (GHSA-qq9h-g4jm-xgf3). The caller replaces the password. Answers the sessions that ended, for `ctx.revocations.add`
 * after the commit, with `ctx.apiKeys.forget`.
 */
export async function discardUnproved(
  tx: Transaction,
  ctx: Context,
  { id, tenantId }: User,
): Promise<string[]> {
  const where = { userId: id, tenantId };
  await discardFactors(tx, { id, tenantId });
  await revokeApiKeysOf(tx, { id, tenantId });
  const ended = await revokeSessions(tx, where, "address_proved");
  await recordAudit(
    tx,
    ctx,
    { action: "user.unproved_discarded", resourceType: "user", resourceId: id, tenantId },
    id,
  );
  return ended;
}
