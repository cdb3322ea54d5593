/** The user whom a tenant has added under an address whose person comes there themselves. */
import { recordAudit } from "../audit/record.ts";
import type { Context } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { touchedBy } from "../db/touch.ts";
import { revokeSessionUsers } from "../sessions/revoke.ts";
import { revokeApiKeysOf } from "../users/revoke-api-keys.ts";

type Place = { tenantId: string; email: string };

/** Locks them, if there is one, and answers their id: before the grants of the tenant are locked (roles/held.ts). */
export async function lockProvisional(
  tx: Transaction,
  { tenantId, email }: Place,
): Promise<string | null> {
  const [user] = await tx.$queryRaw<{ id: string }[]>`
    SELECT users.id FROM accounts JOIN users ON users.account_id = accounts.id
    WHERE users.tenant_id = ${tenantId}::uuid AND users.email = ${email} AND accounts.pool_id = users.tenant_id
      AND NOT users.is_deleted
    FOR UPDATE OF accounts, users`;
  return user?.id ?? null;
}

/** Ends them. @param personId who comes, for the audit log. */
export async function endProvisional(
  tx: Transaction,
  ctx: Context,
  { tenantId, email, personId }: Place & { personId: string | null },
): Promise<void> {
  const id = await lockProvisional(tx, { tenantId, email });
  if (id === null) return;
  const deletedAt = new Date();
  await tx.user.update({
    where: { id, tenantId },
    data: {
      isDeleted: true,
      deletedAt,
      pendingEmail: null,
      ...(personId
        ? touchedBy(personId, deletedAt)
        : { updatedAt: deletedAt, version: { increment: 1 } }),
    },
    select: { id: true },
  });
  await revokeApiKeysOf(tx, ctx, { id, tenantId });
  await revokeSessionUsers(tx, ctx, { userId: id, tenantId }, "user_deleted");
  await recordAudit(
    tx,
    { ...ctx, principal: undefined } as Context,
    {
      action: "user.deleted",
      resourceType: "user",
      resourceId: id,
      tenantId,
      details: { reason: "joined_in_person" },
    },
    personId ?? undefined,
  );
}
