/** What the tokens that mails carry have in common. */
import {
  type OneTimePurpose,
  type PasswordOrigin,
  Prisma,
} from "../../../generated/prisma/client.ts";
import type { Context } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import { LIVE_USER_SQL } from "../../db/live.ts";
import { LOCKS } from "../../db/lock-names.ts";
import { ApiError } from "../../errors.ts";
import { type OneTimeToken, useToken } from "../../one-time-tokens/redeem.ts";
import { lockActiveTenant } from "../../tenants/lock.ts";

/** An account, as the user by whom the mail came about. */
export type Recipient = {
  id: string;
  tenantId: string | null;
  accountId: string;
  /** Null: the pool that all tenants share. */
  poolId: string | null;
  email: string;
  /** A new address that waits for its proof. */
  pendingEmail: string | null;
  /** Whether the address was proved before. */
  verified: boolean;
  /** Who set the password; of no meaning without one. */
  passwordOrigin: PasswordOrigin;
};

type Owner = { id: string | null; tenantId: string | null };

/**
 * Locks the account and its user for one more mail of this kind, so that of two at once the later one voids the earlier
 * one's token. Null when user or tenant is not active, or the hour (RATE_LIMIT_LINKS) has had its mails: of all that has the address, in
 * whatever tenant or pool, or whoever has many tenants could flood a mailbox by adding its address to each.
 */
export async function lockForMail(
  tx: Transaction,
  ctx: Pick<Context, "config">,
  owner: Owner,
  purpose: OneTimePurpose,
): Promise<Recipient | null> {
  const user = await lockRecipient(tx, owner);
  if (!user) return null;
  // One after the other: of accounts with one address each would find the mails of the others not yet sent. Last of all locks.
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LOCKS.mails}::int, hashtext(${user.email}))`;
  const { email } = user;
  return (await mayHaveMail(tx, ctx, { user: { account: { email } }, purpose })) ? user : null;
}

/**
 * Whether one more mail with a link is sent: whoever asks more often gets no further one, so that no mailbox is flooded
 * through us. @param which the tokens that count together.
 */
export async function mayHaveMail(
  tx: Transaction,
  { config: { limits } }: Pick<Context, "config">,
  which: Prisma.OneTimeTokenWhereInput,
): Promise<boolean> {
  const { quota, windowSeconds } = limits.links;
  const since = new Date(Date.now() - windowSeconds * 1000);
  return (await tx.oneTimeToken.count({ where: { ...which, createdAt: { gt: since } } })) < quota;
}

/**
 * Locks the account and the user whom the token was sent to, and uses it. Null unless user and tenant are active, and the
 * address is still theirs, or for a change the one that waits: a token proves the address that it was sent to and no other.
 */
export async function useMailedToken(
  tx: Transaction,
  token: OneTimeToken,
): Promise<Recipient | null> {
  const user = await lockRecipient(tx, { id: token.userId, tenantId: token.tenantId });
  const expected = token.purpose === "change_email" ? user?.pendingEmail : user?.email;
  if (!user || token.email !== expected) return null;
  return (await useToken(tx, token)) ? user : null;
}

async function lockRecipient(tx: Transaction, { id, tenantId }: Owner): Promise<Recipient | null> {
  if (!(await lockActiveTenant(tx, tenantId))) return null;
  const [user] = await tx.$queryRaw<Recipient[]>`
    SELECT users.id, users.tenant_id AS "tenantId", accounts.id AS "accountId", accounts.pool_id AS "poolId",
      accounts.email, accounts.pending_email AS "pendingEmail", accounts.email_verified_at IS NOT NULL AS verified,
      accounts.password_origin::text AS "passwordOrigin"
    FROM accounts JOIN users ON users.account_id = accounts.id
    WHERE users.id = ${id}::uuid AND users.tenant_id IS NOT DISTINCT FROM ${tenantId}::uuid
      AND ${Prisma.raw(LIVE_USER_SQL)}
    FOR UPDATE OF accounts, users`;
  return user ?? null;
}

/** Whatever is wrong: used, expired, voided by a newer one or by a change of the account, or never ours. */
export function invalidMailedToken(): ApiError {
  return new ApiError("invalid_one_time_token");
}
