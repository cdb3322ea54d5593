import { recordAudit } from "../../audit/record.ts";
import type { Context } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import type { Registration } from "../../mail/requests.ts";
import { SYSTEM_ROLES } from "../../roles/permissions.ts";
import { type StartedSession, startSession } from "../../sessions/start.ts";
import { insertTenant } from "../../tenants/create.ts";
import { insertUser } from "../../users/create.ts";
import type { UserRow } from "../../users/public-user.ts";

type NewAccount = Registration & {
  tenantId: string;
  userId: string;
  /** Null: still to be proved. */
  emailVerifiedAt: Date | null;
};

/** Makes a tenant, its owner and the owner's first session. @throws ApiError `slug_taken`, `email_taken`. */
export async function insertRegistration(
  tx: Transaction,
  ctx: Context,
  { tenantId, userId, tenant, ...account }: NewAccount,
): Promise<{ user: UserRow; session: StartedSession }> {
  await insertTenant(tx, { id: tenantId, ...tenant, createdBy: userId });
  const user = await insertUser(tx, ctx, {
    id: userId,
    tenantId,
    ...account,
    passwordOrigin: "own",
    roleIds: [SYSTEM_ROLES.owner],
    createdBy: userId,
  });
  // An account has the id of its first user.
  const session = await startSession(tx, ctx, { id: userId, tenantId, accountId: userId }, ["pwd"]);
  const made = { resourceType: "tenant", resourceId: tenantId, tenantId };
  await recordAudit(tx, ctx, { action: "tenant.created", ...made }, userId);
  const registered = { resourceType: "user", resourceId: userId, tenantId };
  await recordAudit(tx, ctx, { action: "auth.registered", ...registered }, userId);
  return { user, session };
}
