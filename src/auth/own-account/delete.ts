/** Ending one's own account, in every tenant at once: what app stores ask of an app that makes accounts. */
import { recordAccountEvent } from "../../audit/account-events.ts";
import type { SessionContext } from "../../context.ts";
import { hashToken, randomToken } from "../../crypto/secret.ts";
import type { Transaction } from "../../db/client.ts";
import { afterCommit, commit } from "../../db/commit.ts";
import { acrossTenants } from "../../db/scope.ts";
import { ANNOUNCE_TENANT_OF_USER } from "../../db/tenant-locks.ts";
import { ApiError } from "../../errors.ts";
import type { Proof } from "../../mail/mails.ts";
import { sendProof } from "../../mail/send.ts";
import { isLastRuler } from "../../roles/giving.ts";
import { assertSessionLives } from "../../sessions/assert-live.ts";
import { assertRecentProof } from "../../sessions/recent-proof.ts";
import { revokeSessions } from "../../sessions/revoke.ts";
import { revokeApiKeysOf } from "../../users/revoke-api-keys.ts";
import { linkFor } from "../mails/links.ts";
import { timeIsOver } from "./grace.ts";

/**
 * Deletes the caller's account: all of its users, whatever tenant they are in. Sessions, API keys and what mails have brought end
 * at once, the address is free, and after TENANT_GRACE_DAYS all that is stored of the person goes (erase.ts). Until then the
 * link of the mail takes it back (restore.ts).
 * @throws ApiError `last_owner` with the tenants that would be without one, `last_super_admin`; `reauthentication_required`,
 * `invalid_token`, `session_required`, `impersonation_forbidden`.
 */
export function deleteAccount(ctx: SessionContext): Promise<void> {
  assertRecentProof(ctx);
  return acrossTenants(() => commit(ctx, (tx) => end(tx, ctx)));
}

async function end(tx: Transaction, ctx: SessionContext): Promise<void> {
  const { userId, tenantId, accountId } = ctx.principal;
  const { email, users } = await lockAll(tx, ctx);
  await assertNobodyNeedsThem(tx, users);
  const [endedAt, token] = [new Date(), randomToken()];
  // While its users are there: each of their tenants reads of its own.
  const user = { id: userId, tenantId, accountId };
  await recordAccountEvent(tx, ctx, { action: "user.account_deleted", user });
  const goneAt = timeIsOver(ctx, endedAt);
  const mail: Proof = {
    template: "account_deleted",
    link: linkFor(ctx, "restore_account", token),
    at: goneAt.toISOString(),
  };
  // Where there is no time nothing can be taken back.
  const isTooLate = goneAt.getTime() === endedAt.getTime();
  await sendProof(tx, ctx, { ...user, email }, isTooLate ? { ...mail, link: null } : mail);
  await revokeSessions(tx, ctx, { accountId }, "account_deleted");
  for (const each of users) await revokeApiKeysOf(tx, ctx, each);
  // Whoever deletes themselves has left: no tenant brings them back. With the last user a trigger deletes the account.
  await tx.$executeRaw`
    UPDATE users SET is_deleted = true, deleted_at = ${endedAt}, pending_email = NULL,
      updated_by = id, updated_at = ${endedAt}, version = version + 1
    WHERE account_id = ${accountId}::uuid AND NOT is_deleted`;
  await tx.account.update({
    where: { id: accountId, isDeleted: true },
    data: { endedAt, undoHash: Uint8Array.from(hashToken(token)) },
    select: { id: true },
  });
  for (const { id } of users) afterCommit(tx, () => ctx.grants.forget(id));
}

type Member = { id: string; tenantId: string | null; tenant: string | null };

/** The account, then its users, and nobody waits for a long list of people that somebody is at work on where they are. */
async function lockAll(
  tx: Transaction,
  ctx: SessionContext,
): Promise<{ email: string; users: Member[] }> {
  const { accountId } = ctx.principal;
  await tx.$executeRaw`
    SELECT ${ANNOUNCE_TENANT_OF_USER} FROM users WHERE account_id = ${accountId}::uuid AND NOT is_deleted`;
  const [account] = await tx.$queryRaw<{ email: string }[]>`
    SELECT email FROM accounts WHERE id = ${accountId}::uuid AND NOT is_deleted FOR UPDATE`;
  const users = await tx.$queryRaw<Member[]>`
    SELECT users.id, users.tenant_id AS "tenantId", CASE WHEN NOT tenants.is_deleted THEN tenants.name || ' (' || tenants.slug || ')' END AS tenant
    FROM users LEFT JOIN tenants ON tenants.id = users.tenant_id
    WHERE account_id = ${accountId}::uuid AND NOT users.is_deleted
    ORDER BY users.tenant_id, users.id FOR UPDATE OF users`;
  await assertSessionLives(tx, ctx);
  if (!account) throw new ApiError("invalid_token", "The account is gone.");
  return { email: account.email, users };
}

/** Of all tenants that would be left without an owner, so that they are not learned one by one. A deleted one needs none. */
async function assertNobodyNeedsThem(tx: Transaction, users: Member[]): Promise<void> {
  const left: Member[] = [];
  for (const user of users) {
    const isThere = user.tenantId === null || user.tenant !== null;
    if (isThere && (await isLastRuler(tx, user))) left.push(user);
  }
  if (left.some(({ tenantId }) => tenantId === null)) throw new ApiError("last_super_admin");
  if (left.length === 0) return;
  const names = left.map(({ tenant }) => tenant).join(", ");
  throw new ApiError(
    "last_owner",
    `You are the last owner of ${names}. Make somebody else an owner there, or delete the tenant.`,
  );
}
