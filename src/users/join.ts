/** How an account gets a further user. */
import type { SessionContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { newId } from "../db/id.ts";
import { ApiError, PermissionError } from "../errors.ts";
import { assertSessionLives } from "../sessions/assert-live.ts";

/** Who joins: the account, as its user in the tenant for which the session speaks. */
export type Joiner = {
  id: string;
  tenantId: string;
  accountId: string;
  email: string;
  firstName: string | null;
  lastName: string | null;
};

/**
 * Locks the caller's account and user, so that of two ways into a tenant at once one comes first.
 * @throws PermissionError for a platform account; ApiError `invalid_token` when the session ended meanwhile.
 */
export async function lockJoiner(tx: Transaction, ctx: SessionContext): Promise<Joiner> {
  const { userId, tenantId, accountId } = ctx.principal;
  if (tenantId === null) throw new PermissionError("A platform account belongs to no tenant.");
  const [joiner] = await tx.$queryRaw<Joiner[]>`
    SELECT users.id, users.tenant_id AS "tenantId", accounts.id AS "accountId", accounts.email,
      users.first_name AS "firstName", users.last_name AS "lastName"
    FROM accounts JOIN users ON users.account_id = accounts.id
    WHERE users.id = ${userId}::uuid AND accounts.id = ${accountId}::uuid AND NOT users.is_deleted
    FOR UPDATE OF accounts, users`;
  await assertSessionLives(tx, ctx);
  if (!joiner) throw new ApiError("invalid_token", "The account is gone.");
  return joiner;
}

type Membership = { tenantId: string; roleIds: string[]; grantedBy: string | null };

/**
 * Makes the account a user in a tenant, with the names that its person has where they come from; answers the id. The caller
 * has seen that there is none, and that they may come in.
 */
export async function insertMembership(
  tx: Transaction,
  { accountId, email, firstName, lastName }: Joiner,
  { tenantId, roleIds, grantedBy }: Membership,
): Promise<string> {
  const id = newId();
  await tx.user.create({
    data: { id, tenantId, accountId, email, firstName, lastName, createdBy: grantedBy ?? id },
    select: { id: true },
  });
  await tx.userRole.createMany({
    data: roleIds.map((roleId) => ({ userId: id, roleId, tenantId, grantedBy: grantedBy ?? id })),
  });
  return id;
}

/**
 * The caller as another user of their account: what is written in a tenant names who they are there, and not who they are in
 * another one.
 */
export function speakingAs(
  ctx: SessionContext,
  user: { id: string; tenantId: string },
): SessionContext {
  const { id: userId, tenantId } = user;
  return { ...ctx, principal: { ...ctx.principal, userId, tenantId } };
}
