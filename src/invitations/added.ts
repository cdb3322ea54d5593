/**
 * Whom a tenant has added (POST /v1/users, an import) and who has an account already hears of it by a mail, and joins by its
 * link or does not. To the tenant it is the same either way.
 */
import { standingOfPool } from "../accounts/settle.ts";
import { proveAddress } from "../auth/address/prove-address.ts";
import { invalidMailedToken } from "../auth/mails/mailed-token.ts";
import type { SessionContext } from "../context.ts";
import { hashToken } from "../crypto/secret.ts";
import type { Database, Transaction } from "../db/client.ts";
import { commit } from "../db/commit.ts";
import { LIVE } from "../db/live.ts";
import { findToken, useToken } from "../one-time-tokens/redeem.ts";
import { lockActiveTenant } from "../tenants/lock.ts";
import { type Joiner, lockJoiner, speakingAs } from "../users/join.ts";
import { lockProvisional } from "./provisional.ts";

/** What the link of such a mail offers; null when it is none. */
export async function findAdded(db: Database, token: string) {
  const found = await db.oneTimeToken.findFirst({
    where: {
      tokenHash: Uint8Array.from(hashToken(token)),
      purpose: "join_tenant",
      usedAt: null,
      expiresAt: { gt: new Date() },
      user: { isDeleted: false, tenant: LIVE },
    },
    select: {
      email: true,
      expiresAt: true,
      user: { select: { tenant: { select: { name: true } } } },
    },
  });
  const tenant = found?.user?.tenant;
  return found && tenant ? { tenant, email: found.email ?? "", expiresAt: found.expiresAt } : null;
}

/** The tenant of a user whom this account has become by the link before, for whoever opens it again. */
export async function joinedAdded(
  db: Database,
  token: string,
  accountId: string,
): Promise<{ tenantId: string } | null> {
  const found = await db.oneTimeToken.findFirst({
    where: {
      tokenHash: Uint8Array.from(hashToken(token)),
      purpose: "join_tenant",
      user: { accountId, isDeleted: false },
    },
    select: { tenantId: true },
  });
  return found?.tenantId ? { tenantId: found.tenantId } : null;
}

/**
 * Makes the user whom the tenant has added one of the caller's account. What others may have set up in the user's name goes,
 * as by any proof of an address: the account of the tenant's pool, and API keys. Null for what is no link of ours.
 * @throws ApiError `invalid_one_time_token` for somebody else's address, or an account that has not proved it.
 */
export async function joinAdded(
  ctx: SessionContext,
  text: string,
): Promise<{ accountId: string; tenantId: string } | null> {
  const token = await findToken(ctx.db, ctx, ["join_tenant"], text);
  const { userId, tenantId } = token ?? {};
  if (!token || !userId || !tenantId) return null;
  return commit(ctx, async (tx) => {
    if (!(await lockActiveTenant(tx, tenantId))) return null;
    // Before the account that joins, as where an account settles.
    if (token.email) await lockProvisional(tx, { tenantId, email: token.email });
    const joiner = await lockJoiner(tx, ctx);
    if (joiner.email !== token.email || !(await hasProvedShared(tx, joiner)))
      throw invalidMailedToken();
    const added = await tx.user.findFirst({
      where: { id: userId, tenantId, isDeleted: false, email: joiner.email },
      select: {
        id: true,
        accountId: true,
        account: { select: { emailVerifiedAt: true, passwordOrigin: true } },
      },
    });
    if (!added?.accountId || !added.account) throw invalidMailedToken();
    const { id, accountId } = added;
    if ((await standingOfPool(tx, ctx, accountId)) === "isolated") throw invalidMailedToken();
    // Perhaps by the caller a moment ago.
    if (!(await useToken(tx, token))) return null;
    const { emailVerifiedAt, passwordOrigin } = added.account;
    const proving = { id, tenantId, accountId, verified: emailVerifiedAt !== null, passwordOrigin };
    // The tenant reads who came, and not who they are elsewhere.
    await proveAddress(tx, speakingAs(ctx, { id, tenantId }), proving, null);
    return { accountId: joiner.accountId, tenantId };
  });
}

async function hasProvedShared(tx: Transaction, { accountId }: Joiner): Promise<boolean> {
  const where = { id: accountId, poolId: null, emailVerifiedAt: { not: null } };
  return (await tx.account.count({ where })) > 0;
}
