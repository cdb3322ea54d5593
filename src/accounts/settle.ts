/** What becomes of an account of a tenant's own pool when its person proves the address. */
import { recordAccountEvent } from "../audit/account-events.ts";
import type { Context } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { afterCommit } from "../db/commit.ts";
import { readSettings } from "../tenant-settings/settings.ts";
import { userPoolOf } from "./pool.ts";

type Settling = { id: string; tenantId: string | null; accountId: string };

/**
 * Where an account is: in the pool that all tenants share, in the pool of a tenant that keeps its own, or in a tenant's
 * until it settles, since the tenant alone has said whose it is.
 */
export async function standingOfPool(
  tx: Transaction,
  ctx: Pick<Context, "config">,
  accountId: string,
): Promise<"shared" | "isolated" | "provisional"> {
  const [pool] = await tx.$queryRaw<{ settings: unknown }[]>`
    SELECT tenants.settings FROM accounts JOIN tenants ON tenants.id = accounts.pool_id
    WHERE accounts.id = ${accountId}::uuid`;
  if (!pool) return "shared";
  const isIsolated = userPoolOf(ctx.config, readSettings(pool.settings)) === "isolated";
  return isIsolated ? "isolated" : "provisional";
}

/**
 * Takes an account of a tenant's own pool to the shared one, now that its person has proved the address, and answers the
 * id of the account that stays. Where the person has a shared account with that address, the user becomes one of that: they
 * log in as the shared account does, and sessions and factors of the other are gone. Nothing happens to an account that is
 * shared already, nor where the tenant keeps a pool of its own.
 *
 * The tenant reads nothing of it: a user of a shared account looks the same to it, whether that was there before or not.
 * The caller holds the locks on the account and the user, and has written that the address is proved. Audit rows of what
 * happened to the account before are the tenant's: they are written first.
 */
export async function settleAccount(
  tx: Transaction,
  ctx: Context,
  { id, tenantId, accountId }: Settling,
): Promise<string> {
  if ((await standingOfPool(tx, ctx, accountId)) !== "provisional") return accountId;
  // With an account that gives way its sessions are deleted: this instance hears of it no later than of what was revoked.
  const sessions = await tx.session.findMany({
    where: { accountId, revokedAt: null },
    select: { id: true },
  });
  const [{ stays }] = await tx.$queryRaw<[{ stays: string }]>`
    SELECT settle_account(${accountId}::uuid)::text AS stays`;
  afterCommit(tx, () => ctx.grants.forget(id));
  if (stays !== accountId)
    afterCommit(tx, () => ctx.revocations.add(sessions.map((session) => session.id)));
  // In the platform's chain alone: to the tenant it would tell of an account elsewhere, and to others of this tenant.
  const user = { id, tenantId, accountId: stays };
  const details = { joined: stays !== accountId };
  const event = { action: "user.settled", user, auditTenantId: null, details } as const;
  await recordAccountEvent(tx, ctx, event, id);
  return stays;
}
